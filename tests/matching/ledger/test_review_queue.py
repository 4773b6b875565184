"""What waits for a decision: put off and back again, records that left the lists, and how the counts add up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from records import listed
from sqlalchemy import Engine

from matching.data_files import data_path
from matching.errors import NotPermitted
from matching.ledger import decisions, presence, runs, uploads, withdrawal
from matching.ledger.review_queue import QUEUE, RUN_PAIRS, by_demand, run_pairs, with_standing
from matching.ledger.review_rules import review_rules
from matching.ledger.rights import Viewer, as_viewer
from matching.schema import CANDIDATES, FIELDS, ID, Kind

SCORES = {("D1", "A1"): 0.9, ("D1", "A2"): 0.5, ("D1", "A3"): 0.1, ("D2", "A2"): 0.4}


def candidates() -> pl.DataFrame:
    empty: dict[str, object] = {
        name: [] if isinstance(dtype, pl.List) else 0.5 if dtype == pl.Float64() else 1 if dtype == pl.Int64() else ""
        for name, dtype in CANDIDATES.items()
    }
    rows = [
        {**empty, "demand_id": demand, "achievement_id": achievement, "rank": int(achievement[1:]), "score": score}
        for (demand, achievement), score in reversed(SCORES.items())
    ]
    return pl.DataFrame(rows, schema=CANDIDATES)


def put(engine: Engine, kind: Kind, *ids: str) -> None:
    read = listed(kind, *({ID[kind]: each, "title": f"{each} 的名称"} for each in ids))
    uploads.add(engine, read, pl.DataFrame(schema=FIELDS), "甲")


@pytest.fixture
def paired(ledger: Engine) -> Engine:
    """Two demands and three achievements, each kind's last in an upload of its own, and a run."""
    put(ledger, "demands", "D1")
    put(ledger, "demands", "D2")
    put(ledger, "achievements", "A1", "A2")
    put(ledger, "achievements", "A3")
    runs.add_run(ledger, candidates(), "a" * 64, top=3, demands=2, achievements=3, agent="甲")
    return ledger


def judge(engine: Engine, demand: str, achievement: str, verdict: str, seen: int | None = None) -> int:
    return decisions.decide(
        engine,
        demand_id=demand,
        achievement_id=achievement,
        run_id=1,
        verdict=verdict,
        reason="other" if verdict == "reject" else "",
        agent="甲",
        nonce=f"{demand} {achievement} {verdict} {seen}",
        seen=seen,
    ).decision_id


def stood(engine: Engine, after: timedelta = timedelta()) -> pl.DataFrame:
    """The pairs as they stand a while from now."""
    return with_standing(run_pairs(engine, 1), decisions.standing(engine), datetime.now(UTC) + after)


def states(engine: Engine, after: timedelta = timedelta()) -> list[str]:
    return stood(engine, after)["state"].to_list()


def shown(engine: Engine) -> list[tuple[str, str]]:
    return run_pairs(engine, 1).select("demand_id", "achievement_id").rows()


def test_pairs_come_by_demand_and_rank(paired: Engine) -> None:
    found = run_pairs(paired, 1)
    assert found.schema == RUN_PAIRS
    assert shown(paired) == list(SCORES)
    assert found["score"].to_list() == list(SCORES.values())
    assert run_pairs(paired, 2).equals(pl.DataFrame(schema=RUN_PAIRS))


def test_how_pairs_stand(paired: Engine) -> None:
    judge(paired, "D1", "A1", "accept")
    judge(paired, "D1", "A2", "reject")
    judge(paired, "D2", "A2", "later")
    assert states(paired) == ["decided", "decided", "open", "later"]
    found = stood(paired)
    assert found["verdict"].to_list() == ["accept", "reject", None, "later"]
    assert found["agent"].to_list() == ["甲", "甲", None, "甲"]
    assert found.select(RUN_PAIRS.keys()).equals(run_pairs(paired, 1))


def test_what_was_put_off_waits_again_after_the_days_of_the_rules(paired: Engine) -> None:
    days = timedelta(days=review_rules().later_days)
    judge(paired, "D2", "A2", "later")
    judge(paired, "D1", "A1", "reject")
    minute = timedelta(minutes=1)
    assert states(paired, days - minute)[-1] == "later"
    assert states(paired, days + minute)[-1] == "returned"
    assert states(paired, 100 * days)[0] == "decided", "what was decided stays so"
    waiting = by_demand(stood(paired, days + minute)).filter(demand_id="D2")
    assert waiting.rows() == [("D2", 1, 1, 0, 0, 0.4)]


def test_putting_off_again_begins_anew(paired: Engine) -> None:
    days = timedelta(days=review_rules().later_days)
    first = judge(paired, "D2", "A2", "later")
    between = datetime.now(UTC)
    judge(paired, "D2", "A2", "later", seen=first)
    at = decisions.standing(paired)["at"].item()
    assert with_standing(run_pairs(paired, 1), decisions.standing(paired), between + days)["state"][-1] == "later"
    later = datetime.fromisoformat(at) + days + timedelta(seconds=1)
    assert with_standing(run_pairs(paired, 1), decisions.standing(paired), later)["state"][-1] == "returned"


def test_the_rules_are_those_of_the_file() -> None:
    text = data_path("review", "rules.toml").read_text(encoding="utf-8")
    assert f"\nlater_days = {review_rules().later_days}\n" in text
    assert f"\nrecent = {review_rules().recent}\n" in text
    assert review_rules().later_days > 0


def test_counts_of_a_demand_add_up(paired: Engine) -> None:
    assert by_demand(stood(paired)).rows() == [("D1", 3, 3, 0, 0, 0.9), ("D2", 1, 1, 0, 0, 0.4)]
    judge(paired, "D1", "A1", "accept")
    later = judge(paired, "D1", "A3", "later")
    found = by_demand(stood(paired))
    assert found.schema == QUEUE
    assert found.rows() == [("D1", 3, 1, 1, 1, 0.9), ("D2", 1, 1, 0, 0, 0.4)]
    parts = found.select("waiting", "later", "decided").sum_horizontal()
    assert parts.to_list() == found["candidates"].to_list()
    decisions.undo(paired, later, "甲", "undo")
    assert by_demand(stood(paired)).rows()[0] == ("D1", 3, 2, 0, 1, 0.9)


def test_no_pairs_make_no_queue(ledger: Engine) -> None:
    empty = with_standing(run_pairs(ledger, 1), decisions.standing(ledger), datetime.now(UTC))
    assert by_demand(empty).equals(pl.DataFrame(schema=QUEUE))


@pytest.mark.parametrize(
    ("kind", "record", "left"),
    [
        ("demands", "D1", [("D2", "A2")]),
        ("achievements", "A2", [("D1", "A1"), ("D1", "A3")]),
    ],
)
def test_withdrawn_records_are_not_in_it(paired: Engine, kind: Kind, record: str, left: list[tuple[str, str]]) -> None:
    withdrawal.withdraw(paired, kind, record, "甲", "单位来电")
    assert shown(paired) == left
    withdrawal.restore(paired, kind, record, "甲", "误撤")
    assert shown(paired) == list(SCORES)


def test_merged_records_are_not_in_it(paired: Engine) -> None:
    presence.settle_near(paired, "achievements", "A2", "A1", same=True, agent="甲")
    assert shown(paired) == [("D1", "A1"), ("D1", "A3")]


@pytest.mark.parametrize(
    ("upload", "left"),
    [
        (2, [("D1", "A1"), ("D1", "A2"), ("D1", "A3")]),
        (4, [("D1", "A1"), ("D1", "A2"), ("D2", "A2")]),
    ],
)
def test_records_of_an_upload_that_was_taken_back_are_not_in_it(
    paired: Engine, upload: int, left: list[tuple[str, str]]
) -> None:
    uploads.take_back(paired, upload, "甲")
    assert shown(paired) == left


@pytest.mark.parametrize("role", ["institute", "official"])
def test_only_agents_and_administrators_read_it(paired: Engine, role: str) -> None:
    with pytest.raises(NotPermitted):
        run_pairs(as_viewer(paired, Viewer("外人", role, "示例研究所")), 1)
    assert run_pairs(as_viewer(paired, Viewer("甲", "agent")), 1).height == len(SCORES)
