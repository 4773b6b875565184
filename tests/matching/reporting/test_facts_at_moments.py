"""Figures of a moment are those of the ledger that ended there, and grow as entries are added."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Final

import polars as pl
import pytest
from generated_facts import ZONE
from generated_ledgers import ADDING, ANY, Work, begin, go_on
from polars.testing import assert_frame_equal
from sqlalchemy import Engine

from matching.ledger import presence
from matching.ledger.database import open_ledger
from matching.ledger.moments import settled
from matching.ledger.rights import Viewer, as_viewer
from matching.reporting.codes import HIDDEN, UNKNOWN
from matching.reporting.conversion import conversion
from matching.reporting.facts import Facts, facts
from matching.reporting.figures import AMOUNTS, COUNTS, FIGURES, cut
from matching.reporting.journeys import STEPS
from matching.reporting.period import Period

ALWAYS: Final = Period()
FIRST_HALF: Final = Period(date(2026, 1, 1), date(2026, 6, 30))


def copied(engine: Engine, target: Path) -> Engine:
    """The ledger as it is now, in another file."""
    with closing(sqlite3.connect(str(engine.url.database))) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    return open_ledger(f"sqlite:///{target}")


def frames(found: Facts) -> dict[str, pl.DataFrame]:
    return {name: value for name, value in vars(found).items() if isinstance(value, pl.DataFrame)}


def assert_same(found: Facts, expected: Facts) -> None:
    for name, rows in frames(found).items():
        assert_frame_equal(rows, frames(expected)[name])


@pytest.mark.parametrize("seed", range(3))
def test_facts_of_a_moment_are_those_of_the_ledger_that_ended_there(seed: int, ledger: Engine, tmp_path: Path) -> None:
    work = Work(ledger, Random(seed))
    begin(work)
    kept: list[tuple[datetime, Engine]] = []
    for place in range(3):
        go_on(work, ANY, 8)
        kept.append((settled(ledger), copied(ledger, tmp_path / f"{place}.sqlite")))
    go_on(work, ANY, 12)
    end = settled(ledger)
    for moment, then in kept:
        expected = facts(then, moment, ZONE)
        assert_same(facts(ledger, moment, ZONE), expected)
        # Nothing comes of time that goes by without entries.
        assert_same(facts(then, end, ZONE), expected)
        then.dispose()
    assert all(rows.height for name, rows in frames(facts(ledger, end, ZONE)).items() if name in ("demands", "pairs"))


@pytest.mark.parametrize("seed", range(2))
def test_with_added_entries_alone_no_figure_falls(seed: int, ledger: Engine) -> None:
    work = Work(ledger, Random(seed))
    tables = []
    begin(work)
    for _ in range(7):
        found = facts(ledger, settled(ledger), ZONE)
        # The days of contracts and payments are those of the terms, all others this day.
        tables.append([*cut(found, (), ALWAYS).row(0), *cut(found, (), FIRST_HALF).select(AMOUNTS).row(0)])
        assert_steps_never_grow(found)
        go_on(work, ADDING, 12)
    for place, name in enumerate((*FIGURES, *AMOUNTS)):
        grown = [table[place] for table in tables]
        assert grown == sorted(grown), name
    first, last = tables[0], tables[-1]
    assert [name for place, name in enumerate(COUNTS) if last[place] <= first[place] and name != "industrialised"] == []
    assert min(last[: len(FIGURES)]) > 0, dict(zip(FIGURES, last, strict=False))


def assert_steps_never_grow(found: Facts) -> None:
    counts = cut(found, STEPS[:0], ALWAYS).select(STEPS).row(0)
    assert sorted(counts, reverse=True) == [*counts]
    rates = conversion(found, (), ALWAYS)
    assert rates.filter(pl.col("came") > pl.col("base")).is_empty()
    assert rates["came"].to_list() == [*counts[1:]]


@pytest.fixture
def worked_on(ledger: Engine) -> Engine:
    work = Work(ledger, Random(5))
    begin(work)
    go_on(work, ADDING, 60)
    return ledger


def test_an_official_counts_the_same_and_learns_no_name_of_a_private_demand(worked_on: Engine) -> None:
    moment = settled(worked_on)
    whole = facts(worked_on, moment, ZONE)
    veiled = facts(as_viewer(worked_on, Viewer("丁", "official")), moment, ZONE)
    for by in ((), ("city",), ("institute", "month")):
        assert_frame_equal(cut(veiled, by, ALWAYS), cut(whole, by, ALWAYS))
    private = set(whole.demands.filter(pl.col("visibility") == "private")["demand_id"])
    assert 0 < len(private) < whole.demands.height
    for name, rows in frames(veiled).items():
        assert not private & {*rows.get_column("demand_id", default=pl.Series([""]))}, name
    hidden = veiled.demands.filter(pl.col("visibility") != "public")
    assert set(hidden["enterprise"]) == set(hidden["title"]) == {HIDDEN}
    shown = pl.col("visibility") == "public"
    assert_frame_equal(veiled.demands.filter(shown), whole.demands.filter(shown))
    by_enterprise = dict(cut(veiled, ("enterprise",), ALWAYS).select("enterprise", "demands").rows())
    assert by_enterprise[HIDDEN] == len(private)


@pytest.mark.parametrize(("own", "other"), [("private", "public"), ("public", "private"), ("private", "private")])
def test_a_contract_whose_demand_was_merged_is_the_others_and_stays_as_secret(
    own: str, other: str, worked_on: Engine
) -> None:
    found = facts(worked_on, settled(worked_on), ZONE)
    contract = found.contracts.filter(pl.col("visibility") == own).row(0, named=True)
    others = found.demands.filter(pl.col("visibility") == other, pl.col("demand_id") != contract["demand_id"])
    into = others.filter(~pl.col("enterprise").is_in([contract["enterprise"], UNKNOWN])).row(0, named=True)
    presence.settle_near(worked_on, "demands", contract["demand_id"], into["demand_id"], same=True, agent="甲")
    moment = settled(worked_on)
    of_deal = pl.col("deal_id") == contract["deal_id"]
    merged = facts(worked_on, moment, ZONE).contracts.filter(of_deal).row(0, named=True)
    said = {"enterprise": into["enterprise"], "demand_title": into["title"], "buyer_city": into["city"]}
    assert said.items() <= merged.items()
    assert (merged["demand_id"], merged["visibility"]) == (contract["demand_id"], "private")
    seen = facts(as_viewer(worked_on, Viewer("丁", "official")), moment, ZONE)
    assert seen.contracts.filter(of_deal).select("enterprise", "buyer", "demand_title").row(0) == (HIDDEN,) * 3
    private = {key for key, kind in ((contract["demand_id"], own), (into["demand_id"], other)) if kind == "private"}
    for name, rows in frames(seen).items():
        ids = rows.select(pl.col("^demand_id|into$"))
        assert not private & {value for column in ids for value in column}, name
