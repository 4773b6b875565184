"""Deals: the steps they can take, who may take them when, and the history that stays."""

from __future__ import annotations

import polars as pl
import pytest
from agreed import SIGNED, advance, full_terms
from sqlalchemy import Engine

from matching.errors import CallError, LedgerError, NotPermitted
from matching.ledger.deal_terms import terms_of
from matching.ledger.deals import DEALS, EVENTS, all_deals, deal_events, move, next_states
from matching.ledger.decisions import decide
from matching.ledger.revision import revision
from matching.ledger.rights import Viewer, as_viewer
from matching.ledger.runs import add_run
from matching.schema import CANDIDATES, DEAL_ENDED, DEAL_STATES, END_REASONS


def accept(engine: Engine, demand: str, achievement: str) -> None:
    """Open a deal: agent 甲 accepts the pair."""
    decide(
        engine,
        demand_id=demand,
        achievement_id=achievement,
        run_id=1,
        verdict="accept",
        agent="甲",
        nonce="1",
        seen=None,
    )


@pytest.fixture
def engine(ledger: Engine) -> Engine:
    """A ledger with deal 1 of D1 and A1, at its first event."""
    add_run(ledger, pl.DataFrame(schema=CANDIDATES), "a" * 64, top=1, demands=0, achievements=0, agent="甲")
    accept(ledger, "D1", "A1")
    return ledger


def states(engine: Engine) -> list[str]:
    return deal_events(engine, 1)["state"].to_list()


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("recommended", ("contacted", "negotiating", "signed", "registered", "industrialised", "ended")),
        ("contacted", ("negotiating", "signed", "registered", "industrialised", "ended")),
        ("negotiating", ("signed", "registered", "industrialised", "ended")),
        ("signed", ("registered", "industrialised", "ended")),
        ("registered", ("industrialised", "ended")),
        ("industrialised", ()),
        ("ended", ()),
    ],
)
def test_next_states(state: str, expected: tuple[str, ...]) -> None:
    assert next_states(state) == expected


def test_an_accepted_pair_has_a_deal(engine: Engine) -> None:
    (row,) = all_deals(engine).rows(named=True)
    at = row.pop("at")
    opened = row.pop("opened_at")
    assert row == {
        "deal_id": 1,
        "demand_id": "D1",
        "achievement_id": "A1",
        "state": "recommended",
        "reason": "",
        "note": "",
        "agent": "甲",
        "event_id": 1,
    }
    assert opened <= at
    assert deal_events(engine).rows() == [(1, 1, "recommended", "", "", "甲", at)]


def test_no_deals(ledger: Engine) -> None:
    assert all_deals(ledger).equals(pl.DataFrame(schema=DEALS))
    assert deal_events(ledger).equals(pl.DataFrame(schema=EVENTS))


def test_a_deal_goes_all_the_way_and_keeps_its_history(engine: Engine) -> None:
    for seen, state in enumerate(DEAL_STATES[1:], start=1):
        advance(engine, 1, state, "乙", seen=seen, note=f"到了{state}")
    history = deal_events(engine, 1)
    assert history["event_id"].to_list() == [1, 2, 3, 4, 5, 6]
    assert tuple(history["state"]) == DEAL_STATES
    assert history["note"].to_list() == ["", *(f"到了{state}" for state in DEAL_STATES[1:])]
    assert history["agent"].to_list() == ["甲", "乙", "乙", "乙", "乙", "乙"]
    assert history["at"].is_sorted()
    newest = all_deals(engine).select("state", "note", "agent", "event_id", "at").row(0)
    assert newest == history.select("state", "note", "agent", "event_id", "at").row(-1)


def test_steps_may_be_skipped(engine: Engine) -> None:
    advance(engine, 1, "signed", "甲", seen=1)
    advance(engine, 1, "industrialised", "甲", seen=2)
    assert states(engine) == ["recommended", "signed", "industrialised"]


@pytest.mark.parametrize("state", ["recommended", "contacted", "negotiating"])
def test_a_deal_does_not_go_back_or_stand_still(state: str, engine: Engine) -> None:
    move(engine, 1, "negotiating", "甲", seen=1)
    with pytest.raises(LedgerError) as caught:
        move(engine, 1, state, "甲", seen=2)
    assert "1" in caught.value.text("zh_CN")
    assert "later one" in caught.value.text("en")
    assert states(engine) == ["recommended", "negotiating"]


def test_a_state_that_does_not_exist(engine: Engine) -> None:
    with pytest.raises(LedgerError):
        move(engine, 1, "paid", "甲", seen=1)
    assert states(engine) == ["recommended"]


@pytest.mark.parametrize("reason", END_REASONS)
def test_a_deal_ends_with_a_reason(reason: str, engine: Engine) -> None:
    move(engine, 1, "ended", "甲", seen=1, reason=reason, note="对方没有回音")
    (row,) = all_deals(engine).rows(named=True)
    assert (row["state"], row["reason"], row["note"]) == ("ended", reason, "对方没有回音")


@pytest.mark.parametrize("reason", ["", "too_dear", "太贵"])
def test_a_deal_does_not_end_without_a_known_reason(reason: str, engine: Engine) -> None:
    with pytest.raises(CallError) as caught:
        move(engine, 1, "ended", "甲", seen=1, reason=reason)
    assert f"“{reason}”" in caught.value.text("en")
    assert states(engine) == ["recommended"]


def test_a_reason_belongs_to_the_end_alone(engine: Engine) -> None:
    move(engine, 1, "contacted", "甲", seen=1, reason="price")
    assert all_deals(engine)["reason"].to_list() == [""]


@pytest.mark.parametrize("state", [*DEAL_STATES, DEAL_ENDED])
@pytest.mark.parametrize("end", ["industrialised", "ended"])
def test_nothing_follows_the_end(end: str, state: str, engine: Engine) -> None:
    advance(engine, 1, end, "甲", seen=1, reason="price")
    before = revision(engine)
    with pytest.raises(LedgerError):
        advance(engine, 1, state, "甲", seen=2, reason="price")
    assert revision(engine) == before


@pytest.mark.parametrize("seen", [0, 1, 3])
def test_a_deal_that_moved_meanwhile(seen: int, engine: Engine) -> None:
    move(engine, 1, "contacted", "甲", seen=1)
    with pytest.raises(LedgerError) as caught:
        move(engine, 1, "signed", "乙", seen=seen)
    assert "1" in caught.value.text("zh_CN")
    assert "has moved since" in caught.value.text("en")
    assert states(engine) == ["recommended", "contacted"]


def test_a_deal_that_does_not_exist(engine: Engine) -> None:
    with pytest.raises(LedgerError):
        move(engine, 404, "contacted", "甲", seen=1)
    assert deal_events(engine).height == 1


def test_deals_go_their_own_ways_newest_movement_first(engine: Engine) -> None:
    accept(engine, "D1", "A2")
    accept(engine, "D2", "A1")
    assert all_deals(engine)["deal_id"].to_list() == [3, 2, 1]
    advance(engine, 1, "signed", "甲", seen=1)
    found = all_deals(engine).select("deal_id", "demand_id", "achievement_id", "state").rows()
    assert found == [
        (1, "D1", "A1", "signed"),
        (3, "D2", "A1", "recommended"),
        (2, "D1", "A2", "recommended"),
    ]
    assert deal_events(engine)["deal_id"].to_list() == [1, 2, 3, 1]
    assert deal_events(engine, 2)["state"].to_list() == ["recommended"]
    assert deal_events(engine, 404).is_empty()


def test_a_deal_is_signed_with_its_terms_in_one_press(engine: Engine) -> None:
    terms = full_terms(1)
    for _ in range(2):
        move(engine, 1, "signed", "甲", seen=1, terms=terms, nonce="n")
    assert states(engine) == ["recommended", "signed"]
    found = terms_of(engine, 1)
    assert (found.entry_id, found.terms.total_fen, found.terms.signed_on) == (1, terms.total_fen, SIGNED)


@pytest.mark.parametrize("state", ["signed", "registered", "industrialised"])
def test_a_state_needs_terms_and_says_which(state: str, engine: Engine) -> None:
    with pytest.raises(LedgerError) as caught:
        move(engine, 1, state, "甲", seen=1)
    told = {problem.key for problem in caught.value.problems}
    assert {"deal.needs_contract_kind", "deal.needs_total_fen", "deal.needs_signed_on"} <= told
    assert ("deal.needs_registration_number" in told) == (state == "registered")
    assert states(engine) == ["recommended"]


def test_terms_that_break_a_rule_move_nothing(engine: Engine) -> None:
    with pytest.raises(LedgerError) as caught:
        move(engine, 1, "signed", "甲", seen=1, terms=full_terms(1, technical_fen=1_000_000_01), nonce="n")
    assert [problem.key for problem in caught.value.problems] == ["deal.technical_above_total"]
    assert states(engine) == ["recommended"]
    assert terms_of(engine, 1).entry_id is None


def test_terms_need_a_name_for_the_press(engine: Engine) -> None:
    with pytest.raises(CallError):
        move(engine, 1, "signed", "甲", seen=1, terms=full_terms(1))


def test_who_may_move_and_read(engine: Engine) -> None:
    agent, official = (as_viewer(engine, Viewer("乙", role)) for role in ("agent", "official"))
    move(agent, 1, "contacted", "乙", seen=1)
    for refused in (
        lambda: move(agent, 1, "negotiating", "甲", seen=2),
        lambda: move(official, 1, "negotiating", "乙", seen=2),
        lambda: all_deals(official),
        lambda: deal_events(official),
    ):
        with pytest.raises(NotPermitted):
            refused()
    institute = as_viewer(engine, Viewer("丙", "institute", "别的研究所"))
    assert all_deals(institute).is_empty()
    assert deal_events(institute, 1).is_empty()
    with pytest.raises(LedgerError):
        terms_of(institute, 1)
    assert states(engine) == ["recommended", "contacted"]
