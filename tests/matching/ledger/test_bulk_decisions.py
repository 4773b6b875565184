"""One decision on many pairs: only where there is none, all or nothing, and taken back as one; an agent's latest."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from records import listed
from sqlalchemy import Engine, event, func, select

from matching.errors import CallError, LedgerError, NotPermitted
from matching.ledger import deals, uploads, withdrawal
from matching.ledger.database import reading
from matching.ledger.decisions import decide, decide_all, recent, standing, standing_of, undo, undo_all
from matching.ledger.revision import revision
from matching.ledger.rights import Viewer, as_viewer
from matching.ledger.runs import add_run
from matching.ledger.tables import decision
from matching.schema import CANDIDATES, END_REASONS, FIELDS

PAIRS = pl.DataFrame(
    [("D1", "A1"), ("D1", "A2"), ("D2", "A1"), ("D2", "A3")],
    schema=["demand_id", "achievement_id"],
    orient="row",
)


@pytest.fixture
def engine(ledger: Engine) -> Engine:
    """A ledger with the run that decisions refer to."""
    add_run(ledger, pl.DataFrame(schema=CANDIDATES), "a" * 64, top=1, demands=0, achievements=0, agent="甲")
    return ledger


def bulk(
    engine: Engine, verdict: str, nonce: str = "batch", pairs: pl.DataFrame = PAIRS, agent: str = "甲", **more: Any
) -> int:
    call = {"reason": "not_mature" if verdict == "reject" else "", **more}
    return decide_all(engine, pairs, run_id=1, verdict=verdict, agent=agent, nonce=nonce, **call)


def one(engine: Engine, verdict: str, pair: str, seen: int | None = None, agent: str = "甲") -> int:
    demand, achievement = pair.split()
    return decide(
        engine,
        demand_id=demand,
        achievement_id=achievement,
        run_id=1,
        verdict=verdict,
        reason="other" if verdict == "reject" else "",
        agent=agent,
        nonce=f"{pair} {verdict} {seen}",
        seen=seen,
    ).decision_id


def stands(engine: Engine) -> dict[str, str]:
    rows = standing(engine).select("demand_id", "achievement_id", "verdict").iter_rows()
    return {f"{demand} {achievement}": verdict for demand, achievement, verdict in rows}


def written(engine: Engine) -> int:
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(decision)).scalar_one()


def deal_states(engine: Engine) -> dict[str, str]:
    rows = deals.all_deals(engine).select("demand_id", "achievement_id", "state").iter_rows()
    return {f"{demand} {achievement}": state for demand, achievement, state in rows}


def contact(engine: Engine, pair: str) -> None:
    demand, achievement = pair.split()
    row = deals.all_deals(engine).filter(demand_id=demand, achievement_id=achievement).row(0, named=True)
    deals.move(engine, row["deal_id"], "contacted", "甲", seen=row["event_id"])


def test_every_undecided_pair_gets_the_decision(engine: Engine) -> None:
    assert bulk(engine, "reject", reason="too_dear", note="预算不符") == 4
    found = standing(engine)
    assert found.select("demand_id", "achievement_id").rows() == PAIRS.rows()
    for name, value in {"verdict": "reject", "reason": "too_dear", "note": "预算不符", "agent": "甲"}.items():
        assert found[name].to_list() == [value] * 4


def test_what_is_decided_is_left_as_it_is(engine: Engine) -> None:
    accepted = one(engine, "accept", "D1 A2", agent="乙")
    one(engine, "later", "D2 A3")
    assert bulk(engine, "reject") == 2
    assert stands(engine) == {"D1 A1": "reject", "D1 A2": "accept", "D2 A1": "reject", "D2 A3": "later"}
    kept = standing_of(engine, "D1", "A2")
    assert kept is not None
    assert (kept.decision_id, kept.agent) == (accepted, "乙")


def test_what_was_taken_back_is_undecided(engine: Engine) -> None:
    undo(engine, one(engine, "reject", "D1 A1"), "甲", "undo")
    assert bulk(engine, "later") == 4
    assert stands(engine)["D1 A1"] == "later"


def test_the_same_press_again_writes_nothing(engine: Engine) -> None:
    assert bulk(engine, "accept") == 4
    before = revision(engine)
    assert bulk(engine, "accept") == 0
    assert bulk(engine, "reject") == 0
    assert revision(engine) == before


def test_a_pair_named_twice_is_decided_once(engine: Engine) -> None:
    assert bulk(engine, "later", pairs=pl.concat([PAIRS, PAIRS.reverse()])) == 4
    assert written(engine) == 4


def test_nothing_to_decide(engine: Engine) -> None:
    assert bulk(engine, "reject", pairs=PAIRS.clear()) == 0
    assert written(engine) == 0


def test_pairs_of_a_withdrawn_record_are_left_out(engine: Engine) -> None:
    read = listed("achievements", {"title": "防冰涂层"})
    uploads.add(engine, read, pl.DataFrame(schema=FIELDS), "甲")
    withdrawal.withdraw(engine, "achievements", "A1", "甲", "单位来电")
    assert bulk(engine, "accept") == 2
    assert stands(engine) == {"D1 A2": "accept", "D2 A3": "accept"}


def test_other_columns_do_not_matter(engine: Engine) -> None:
    more = PAIRS.select(pl.lit(0.5).alias("score"), "achievement_id", pl.lit("甲").alias("agent"), "demand_id")
    assert bulk(engine, "later", pairs=more) == 4
    assert list(stands(engine)) == [f"{demand} {achievement}" for demand, achievement in PAIRS.rows()]


def test_accepting_opens_a_deal_of_each(engine: Engine) -> None:
    one(engine, "reject", "D1 A1")
    assert bulk(engine, "accept") == 3
    assert deal_states(engine) == dict.fromkeys(("D1 A2", "D2 A1", "D2 A3"), "recommended")
    assert undo_all(engine, "batch", "甲") == 3
    assert deal_states(engine) == dict.fromkeys(("D1 A2", "D2 A1", "D2 A3"), "ended")


@pytest.mark.parametrize("verdict", ["reject", "later"])
def test_no_deal_without_an_acceptance(engine: Engine, verdict: str) -> None:
    bulk(engine, verdict)
    assert deals.all_deals(engine).is_empty()


def test_all_of_it_is_one_transaction(engine: Engine) -> None:
    """A pair that cannot be written takes the others with it."""
    seen: list[str] = []

    def fail_at_third(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("INSERT INTO decision"):
            seen.append(statement)
            if len(seen) == 3:
                raise ZeroDivisionError

    event.listen(engine, "before_cursor_execute", fail_at_third)
    with pytest.raises(ZeroDivisionError):
        bulk(engine, "accept")
    event.remove(engine, "before_cursor_execute", fail_at_third)
    assert len(seen) == 3
    assert written(engine) == 0
    assert deals.all_deals(engine).is_empty()
    assert bulk(engine, "accept") == 4


@pytest.mark.parametrize(("verdict", "reason"), [("reject", ""), ("reject", "price"), ("undone", ""), ("", "")])
def test_what_is_not_a_decision_is_refused(engine: Engine, verdict: str, reason: str) -> None:
    with pytest.raises(CallError):
        bulk(engine, verdict, reason=reason)
    assert written(engine) == 0


def test_a_reason_belongs_to_a_rejection_alone(engine: Engine) -> None:
    bulk(engine, "later", reason="too_dear")
    assert set(standing(engine)["reason"]) == {""}


def test_a_batch_is_taken_back_as_one(engine: Engine) -> None:
    one(engine, "accept", "D1 A1")
    bulk(engine, "reject")
    assert undo_all(engine, "batch", "甲") == 3
    assert stands(engine) == {"D1 A1": "accept"}
    before = revision(engine)
    assert undo_all(engine, "batch", "甲") == 0
    assert revision(engine) == before


def test_a_batch_can_be_made_again_after_it_was_taken_back(engine: Engine) -> None:
    """With a press of its own: the first one's name was used."""
    bulk(engine, "reject")
    undo_all(engine, "batch", "甲")
    assert bulk(engine, "accept", nonce="another") == 4
    assert undo_all(engine, "batch", "甲") == 0
    assert set(stands(engine).values()) == {"accept"}


def test_what_was_decided_anew_since_stays(engine: Engine) -> None:
    bulk(engine, "reject")
    first = standing_of(engine, "D1", "A2")
    assert first is not None
    one(engine, "accept", "D1 A2", seen=first.decision_id, agent="乙")
    assert undo_all(engine, "batch", "甲") == 3
    assert stands(engine) == {"D1 A2": "accept"}


def test_only_ones_own_batch_of_that_name_is_taken_back(engine: Engine) -> None:
    bulk(engine, "reject", pairs=PAIRS.head(2))
    bulk(engine, "later", pairs=PAIRS.slice(2, 1), agent="乙")
    bulk(engine, "later", nonce="second")
    assert undo_all(engine, "batch", "甲") == 2
    assert stands(engine) == {"D2 A1": "later", "D2 A3": "later"}
    assert undo_all(engine, "none", "甲") == 0


def test_a_deal_under_way_keeps_the_whole_batch(engine: Engine) -> None:
    bulk(engine, "accept")
    contact(engine, "D2 A1")
    before = revision(engine)
    with pytest.raises(LedgerError) as refused:
        undo_all(engine, "batch", "甲")
    assert refused.value.problems[0].key == "decision.deal_under_way"
    assert revision(engine) == before
    assert set(stands(engine).values()) == {"accept"}
    deal = deals.all_deals(engine).filter(demand_id="D2", achievement_id="A1").row(0, named=True)
    deals.move(engine, deal["deal_id"], "ended", "甲", seen=deal["event_id"], reason=END_REASONS[0])
    assert undo_all(engine, "batch", "甲") == 4


def test_who_may(engine: Engine) -> None:
    for viewer in (Viewer("外人", "official"), Viewer("外人", "institute", "示例研究所"), Viewer("乙", "agent")):
        other = as_viewer(engine, viewer)
        with pytest.raises(NotPermitted):
            bulk(other, "reject")
        with pytest.raises(NotPermitted):
            undo_all(other, "batch", "甲")
    assert written(engine) == 0
    assert bulk(as_viewer(engine, Viewer("甲", "agent")), "reject") == 4


def test_what_stands_on_a_pair(engine: Engine) -> None:
    assert standing_of(engine, "D1", "A1") is None
    first = one(engine, "later", "D1 A1")
    one(engine, "reject", "D1 A2")
    found = standing_of(engine, "D1", "A1")
    assert found is not None
    assert (found.decision_id, found.verdict, found.agent) == (first, "later", "甲")
    undo(engine, first, "甲", "undo")
    assert standing_of(engine, "D1", "A1") is None


def test_the_latest_are_those_that_stand_newest_first(engine: Engine) -> None:
    first = one(engine, "later", "D1 A1")
    one(engine, "accept", "D1 A2")
    bulk(engine, "reject", pairs=PAIRS.slice(2))
    changed = one(engine, "reject", "D1 A1", seen=first)
    told = [(each.demand_id, each.achievement_id, each.verdict) for each in recent(engine, "甲", 10)]
    assert told == [("D1", "A1", "reject"), ("D2", "A3", "reject"), ("D2", "A1", "reject"), ("D1", "A2", "accept")]
    undo(engine, changed, "甲", "undo")
    assert [each.decision_id for each in recent(engine, "甲", 10)][-1] == first, "what stood before stands again"
    undo_all(engine, "batch", "甲")
    assert [each.verdict for each in recent(engine, "甲", 10)] == ["accept", "later"]
    assert recent(engine, "乙", 10) == []
