"""What the review lists: the filters leave what reading everything of every record would leave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import polars as pl
import pytest
import streamlit
from own_process import output_of
from sqlalchemy import Engine

from matching.intake.reading import Reading
from matching.intake.records import with_hashes
from matching.ledger import decisions, uploads
from matching.ledger.review_queue import run_pairs, with_standing
from matching.ledger.runs import latest_run
from matching.schema import FIELDS
from ui import access
from ui.catalogue_cache import records, review_pairs
from ui.components.filters import FieldChoice
from ui.components.review_filters import Filters, filtered

NOTHING = Filters("", FieldChoice("", ""), "all", False, "", None, None, None, "", None)


@pytest.fixture
def screen(ranked: Engine, sample_achievements: Reading) -> Iterator[Engine]:
    """The ranked samples: a pair accepted, one put off, and a listed achievement withdrawn by its institute's file."""
    streamlit.cache_resource.clear()
    pairs = run_pairs(ranked, 1)
    for place, verdict in ((0, "accept"), (11, "later")):
        key = pairs.select("demand_id", "achievement_id").row(place, named=True)
        decisions.decide(ranked, **key, run_id=1, verdict=verdict, agent="周某", nonce=verdict, seen=None)
    status = (
        pl.when(pl.col("achievement_id") == pairs["achievement_id"][3]).then(pl.lit("withdrawn")).otherwise("status")
    )
    changed = with_hashes(sample_achievements.frame.with_columns(status=status), "achievements")
    file = replace(sample_achievements, frame=changed, sha256=sha256(b"withdrawn").hexdigest())
    uploads.add(ranked, file, pl.DataFrame(schema=FIELDS), "周某")
    yield ranked
    access.ledger().dispose()
    streamlit.cache_resource.clear()


def by_hand(engine: Engine, chosen: Filters) -> tuple[pl.DataFrame, list[str]]:
    """Pairs and demands that a filter leaves, from whole lists with all that is known of each record."""
    run = latest_run(engine)
    assert run is not None
    pairs = with_standing(run_pairs(engine, run.run_id), decisions.standing(engine), datetime.now(UTC))
    achievements = records("achievements").filter(~pl.col("out_of_use")).select("achievement_id", "institute")
    institutes = dict(achievements.iter_rows())
    since = "" if chosen.age is None else (datetime.now(UTC) - timedelta(days=chosen.age)).isoformat()
    known = {
        row["demand_id"]
        for row in records("demands").iter_rows(named=True)
        if not row["out_of_use"]
        and chosen.city in ("", row["city"])
        and (chosen.quality is None or row["quality"] >= chosen.quality)
        and row["came"] >= since
    }
    kept = [
        row
        for row in pairs.iter_rows(named=True)
        if row["demand_id"] in known
        and row["level"] >= (chosen.level or 1)
        and row["score"] >= (chosen.score or 0)
        and (not chosen.institute or chosen.institute in institutes.get(row["achievement_id"], ""))
    ]
    return pl.DataFrame(kept, schema=pairs.schema), sorted({row["demand_id"] for row in kept})


@pytest.mark.parametrize(
    ("chosen", "all_of_them"),
    [
        (NOTHING, True),
        (replace(NOTHING, age=30), True),
        (replace(NOTHING, institute="大学"), False),
        (replace(NOTHING, quality=90), False),
        (replace(NOTHING, level=3, score=0.3), False),
        (replace(NOTHING, quality=60, institute="研究", level=2), False),
    ],
    ids=["nothing", "age", "institute", "quality", "level and score", "several"],
)
def test_filters_leave_what_whole_lists_would(screen: Engine, chosen: Filters, all_of_them: bool) -> None:
    pairs, demands = by_hand(screen, chosen)
    found = filtered(review_pairs(), chosen)
    assert found.pairs.equals(pairs)
    assert found.demands["demand_id"].to_list() == demands
    assert pairs.height > 0
    assert (pairs.height == review_pairs().height) is all_of_them


def test_what_was_withdrawn_is_not_found_by_its_institute(screen: Engine) -> None:
    """It stays in the list of its demand, for the run had it."""
    gone = records("achievements").filter("out_of_use").row(0, named=True)
    of_institute = filtered(review_pairs(), replace(NOTHING, institute=gone["institute"])).pairs
    assert gone["achievement_id"] not in of_institute["achievement_id"].to_list()
    assert gone["achievement_id"] in filtered(review_pairs(), NOTHING).pairs["achievement_id"].to_list()


def test_the_review_opens_without_what_ranks() -> None:
    """It took seconds to load."""
    code = (
        "import sys, matching.cli.serving, ui.screens.review\n"
        "print([name for name in ('pandas', 'scipy.stats', 'altair', 'rjieba', 'rich') if name in sys.modules])"
    )
    assert output_of(code).strip() == "[]"
