"""The way of a pair: the days of its steps, pair by pair in plain Python, and worked out by hand."""

from __future__ import annotations

from datetime import date, datetime
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from generated_facts import BROUGHT, DEALS, ZONE, Entries, some_entries
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from matching.ledger.deal_terms import DEAL_TERMS
from matching.ledger.decisions import STANDING
from matching.reporting.journeys import DEAL_STEPS, JOURNEYS, STEPS, journeys
from matching.schema import PAIRS

STATED: Final = ("signed", "registered", "industrialised")
ALL_PAIRS: Final = [(f"D{demand}", f"A{achievement}") for demand in range(4) for achievement in range(4)]
some_lists = st.builds(
    lambda seed, chosen: some_entries(Random(seed), chosen),
    st.integers(0, 2**32 - 1),
    st.lists(st.sampled_from(ALL_PAIRS), unique=True),
)


def day(moment: str | None, timezone: str = ZONE) -> date | None:
    return datetime.fromisoformat(moment).astimezone(ZoneInfo(timezone)).date() if moment else None


def naive(entries: Entries, timezone: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Every pair with what it has, by going through the entries one by one."""
    found: dict[tuple[str, str], dict[str, Any]] = {}

    def way(row: dict[str, Any]) -> dict[str, Any]:
        return found.setdefault((row["demand_id"], row["achievement_id"]), dict.fromkeys(JOURNEYS))

    for row in entries.brought.iter_rows(named=True):
        way(row)["own_candidates"] = day(row["at"], timezone)
    for row in entries.decided.iter_rows(named=True):
        if row["verdict"] != "later":
            own = way(row)
            own["own_reviewed"], own["decider"] = day(row["at"], timezone), row["agent"]
            if row["verdict"] == "accept":
                own["own_accepted"] = own["own_reviewed"]
    terms = {row["deal_id"]: row for row in entries.terms.iter_rows(named=True)}
    for row in entries.deals.iter_rows(named=True):
        own = found.get((row["demand_id"], row["achievement_id"]), {})
        if own.get("own_accepted") is not None:
            own.update(of_deal(row, terms.get(row["deal_id"], {}), timezone))
    for pair, own in found.items():
        own["demand_id"], own["achievement_id"] = pair
        for place, step in enumerate(STEPS):
            own[step] = next((own[f"own_{later}"] for later in STEPS[place:] if own[f"own_{later}"]), None)
    return found


def of_deal(row: dict[str, Any], terms: dict[str, Any], timezone: str) -> dict[str, Any]:
    reached = [place for place, step in enumerate(DEAL_STEPS) if row[step] is not None]
    own: dict[str, Any] = {}
    for place, step in enumerate(DEAL_STEPS):
        stated = terms.get(f"{step}_on") if step in STATED and reached and max(reached) >= place else None
        own[f"own_{step}"] = stated or day(row[step], timezone)
    kept = ("contract_kind", "transfer_institution", "total_fen", "technical_fen")
    return {
        **own,
        **{name: terms.get(name) for name in kept},
        "deal_id": row["deal_id"],
        "handler": terms.get("responsible") or row["agent"],
        "ended": row["state"] == "ended",
    }


@given(some_lists, st.sampled_from([ZONE, "UTC", "America/New_York"]))
def test_the_ways_are_those_that_a_loop_over_the_entries_finds(entries: Entries, timezone: str) -> None:
    found = entries.pairs(timezone)
    expected = naive(entries, timezone)
    assert dict(found.schema) == JOURNEYS
    assert found.rows(named=True) == [expected[pair] for pair in sorted(expected)]


@given(some_lists)
def test_who_is_at_a_step_was_at_every_one_before_it(entries: Entries) -> None:
    found = entries.pairs()
    reached = [found.filter(pl.col(step).is_not_null()).height for step in STEPS]
    assert reached == sorted(reached, reverse=True)
    for place, step in enumerate(STEPS):
        ahead = found.filter(pl.any_horizontal(pl.col(f"own_{later}").is_not_null() for later in STEPS[place:]))
        assert ahead.height == reached[place], step
        own = found.filter(pl.col(f"own_{step}").is_not_null())
        assert own[step].equals(own[f"own_{step}"]), step


@given(some_lists, st.integers(0, 2**32 - 1))
def test_the_order_of_entries_does_not_matter(entries: Entries, seed: int) -> None:
    other = Entries(*(rows.sample(fraction=1, shuffle=True, seed=seed) for rows in vars(entries).values()))
    assert_frame_equal(other.pairs(), entries.pairs())


def test_nothing_gives_the_columns_and_no_rows() -> None:
    found = journeys(*(pl.DataFrame(schema=schema) for schema in (BROUGHT, STANDING, DEALS, DEAL_TERMS)), ZONE)
    assert found.is_empty()
    assert dict(found.schema) == JOURNEYS


def at(text: str) -> str:
    return f"{text}T04:00:00.000+00:00"


def worked(verdict: str = "accept", terms: dict[str, Any] | None = None, **states: str) -> dict[str, Any]:
    """The way of one pair that was brought and decided on, with a deal that was in some states on some days."""
    pair = dict(zip(PAIRS, ("D1", "A1"), strict=True))
    decision = {**dict.fromkeys(STANDING), **pair, "verdict": verdict, "agent": "甲", "at": at("2026-01-05")}
    moments = {state: at(written) for state, written in states.items()}
    deal = {**dict.fromkeys(DEALS), **pair, "deal_id": 1, "state": "contacted", "agent": "乙", **moments}
    stated = [{**dict.fromkeys(DEAL_TERMS), "deal_id": 1, "responsible": "", **terms}] if terms is not None else []
    found = journeys(
        pl.DataFrame([{**pair, "at": at("2026-01-02")}], schema=BROUGHT),
        pl.DataFrame([decision], schema=STANDING),
        pl.DataFrame([deal], schema=DEALS),
        pl.DataFrame(stated, schema=DEAL_TERMS, orient="row"),
        ZONE,
    )
    return found.row(0, named=True)


def test_a_step_left_out_is_reached_on_the_day_of_the_next() -> None:
    found = worked(contacted="2026-02-01", registered="2026-04-01")
    assert found["own_negotiating"] is found["own_signed"] is None
    assert found["negotiating"] == found["signed"] == found["registered"] == date(2026, 4, 1)
    assert found["industrialised"] is None
    assert (found["candidates"], found["reviewed"], found["contacted"]) == (
        date(2026, 1, 2),
        date(2026, 1, 5),
        date(2026, 2, 1),
    )


def test_a_day_of_the_terms_counts_for_its_step_and_not_for_a_state_to_come() -> None:
    terms = {"signed_on": date(2026, 3, 3), "registered_on": date(2026, 3, 9)}
    found = worked(terms=terms, negotiating="2026-02-01", signed="2026-03-20")
    assert (found["signed"], found["registered"]) == (date(2026, 3, 3), None)
    jumped = worked(terms=terms, registered="2026-03-20")
    assert (jumped["signed"], jumped["registered"]) == (date(2026, 3, 3), date(2026, 3, 9))
    assert jumped["contacted"] == date(2026, 3, 3)


@pytest.mark.parametrize("verdict", ["reject", "later"])
def test_a_deal_counts_as_long_as_its_acceptance_stands(verdict: str) -> None:
    terms = {"total_fen": 5, "signed_on": date(2026, 3, 3), "contract_kind": "licence", "responsible": "丙"}
    found = worked(verdict, terms=terms, signed="2026-03-20")
    kept = ("accepted", *DEAL_STEPS, "deal_id", "handler", "total_fen", "contract_kind", "ended")
    assert [found[name] for name in kept] == [None] * len(kept)
    assert found["reviewed"] == (date(2026, 1, 5) if verdict == "reject" else None)
    assert found["candidates"] == date(2026, 1, 2)


def test_whoever_is_responsible_handles_the_deal_else_who_moved_it_last() -> None:
    assert worked(contacted="2026-02-01")["handler"] == "乙"
    assert worked(terms={}, contacted="2026-02-01")["handler"] == "乙"
    assert worked(terms={"responsible": "丙"}, contacted="2026-02-01")["handler"] == "丙"
    assert worked(contacted="2026-02-01")["decider"] == "甲"
