"""Runs of the ranking in the ledger, and the lists that screens read from them."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from itertools import count

import polars as pl
import pytest
from records import records
from sqlalchemy import Engine

from matching.intake.columns import Heading
from matching.intake.reading import Reading
from matching.ledger import decisions, review_queue, runs, uploads
from matching.ledger.decisions import decide, undo
from matching.ledger.review_queue import QUEUE, run_pairs
from matching.ledger.revision import revision
from matching.ledger.runs import CANDIDATE_ROWS, Run
from matching.schema import CANDIDATES, FIELDS

A, B = "a" * 64, "b" * 64


def candidates(*pairs: tuple[str, str, float]) -> pl.DataFrame:
    """Candidates from demand, achievement and score; ranks in the order given."""
    ranks: defaultdict[str, count[int]] = defaultdict(lambda: count(1))
    rows = [
        {
            "demand_id": demand,
            "achievement_id": achievement,
            "rank": next(ranks[demand]),
            "score": score,
            "level": 1 + round(3 * score),
            "certainty": 0.625,
            "reach_two": score,
            "reach_three": score / 2,
            "reach_four": score / 4,
            "base": 0.125,
            "feature_parts": [{"feature": "characters", "part": score}, {"feature": "length", "part": -score / 8}],
            "learned": [{"demand_id": "D2", "achievement_id": "A1", "level": 1, "part": -0.25}],
            "other_parts": 0.25 - score / 8,
            "unlimited": [1.25, score, -0.125],
            "covariances": [1.5, -score, 0.0],
            "similarity": score / 2,
            "character_part": score / 2,
            "word_part": score / 8,
            "concept_part": score / 8,
            "field_part": score / 4,
            "text_score": 0.75,
            "field_score": 0.25,
            "shared_terms": [{"term": "防冰", "contribution": score / 2}, {"term": "=1+1", "contribution": 0.0}],
            "other_terms": score / 4,
            "shared_fields": ["province_4567:N3"],
        }
        for demand, achievement, score in pairs
    ]
    return pl.DataFrame(rows, schema=CANDIDATES)


PAIRS = candidates(("D1", "A2", 0.9), ("D1", "A1", 0.5), ("D1", "A3", 0.1), ("D2", "A1", 0.4))


def add(engine: Engine, fingerprint: str = A, found: pl.DataFrame = PAIRS) -> Run:
    return runs.add_run(engine, found, fingerprint, top=3, demands=3, achievements=4, agent="甲")


def queue(engine: Engine, run_id: int) -> pl.DataFrame:
    """Demands of a run as the review lists them (`review_queue.QUEUE`)."""
    pairs = review_queue.run_pairs(engine, run_id)
    standing = decisions.standing(engine)
    return review_queue.by_demand(review_queue.with_standing(pairs, standing, datetime.now(UTC)))


@pytest.fixture
def catalogued(ledger: Engine) -> Engine:
    """A ledger with the achievements A1, A2 and A3; A2 has two versions."""
    names = ({"title": "一", "institute": "甲所"}, {"title": "二", "institute": "乙所"}, {"title": "三"})
    for title, hashes in (("旧", "123"), ("二", "143")):
        rows = [{**name, "content_hash": digest * 64} for name, digest in zip(names, hashes, strict=True)]
        rows[1]["title"] = title
        frame = records("achievements", *rows)
        read = Reading("achievements", "成果.csv", "0" * 64, frame, 3, (Heading(1, (), ()),), ())
        uploads.add(ledger, read, pl.DataFrame(schema=FIELDS), "甲")
    return ledger


def judge(engine: Engine, demand: str, achievement: str, verdict: str, run: Run, seen: int | None = None) -> int:
    return decide(
        engine,
        demand_id=demand,
        achievement_id=achievement,
        run_id=run.run_id,
        verdict=verdict,
        reason="not_mature" if verdict == "reject" else "",
        note="电话里说的",
        agent="乙",
        nonce=f"{demand} {achievement} {verdict}",
        seen=seen,
    ).decision_id


def test_no_run_yet(ledger: Engine) -> None:
    assert runs.latest_run(ledger) is None
    assert queue(ledger, 1).equals(pl.DataFrame(schema=QUEUE))
    assert runs.candidates_of(ledger, 1, "D1").equals(pl.DataFrame(schema=CANDIDATE_ROWS))


def test_a_run_says_what_it_was_made_of(ledger: Engine) -> None:
    made = add(ledger)
    assert made == Run(1, A, top=3, demands=3, achievements=4, candidates=4, agent="甲", at=made.at)
    assert runs.latest_run(ledger) == made


def test_a_run_without_candidates(ledger: Engine) -> None:
    made = add(ledger, A, pl.DataFrame(schema=CANDIDATES))
    assert made.candidates == 0
    assert queue(ledger, made.run_id).is_empty()


def test_the_same_fingerprint_again_writes_nothing(ledger: Engine) -> None:
    first = add(ledger)
    before = revision(ledger)
    assert add(ledger) == first
    assert revision(ledger) == before


def test_going_back_to_an_earlier_state_is_a_third_run(ledger: Engine) -> None:
    made = [add(ledger, fingerprint) for fingerprint in (A, B, A)]
    assert [run.run_id for run in made] == [1, 2, 3]
    assert [run.fingerprint for run in made] == [A, B, A]
    assert runs.latest_run(ledger) == made[2]


def test_progress_is_told_by_the_block(ledger: Engine) -> None:
    told: list[tuple[int, int]] = []
    many = candidates(*((f"D{number}", "A1", 0.5) for number in range(5_001)))
    made = runs.add_run(
        ledger,
        many,
        A,
        top=3,
        demands=5_001,
        achievements=1,
        agent="甲",
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 2), (2, 2)]
    assert queue(ledger, made.run_id)["candidates"].to_list() == [1] * 5_001


def test_a_run_that_fails_leaves_nothing_behind(ledger: Engine) -> None:
    def fail(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.add_run(ledger, PAIRS, A, top=3, demands=3, achievements=4, agent="甲", progress=fail)
    assert runs.latest_run(ledger) is None
    assert queue(ledger, 1).is_empty()
    made = add(ledger)
    assert runs.latest_run(ledger) == made
    assert run_pairs(ledger, made.run_id).height == made.candidates == PAIRS.height


def test_the_queue_counts_decisions(catalogued: Engine) -> None:
    run = add(catalogued)
    assert queue(catalogued, run.run_id).rows() == [("D1", 3, 3, 0, 0, 0.9), ("D2", 1, 1, 0, 0, 0.4)]
    judge(catalogued, "D1", "A2", "accept", run)
    rejected = judge(catalogued, "D1", "A1", "reject", run)
    judge(catalogued, "D1", "A3", "later", run)
    judge(catalogued, "D3", "A1", "accept", run)
    assert queue(catalogued, run.run_id).rows() == [("D1", 3, 0, 1, 2, 0.9), ("D2", 1, 1, 0, 0, 0.4)]
    undo(catalogued, rejected, "乙", "undo")
    assert queue(catalogued, run.run_id).rows() == [("D1", 3, 1, 1, 1, 0.9), ("D2", 1, 1, 0, 0, 0.4)]


def test_decisions_outlive_the_run_they_were_made_in(catalogued: Engine) -> None:
    judge(catalogued, "D1", "A2", "accept", add(catalogued, A))
    second = add(catalogued, B, candidates(("D1", "A3", 0.3), ("D1", "A2", 0.2)))
    assert queue(catalogued, second.run_id).rows() == [("D1", 2, 1, 0, 1, 0.3)]
    rows = runs.candidates_of(catalogued, second.run_id, "D1")
    assert rows["verdict"].to_list() == [None, "accept"]


def test_candidates_of_a_demand(catalogued: Engine) -> None:
    run = add(catalogued)
    decision = judge(catalogued, "D1", "A1", "reject", run)
    judge(catalogued, "D2", "A2", "accept", run)
    rows = runs.candidates_of(catalogued, run.run_id, "D1")
    assert rows.schema == CANDIDATE_ROWS
    scores = PAIRS.filter(pl.col("demand_id") == "D1").drop("demand_id", "demand_title", "enterprise")
    scores = scores.drop("achievement_title", "institute")
    assert rows.select(scores.columns).equals(scores)
    assert rows.select("achievement_id", "title", "institute").rows() == [
        ("A2", "二", "乙所"),
        ("A1", "一", "甲所"),
        ("A3", "三", ""),
    ]
    decided = rows.select("decision_id", "verdict", "reason", "note", "agent").rows()
    assert decided == [(None,) * 5, (decision, "reject", "not_mature", "电话里说的", "乙"), (None,) * 5]
    assert rows["at"].is_not_null().to_list() == [False, True, False]


def test_candidates_follow_a_corrected_decision(catalogued: Engine) -> None:
    run = add(catalogued)
    first = judge(catalogued, "D1", "A1", "later", run)
    second = judge(catalogued, "D1", "A1", "accept", run, seen=first)
    assert runs.candidates_of(catalogued, run.run_id, "D1")["verdict"].to_list() == [None, "accept", None]
    undo(catalogued, second, "乙", "undo")
    assert runs.candidates_of(catalogued, run.run_id, "D1")["verdict"].to_list() == [None, "later", None]


def test_what_is_not_there_has_no_candidates(catalogued: Engine) -> None:
    run = add(catalogued)
    assert runs.candidates_of(catalogued, run.run_id, "D9").is_empty()
    assert runs.candidates_of(catalogued, run.run_id + 1, "D1").is_empty()


UNKNOWN_BEFORE = [
    *("level", "certainty", "reach_two", "reach_three", "reach_four", "base", "feature_parts", "learned"),
    *("other_parts", "unlimited", "covariances", "similarity"),
]


def test_every_column_of_a_candidate_comes_back(catalogued: Engine) -> None:
    """What only the records know, and the demand's own texts, are asked of the catalogue."""
    run = add(catalogued)
    kept = [name for name in CANDIDATES if name in CANDIDATE_ROWS]
    assert set(CANDIDATES) - set(kept) == {"demand_title", "enterprise", "achievement_title"}
    rows = runs.candidates_of(catalogued, run.run_id, "D1")
    kept.remove("institute")
    assert PAIRS.select(UNKNOWN_BEFORE).null_count().sum_horizontal().item() == 0
    assert rows.select(kept).equals(PAIRS.filter(demand_id="D1").select(kept))


def test_a_candidate_without_levels_comes_back_without(catalogued: Engine) -> None:
    before = PAIRS.with_columns(pl.lit(None).cast(CANDIDATES[name]).alias(name) for name in UNKNOWN_BEFORE)
    run = add(catalogued, found=before)
    rows = runs.candidates_of(catalogued, run.run_id, "D1")
    assert rows.schema == CANDIDATE_ROWS
    assert rows.select(UNKNOWN_BEFORE).null_count().row(0) == (3,) * len(UNKNOWN_BEFORE)
    assert rows["score"].to_list() == [0.9, 0.5, 0.1]


def test_a_list_of_nothing_is_not_an_absent_list(catalogued: Engine) -> None:
    lists = ["feature_parts", "learned", "unlimited", "covariances", "shared_terms", "shared_fields"]
    empty = PAIRS.with_columns(pl.lit([], dtype=CANDIDATES[name]).alias(name) for name in lists)
    rows = runs.candidates_of(catalogued, add(catalogued, found=empty).run_id, "D1")
    assert rows.select(lists).rows() == [([],) * len(lists)] * 3
