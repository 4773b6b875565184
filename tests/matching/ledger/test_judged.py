"""What is judged of pairs: levels by hand, what decisions stand for, and the level models learned from them."""

from __future__ import annotations

import tomllib
from itertools import count

import polars as pl
import pytest
from sqlalchemy import Engine, select

from matching.data_files import data_path
from matching.errors import CallError
from matching.ledger.database import open_ledger, reading
from matching.ledger.decisions import decide, undo
from matching.ledger.judgements import add_model, judgements, learned_model, set_level, set_levels
from matching.ledger.revision import revision
from matching.ledger.runs import add_run
from matching.ledger.tables import level_model, pair_level
from matching.ranking.decided import load_decision_levels
from matching.ranking.levels import load_model, model_of
from matching.schema import CANDIDATES, JUDGEMENTS, REJECT_REASONS
from matching.wording import LANGUAGES

CLICKS = count()
# What the reasons of a rejection stand for; the others say nothing about how closely the pair belongs together.
REASONS = {"other_problem": 1, "other_material": 2, "not_mature": 3, "too_dear": 3}


@pytest.fixture
def engine(ledger: Engine) -> Engine:
    """A ledger with the run that decisions refer to."""
    add_run(ledger, pl.DataFrame(schema=CANDIDATES), "a" * 64, top=1, demands=0, achievements=0, agent="甲")
    return ledger


def say(engine: Engine, level: int | None, pair: str = "D1 A1", agent: str = "甲", nonce: str | None = None) -> None:
    demand, achievement = pair.split()
    set_level(engine, demand, achievement, level, agent, nonce or f"click {next(CLICKS)}")


def decided(engine: Engine, verdict: str, reason: str = "", pair: str = "D1 A1", seen: int | None = None) -> int:
    demand, achievement = pair.split()
    return decide(
        engine,
        demand_id=demand,
        achievement_id=achievement,
        run_id=1,
        verdict=verdict,
        reason=reason,
        agent="甲",
        nonce=f"click {next(CLICKS)}",
        seen=seen,
    ).decision_id


def rows(engine: Engine, demand_id: str | None = None) -> list[tuple[object, ...]]:
    found = judgements(engine, demand_id)
    assert found.schema == JUDGEMENTS
    return found.rows()


def entries(engine: Engine) -> int:
    with reading(engine) as connection:
        return len(connection.execute(select(pair_level)).all())


def test_nothing_is_judged_at_first(ledger: Engine) -> None:
    empty = pl.DataFrame(schema=JUDGEMENTS)
    assert judgements(ledger).equals(empty)
    assert judgements(ledger, "D1").equals(empty)
    assert set_levels(ledger, "D1").equals(empty)
    assert learned_model(ledger) is None


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_a_level_stands_once_it_is_said(level: int, engine: Engine) -> None:
    say(engine, level)
    assert rows(engine) == rows(engine, "D1") == set_levels(engine, "D1").rows() == [("D1", "A1", level)]


def test_an_entry_says_who_and_when(engine: Engine) -> None:
    say(engine, 2, agent="乙", nonce="one")
    with reading(engine) as connection:
        entry = connection.execute(select(pair_level)).one()
    assert entry[:6] == (1, "D1", "A1", 2, "乙", "one")
    assert entry.at.endswith("+00:00")


def test_the_newest_level_stands_whoever_said_it(engine: Engine) -> None:
    for level, agent in ((1, "甲"), (4, "乙"), (2, "甲")):
        say(engine, level, agent=agent)
    assert rows(engine) == [("D1", "A1", 2)]
    assert entries(engine) == 3


def test_a_level_is_taken_back_and_may_be_said_again(engine: Engine) -> None:
    say(engine, 3)
    say(engine, None)
    assert rows(engine) == set_levels(engine, "D1").rows() == []
    say(engine, 3)
    assert rows(engine) == [("D1", "A1", 3)]
    assert entries(engine) == 3, "nothing is removed"


def test_taking_back_goes_behind_all_that_was_said(engine: Engine) -> None:
    say(engine, 3)
    say(engine, 4)
    say(engine, None)
    assert rows(engine) == []


def test_the_same_nonce_again_writes_nothing(engine: Engine) -> None:
    say(engine, 3, nonce="one")
    say(engine, 4, nonce="two")
    before = revision(engine)
    for level, pair in ((3, "D1 A1"), (None, "D1 A1"), (1, "D2 A2")):
        say(engine, level, pair, nonce="one")
    assert revision(engine) == before
    assert rows(engine) == [("D1", "A1", 4)]


def test_nonces_of_different_agents_are_different(engine: Engine) -> None:
    say(engine, 3, agent="甲", nonce="one")
    say(engine, 4, agent="乙", nonce="one")
    assert rows(engine) == [("D1", "A1", 4)]


def test_what_already_stands_is_not_written_again(engine: Engine) -> None:
    say(engine, None)
    assert entries(engine) == 0
    say(engine, 3)
    say(engine, 3, agent="乙")
    assert entries(engine) == 1
    say(engine, None)
    say(engine, None)
    assert entries(engine) == 2


@pytest.mark.parametrize("level", [0, 5, -1, 40])
def test_a_level_that_is_none_is_refused(level: int, engine: Engine) -> None:
    say(engine, 2)
    before = revision(engine)
    with pytest.raises(CallError) as refused:
        say(engine, level)
    [problem] = refused.value.problems
    assert (problem.key, problem.values) == ("judgement.no_level", {"level": level})
    for language in LANGUAGES:
        assert str(level) in refused.value.text(language)
    assert revision(engine) == before
    assert rows(engine) == [("D1", "A1", 2)]


def test_levels_are_those_of_their_pairs(engine: Engine) -> None:
    said = {"D2 A1": 1, "D1 A2": 2, "D1 A10": 3, "D10 A1": 4}
    for pair, level in said.items():
        say(engine, level, pair)
    expected = sorted((*pair.split(), level) for pair, level in said.items())
    assert rows(engine) == expected
    for demand in ("D1", "D2", "D10", "D3"):
        of_demand = [row for row in expected if row[0] == demand]
        assert rows(engine, demand) == of_demand
        assert sorted(set_levels(engine, demand).rows()) == of_demand
    say(engine, None, "D1 A2")
    assert rows(engine, "D1") == [("D1", "A10", 3)]
    assert rows(engine, "D2") == [("D2", "A1", 1)]


def test_what_decisions_stand_for_is_pinned() -> None:
    with data_path("ranking", "judgements.toml").open("rb") as source:
        entry = tomllib.load(source)
    assert (entry["accept"], entry["reject"]) == (4, REASONS)
    assert REASONS.keys() <= set(REJECT_REASONS)
    known = load_decision_levels()
    assert (known.accept, known.reject) == (4, REASONS)
    assert (known.least_pairs, known.least_demands, known.least_each) == (200, 20, 10)


def test_an_acceptance_is_of_the_highest_level(engine: Engine) -> None:
    decided(engine, "accept")
    assert rows(engine) == rows(engine, "D1") == [("D1", "A1", 4)]
    assert set_levels(engine, "D1").is_empty(), "nobody set it by hand"


@pytest.mark.parametrize("reason", REJECT_REASONS)
def test_a_rejection_is_of_the_level_of_its_reason(reason: str, engine: Engine) -> None:
    decided(engine, "reject", reason)
    assert rows(engine) == ([("D1", "A1", REASONS[reason])] if reason in REASONS else [])


def test_what_is_put_off_says_nothing(engine: Engine) -> None:
    decided(engine, "later")
    assert rows(engine) == []


def test_the_decision_that_stands_counts(engine: Engine) -> None:
    first = decided(engine, "accept")
    second = decided(engine, "reject", "other_problem", seen=first)
    assert rows(engine) == [("D1", "A1", 1)]
    third = decided(engine, "later", seen=second)
    assert rows(engine) == []
    undo(engine, third, "甲", "undo 3")
    assert rows(engine) == [("D1", "A1", 1)]
    undo(engine, second, "甲", "undo 2")
    assert rows(engine) == [("D1", "A1", 4)]
    undo(engine, first, "甲", "undo 1")
    assert rows(engine) == []


def test_a_level_by_hand_counts_before_a_decision(engine: Engine) -> None:
    """In whichever order they were made; taken back, the decision counts again."""
    decided(engine, "reject", "other_problem")
    say(engine, 3)
    assert rows(engine) == [("D1", "A1", 3)]
    say(engine, 2, "D1 A2")
    decided(engine, "accept", pair="D1 A2")
    assert rows(engine) == [("D1", "A1", 3), ("D1", "A2", 2)]
    for pair in ("D1 A1", "D1 A2"):
        say(engine, None, pair)
    assert rows(engine) == [("D1", "A1", 1), ("D1", "A2", 4)]


def test_a_level_by_hand_says_of_what_a_decision_does_not(engine: Engine) -> None:
    decided(engine, "later")
    decided(engine, "reject", "duplicate", "D1 A2")
    say(engine, 4)
    say(engine, 2, "D1 A2")
    assert rows(engine) == [("D1", "A1", 4), ("D1", "A2", 2)]


def test_what_is_judged_is_the_same_for_everyone(engine: Engine) -> None:
    decided(engine, "accept")
    say(engine, 2, "D2 A2")
    other = open_ledger(str(engine.url))
    assert judgements(other).equals(judgements(engine))
    say(other, 3, "D2 A2")
    assert rows(engine) == [("D1", "A1", 4), ("D2", "A2", 3)]
    other.dispose()


def test_a_model_comes_back_as_it_was(engine: Engine) -> None:
    model = load_model()
    add_model(engine, model.as_values(), pairs=540, before=0.5, after=0.625, forced=True, agent="乙")
    found = learned_model(engine)
    assert found is not None
    assert model_of(found) == model
    with reading(engine) as connection:
        row = connection.execute(select(level_model)).one()
    assert (row.pairs, row.ndcg_before, row.ndcg_after, row.forced, row.agent) == (540, 0.5, 0.625, True, "乙")
    assert row.at.endswith("+00:00")


def test_the_newest_model_wins(engine: Engine) -> None:
    """Even one of which the figures are worse: it was forced."""
    for source, after in (("first", 0.9), ("second", 0.8), ("third", 0.1)):
        add_model(engine, {"source": source}, pairs=1, before=0.5, after=after, forced=after < 0.5, agent="甲")
        assert learned_model(engine) == {"source": source}
