"""The demands that an achievement is a candidate of, as the ledger tells them."""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl
import pytest
from records import listed
from sqlalchemy import Engine

from matching.errors import NotPermitted
from matching.ledger import organisation_names, presence, reverse, runs, uploads
from matching.ledger.decisions import decide, undo
from matching.ledger.reverse import ACHIEVEMENT_QUEUE, DEMAND_ROWS, SCORES
from matching.ledger.rights import Viewer, as_viewer
from matching.ledger.runs import Run, candidates_of, latest_run
from matching.schema import CANDIDATES, FIELDS

DEMANDS: Final = (
    {"title": "旧", "enterprise": "甲厂", "city": "鸡西", "investment_yuan": 800_000, "deadline": date(2027, 6, 30)},
    {"title": "二", "enterprise": "乙厂"},
    {"title": "三"},
)
PAIRS: Final = (("D1", "A1", 0.5), ("D1", "A2", 0.4), ("D2", "A1", 0.9), ("D3", "A1", 0.5), ("D3", "A3", 0.1))


def candidates(*pairs: tuple[str, str, float]) -> pl.DataFrame:
    """Candidates from demand, achievement and score; ranks in the order given."""
    frame = pl.DataFrame(
        pairs, schema={"demand_id": pl.String, "achievement_id": pl.String, "score": pl.Float64}, orient="row"
    )
    known = frame.with_columns(
        pl.int_range(1, pl.len() + 1).over("demand_id").alias("rank"),
        level=pl.lit(3),
        similarity=pl.col("score") / 2,
        shared_terms=pl.lit([{"term": "防冰", "contribution": 0.5}], dtype=CANDIDATES["shared_terms"]),
    )
    rest = [
        pl.lit([] if isinstance(dtype, pl.List) else 0.0 if dtype == pl.Float64 else "", dtype=dtype).alias(name)
        for name, dtype in CANDIDATES.items()
        if name not in known.columns
    ]
    return known.with_columns(rest).select(CANDIDATES.keys()).cast(pl.Schema(CANDIDATES))


def run_of(engine: Engine, *pairs: tuple[str, str, float], fingerprint: str = "a") -> Run:
    return runs.add_run(engine, candidates(*pairs), fingerprint * 64, top=3, demands=3, achievements=3, agent="甲")


@pytest.fixture
def matched(ledger: Engine) -> Engine:
    """A ledger with three demands, the first in two versions, three achievements and a run."""
    nothing = pl.DataFrame(schema=FIELDS)
    uploads.add(ledger, listed("demands", *DEMANDS), nothing, "甲")
    uploads.add(ledger, listed("demands", {**DEMANDS[0], "title": "一"}), nothing, "甲")
    uploads.add(ledger, listed("achievements", *({"title": f"成果{number}"} for number in (1, 2, 3))), nothing, "甲")
    run_of(ledger, *PAIRS)
    return ledger


def judge(engine: Engine, demand_id: str, achievement_id: str, verdict: str) -> int:
    made = decide(
        engine,
        demand_id=demand_id,
        achievement_id=achievement_id,
        run_id=1,
        verdict=verdict,
        reason="too_dear" if verdict == "reject" else "",
        agent="乙",
        nonce=f"{demand_id} {achievement_id} {verdict}",
        seen=None,
    )
    return made.decision_id


def test_the_best_demand_comes_first_with_what_is_known_of_it(matched: Engine) -> None:
    rows = reverse.demands_of(matched, 1, "A1")
    assert rows.schema == DEMAND_ROWS
    assert rows.select("demand_id", "rank", "score", "level").rows() == [
        ("D2", 1, 0.9, 3),
        ("D1", 1, 0.5, 3),
        ("D3", 1, 0.5, 3),
    ]
    told = rows.select("title", "enterprise", "city", "investment_yuan", "deadline").row(1)
    assert told == ("一", "甲厂", "鸡西", 800_000, date(2027, 6, 30))
    assert rows["shared_terms"].to_list()[0] == [{"term": "防冰", "contribution": 0.5}]
    assert rows["verdict"].null_count() == 3


def test_decisions_on_its_pairs_stand_beside_them(matched: Engine) -> None:
    rejected = judge(matched, "D1", "A1", "reject")
    judge(matched, "D1", "A2", "accept")
    rows = reverse.demands_of(matched, 1, "A1")
    assert rows.select("demand_id", "verdict", "reason", "agent").rows() == [
        ("D2", None, None, None),
        ("D1", "reject", "too_dear", "乙"),
        ("D3", None, None, None),
    ]
    undo(matched, rejected, "乙", "undo")
    assert reverse.demands_of(matched, 1, "A1")["verdict"].null_count() == 3


def test_enterprises_have_their_confirmed_names(matched: Engine) -> None:
    organisation_names.confirm(matched, {"甲厂": "甲厂有限公司"}, "乙")
    assert reverse.demands_of(matched, 1, "A2")["enterprise"].to_list() == ["甲厂有限公司"]


def test_only_the_run_that_was_asked_for_counts(matched: Engine) -> None:
    second = run_of(matched, ("D2", "A3", 0.3), fingerprint="b")
    assert reverse.demands_of(matched, second.run_id, "A1").is_empty()
    assert reverse.demands_of(matched, second.run_id, "A3")["demand_id"].to_list() == ["D2"]
    assert reverse.best_achievements(matched, second.run_id).rows() == [("A3", 1, 0.3)]
    assert reverse.demands_of(matched, 1, "A9").schema == DEMAND_ROWS


def test_the_list_of_achievements_has_the_best_first(matched: Engine) -> None:
    found = reverse.best_achievements(matched, 1)
    assert found.schema == ACHIEVEMENT_QUEUE
    assert found.rows() == [("A1", 3, 0.9), ("A2", 1, 0.4), ("A3", 1, 0.1)]
    for achievement_id, demands, best in found.rows():
        scores = reverse.demands_of(matched, 1, achievement_id)["score"]
        assert (scores.len(), scores.max()) == (demands, best)


def test_what_is_out_of_use_or_taken_back_does_not_count(matched: Engine) -> None:
    presence.settle_near(matched, "demands", "D2", "D1", same=True, agent="乙")
    assert reverse.demands_of(matched, 1, "A1")["demand_id"].to_list() == ["D1", "D3"]
    assert reverse.best_achievements(matched, 1).row(0) == ("A1", 2, 0.5)


def test_scores_of_a_run_come_by_demand_and_rank(matched: Engine) -> None:
    found = reverse.scores_of(matched, 1)
    assert found.schema == SCORES
    assert found.select("demand_id", "achievement_id", "rank", "score", "similarity").rows() == [
        ("D1", "A1", 1, 0.5, 0.25),
        ("D1", "A2", 2, 0.4, 0.2),
        ("D2", "A1", 1, 0.9, 0.45),
        ("D3", "A1", 1, 0.5, 0.25),
        ("D3", "A3", 2, 0.1, 0.05),
    ]


def test_a_few_records_are_read_as_they_stand(matched: Engine) -> None:
    organisation_names.confirm(matched, {"甲厂": "甲厂有限公司"}, "乙")
    columns = ["demand_id", "title", "enterprise", "deadline"]
    found = reverse.some_records(matched, "demands", ["D3", "D1", "D9"], columns)
    assert found.rows() == [("D1", "一", "甲厂有限公司", date(2027, 6, 30)), ("D3", "三", "", None)]
    assert reverse.some_records(matched, "demands", [], ["demand_id"]).is_empty()


def test_both_sides_tell_the_same_pairs(ranked: Engine) -> None:
    """A run of the samples, read by demand and by achievement."""
    run = latest_run(ranked)
    assert run is not None
    scores = reverse.scores_of(ranked, run.run_id)
    assert scores.height == run.candidates
    demand_id = scores["demand_id"][0]
    columns = ["demand_id", "achievement_id", "rank", "score", "level", "feature_parts", "learned", "shared_terms"]
    for row in candidates_of(ranked, run.run_id, demand_id).head(3).iter_rows(named=True):
        other = reverse.demands_of(ranked, run.run_id, row["achievement_id"]).filter(demand_id=demand_id)
        assert other.select(columns).to_dicts() == [{name: row[name] for name in columns}]
    counted = scores.group_by("achievement_id").agg(pl.len(), pl.col("score").max())
    assert set(reverse.best_achievements(ranked, run.run_id).rows()) == set(counted.rows())


@pytest.mark.parametrize("role", ["institute", "official"])
def test_only_those_who_read_candidates_are_shown_them(matched: Engine, role: str) -> None:
    seen = as_viewer(matched, Viewer("某", role, "某所"))
    for ask in (
        lambda: reverse.demands_of(seen, 1, "A1"),
        lambda: reverse.best_achievements(seen, 1),
        lambda: reverse.scores_of(seen, 1),
        lambda: reverse.some_records(seen, "demands", ["D1"], ["title"]),
    ):
        with pytest.raises(NotPermitted):
            ask()
    assert reverse.demands_of(as_viewer(matched, Viewer("某", "agent")), 1, "A1").height == 3
