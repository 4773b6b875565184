"""Decisions on pairs: what stands, what is undone, what is refused, and the deal that hangs on each."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from agreed import advance
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import Engine, func, select

from matching.errors import CallError, DecidedMeanwhile, LedgerError
from matching.ledger import deals
from matching.ledger.database import open_ledger, reading
from matching.ledger.decisions import STANDING, Decision, decide, recent, standing, undo
from matching.ledger.revision import revision
from matching.ledger.runs import add_run
from matching.ledger.tables import decision
from matching.schema import CANDIDATES, DEAL_ENDED, DEAL_STATES, END_REASONS, REJECT_REASONS, VERDICTS


@pytest.fixture
def engine(ledger: Engine) -> Engine:
    """A ledger with the run that decisions refer to."""
    add_run(ledger, pl.DataFrame(schema=CANDIDATES), "a" * 64, top=1, demands=0, achievements=0, agent="甲")
    return ledger


@dataclass
class Agent:
    """One who decides: each call is a new click unless it says otherwise."""

    engine: Engine
    name: str
    clicks: int = 0

    def nonce(self) -> str:
        self.clicks += 1
        return f"{self.name} {self.clicks}"

    def decide(self, verdict: str, seen: int | None = None, pair: str = "D1 A1", **more: Any) -> Decision:
        demand, achievement = pair.split()
        call = {"reason": "not_mature" if verdict == "reject" else "", "nonce": self.nonce(), **more}
        return decide(
            self.engine,
            demand_id=demand,
            achievement_id=achievement,
            run_id=1,
            verdict=verdict,
            agent=self.name,
            seen=seen,
            **call,
        )

    def undo(self, decision_id: int, nonce: str | None = None) -> Decision:
        return undo(self.engine, decision_id, self.name, nonce or self.nonce())

    def move(self, state: str, reason: str = "", pair: str = "D1 A1") -> None:
        row = deal_of(self.engine, pair)
        advance(self.engine, row["deal_id"], state, self.name, seen=row["event_id"], reason=reason)


@pytest.fixture
def jia(engine: Engine) -> Agent:
    return Agent(engine, "甲")


@pytest.fixture
def yi(engine: Engine) -> Agent:
    return Agent(engine, "乙")


def deal_of(engine: Engine, pair: str = "D1 A1") -> dict[str, Any]:
    demand, achievement = pair.split()
    found = deals.all_deals(engine).filter(demand_id=demand, achievement_id=achievement)
    return found.row(0, named=True)


def verdicts(engine: Engine) -> list[tuple[str, ...]]:
    return standing(engine).select("demand_id", "achievement_id", "verdict").rows()


def written(engine: Engine) -> int:
    """How many entries the ledger has."""
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(decision)).scalar_one()


def states(engine: Engine) -> list[tuple[str, str]]:
    """States and reasons of all deal events, in order."""
    return deals.deal_events(engine).select("state", "reason").rows()


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_decision_is_written_and_stands(verdict: str, engine: Engine, jia: Agent) -> None:
    made = jia.decide(verdict, note="电话里说的")
    reason = "not_mature" if verdict == "reject" else ""
    assert made == Decision(1, "D1", "A1", 1, verdict, reason, "电话里说的", None, "甲", "甲 1", made.at)
    expected = [("D1", "A1", 1, verdict, reason, "电话里说的", "甲", made.at)]
    assert standing(engine).equals(pl.DataFrame(expected, schema=STANDING, orient="row"))
    assert made.at.endswith("+00:00")


def test_nothing_stands_at_first(engine: Engine) -> None:
    assert standing(engine).equals(pl.DataFrame(schema=STANDING))
    assert recent(engine, "甲", 10) == []


@pytest.mark.parametrize("reason", REJECT_REASONS)
def test_a_rejection_has_a_known_reason(reason: str, engine: Engine, jia: Agent) -> None:
    assert jia.decide("reject", reason=reason).reason == reason
    assert standing(engine)["reason"].to_list() == [reason]


@pytest.mark.parametrize("reason", ["", "price", "不合适"])
def test_a_rejection_without_a_known_reason_is_refused(reason: str, engine: Engine, jia: Agent) -> None:
    with pytest.raises(CallError) as caught:
        jia.decide("reject", reason=reason)
    assert f"“{reason}”" in caught.value.text("en")
    assert written(engine) == 0


@pytest.mark.parametrize("verdict", ["", "undone", "接受", "Accept"])
def test_an_unknown_verdict_is_refused(verdict: str, engine: Engine, jia: Agent) -> None:
    with pytest.raises(CallError) as caught:
        jia.decide(verdict)
    assert f"“{verdict}”" in caught.value.text("zh_CN")
    assert written(engine) == 0


@pytest.mark.parametrize("verdict", ["accept", "later"])
def test_a_reason_belongs_to_a_rejection_alone(verdict: str, jia: Agent) -> None:
    assert jia.decide(verdict, reason="too_dear").reason == ""


def test_the_same_click_twice_is_one_decision(engine: Engine, jia: Agent) -> None:
    first = jia.decide("accept", nonce="click")
    before = revision(engine)
    assert jia.decide("accept", nonce="click") == first
    assert jia.decide("accept", seen=first.decision_id, nonce="click") == first
    assert revision(engine) == before


def test_a_nonce_belongs_to_a_pair_and_an_agent(engine: Engine, jia: Agent, yi: Agent) -> None:
    first = jia.decide("later", nonce="click")
    jia.decide("later", nonce="click", pair="D1 A2")
    jia.decide("later", nonce="click", pair="D2 A1")
    yi.decide("later", seen=first.decision_id, nonce="click")
    assert written(engine) == 4


def test_a_click_that_is_repeated_after_another_decision_stays_what_it_was(engine: Engine, jia: Agent) -> None:
    first = jia.decide("later", nonce="click")
    second = jia.decide("accept", seen=first.decision_id)
    assert jia.decide("later", nonce="click") == first
    assert standing(engine)["decision_id"].to_list() == [second.decision_id]


def test_a_pair_that_was_decided_meanwhile(engine: Engine, jia: Agent, yi: Agent) -> None:
    first = jia.decide("accept")
    before = revision(engine)
    with pytest.raises(DecidedMeanwhile) as caught:
        yi.decide("reject")
    assert "甲" in caught.value.text("zh_CN")
    assert first.at[:16] in caught.value.text("en")
    assert revision(engine) == before
    assert verdicts(engine) == [("D1", "A1", "accept")]


def test_what_was_seen_must_be_what_stands(engine: Engine, jia: Agent, yi: Agent) -> None:
    first = jia.decide("later")
    second = yi.decide("reject", seen=first.decision_id)
    for stale in (None, first.decision_id, 99):
        with pytest.raises(DecidedMeanwhile):
            jia.decide("accept", seen=stale)
    assert jia.decide("accept", seen=second.decision_id).decision_id == 3


def test_a_decision_that_was_taken_back_meanwhile(engine: Engine, jia: Agent, yi: Agent) -> None:
    first = jia.decide("later")
    jia.undo(first.decision_id)
    with pytest.raises(DecidedMeanwhile) as caught:
        yi.decide("accept", seen=first.decision_id)
    assert "taken back" in caught.value.text("en")
    assert written(engine) == 2


def test_pairs_do_not_touch_each_other(engine: Engine, jia: Agent) -> None:
    jia.decide("accept")
    jia.decide("reject", pair="D1 A2")
    jia.decide("later", pair="D2 A1")
    assert verdicts(engine) == [("D1", "A1", "accept"), ("D1", "A2", "reject"), ("D2", "A1", "later")]
    assert deals.all_deals(engine).select("demand_id", "achievement_id").rows() == [("D1", "A1")]


def test_undo_leaves_the_pair_undecided(engine: Engine, jia: Agent) -> None:
    first = jia.decide("reject")
    entry = jia.undo(first.decision_id)
    assert entry == Decision(2, "D1", "A1", 1, "undone", "", "", first.decision_id, "甲", "甲 2", entry.at)
    assert standing(engine).is_empty()
    assert jia.decide("accept").decision_id == 3


def test_undo_restores_what_stood_before(engine: Engine, jia: Agent, yi: Agent) -> None:
    accepted = jia.decide("accept")
    rejected = yi.decide("reject", seen=accepted.decision_id)
    assert states(engine) == [("recommended", ""), ("ended", "decision_changed")]
    jia.undo(rejected.decision_id)
    assert standing(engine).select("decision_id", "verdict", "agent").rows() == [(1, "accept", "甲")]
    assert states(engine) == [("recommended", ""), ("ended", "decision_changed"), ("recommended", "")]
    jia.undo(accepted.decision_id)
    assert standing(engine).is_empty()
    assert states(engine)[3:] == [("ended", "decision_changed")]
    assert deals.all_deals(engine).height == 1


def test_undo_goes_back_step_by_step(engine: Engine, jia: Agent) -> None:
    made: list[int] = []
    for verdict in ("later", "accept", "later", "reject"):
        made.append(jia.decide(verdict, seen=made[-1] if made else None).decision_id)
    stood = []
    for decision_id in reversed(made):
        stood += [row[2] for row in verdicts(engine)]
        jia.undo(decision_id)
    assert stood == ["reject", "later", "accept", "later"]
    assert standing(engine).is_empty()


def test_the_same_undo_twice_is_one(engine: Engine, jia: Agent) -> None:
    first = jia.decide("later")
    second = jia.decide("reject", seen=first.decision_id)
    entry = jia.undo(second.decision_id, "click")
    before = revision(engine)
    assert jia.undo(second.decision_id, "click") == entry
    assert revision(engine) == before
    assert verdicts(engine) == [("D1", "A1", "later")]


def test_what_no_longer_stands_cannot_be_undone(engine: Engine, jia: Agent, yi: Agent) -> None:
    first = jia.decide("later")
    second = yi.decide("accept", seen=first.decision_id)
    before = revision(engine)
    with pytest.raises(DecidedMeanwhile) as caught:
        jia.undo(first.decision_id)
    assert "乙" in caught.value.text("zh_CN")
    assert revision(engine) == before
    yi.undo(second.decision_id)
    with pytest.raises(DecidedMeanwhile):
        jia.undo(second.decision_id)
    assert written(engine) == 3


def test_an_undo_cannot_be_undone(engine: Engine, jia: Agent) -> None:
    entry = jia.undo(jia.decide("accept").decision_id)
    with pytest.raises(DecidedMeanwhile) as caught:
        jia.undo(entry.decision_id)
    assert "taken back" in caught.value.text("en")
    assert written(engine) == 2


def test_undo_of_a_decision_that_is_not_there(engine: Engine, jia: Agent) -> None:
    with pytest.raises(LedgerError) as caught:
        jia.undo(404)
    assert not isinstance(caught.value, DecidedMeanwhile)
    assert "404" in caught.value.text("zh_CN")
    assert written(engine) == 0


def test_accepting_opens_the_deal_and_undo_ends_it(engine: Engine, jia: Agent, yi: Agent) -> None:
    first = jia.decide("accept")
    opened = deal_of(engine)
    assert {name: opened[name] for name in ("deal_id", "state", "reason", "agent", "event_id")} == {
        "deal_id": 1,
        "state": "recommended",
        "reason": "",
        "agent": "甲",
        "event_id": 1,
    }
    jia.undo(first.decision_id)
    assert states(engine) == [("recommended", ""), ("ended", "decision_changed")]
    yi.decide("accept")
    assert states(engine)[2:] == [("recommended", "")]
    again = deal_of(engine)
    assert (again["deal_id"], again["opened_at"], again["agent"]) == (1, opened["opened_at"], "乙")


@pytest.mark.parametrize("verdict", ["reject", "later"])
def test_changing_an_acceptance_ends_its_deal(verdict: str, engine: Engine, jia: Agent) -> None:
    jia.decide(verdict, seen=jia.decide("accept").decision_id)
    assert states(engine) == [("recommended", ""), ("ended", "decision_changed")]
    assert verdicts(engine) == [("D1", "A1", verdict)]


def test_accepting_an_accepted_pair_leaves_its_deal(engine: Engine, jia: Agent, yi: Agent) -> None:
    first = jia.decide("accept")
    second = yi.decide("accept", seen=first.decision_id)
    assert states(engine) == [("recommended", "")]
    yi.undo(second.decision_id)
    assert states(engine) == [("recommended", "")]
    assert standing(engine)["agent"].to_list() == ["甲"]


@pytest.mark.parametrize("state", DEAL_STATES[1:])
def test_an_acceptance_stays_while_its_deal_is_under_way(state: str, engine: Engine, jia: Agent) -> None:
    first = jia.decide("accept")
    jia.move(state)
    before = revision(engine)
    for change in (
        lambda: jia.undo(first.decision_id),
        lambda: jia.decide("reject", seen=first.decision_id),
        lambda: jia.decide("later", seen=first.decision_id),
    ):
        with pytest.raises(LedgerError) as caught:
            change()
        assert not isinstance(caught.value, DecidedMeanwhile)
        assert "under way" in caught.value.text("en")
    assert revision(engine) == before
    assert jia.decide("accept", seen=first.decision_id).verdict == "accept"


@pytest.mark.parametrize("reason", END_REASONS)
def test_an_acceptance_can_change_when_its_deal_has_ended(reason: str, engine: Engine, jia: Agent) -> None:
    first = jia.decide("accept")
    jia.move("contacted")
    jia.move("ended", reason)
    jia.decide("reject", seen=first.decision_id)
    assert states(engine)[-1] == ("ended", reason), "a deal that has ended keeps the reason that it ended for"
    assert len(states(engine)) == 3


def test_an_undo_does_not_open_a_deal_that_had_ended_before(engine: Engine, jia: Agent) -> None:
    accepted = jia.decide("accept")
    jia.move("ended", "price")
    rejected = jia.decide("reject", seen=accepted.decision_id)
    jia.undo(rejected.decision_id)
    assert standing(engine)["verdict"].to_list() == ["accept"]
    assert states(engine) == [("recommended", ""), ("ended", "price")]


def test_recent_decisions_of_an_agent(engine: Engine, jia: Agent, yi: Agent) -> None:
    made = [jia.decide("later", pair=f"D1 A{number}") for number in range(4)]
    yi.decide("later", pair="D1 A9")
    yi.decide("accept", seen=made[3].decision_id, pair="D1 A3")
    jia.undo(made[1].decision_id)
    assert recent(engine, "甲", 10) == [made[2], made[0]]
    assert recent(engine, "甲", 1) == [made[2]]
    assert recent(engine, "甲", 0) == []
    assert [one.achievement_id for one in recent(engine, "乙", 10)] == ["A3", "A9"]


# A model in plain lists, and two agents who do anything in any order, with what they saw fresh or stale.

PAIRS = ("D1 A1", "D1 A2", "D2 A1")


@dataclass
class Pair:
    """What the ledger must say of one pair: decisions that were not undone, and states of the deal."""

    decided: list[tuple[int, str]] = field(default_factory=list)
    events: list[tuple[int, str]] = field(default_factory=list)
    # Whether the deal's newest event is the end of an acceptance that was taken back.
    taken_back: bool = False

    @property
    def seen(self) -> int | None:
        return self.decided[-1][0] if self.decided else None

    @property
    def verdict(self) -> str | None:
        return self.decided[-1][1] if self.decided else None

    @property
    def state(self) -> str | None:
        return self.events[-1][1] if self.events else None

    @property
    def under_way(self) -> bool:
        return self.state not in (None, DEAL_STATES[0], DEAL_ENDED)


class TwoAgents(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        url = f"sqlite:///{Path(self.folder.name) / 'ledger.sqlite'}"
        self.agents = [Agent(open_ledger(url), name) for name in "甲乙"]
        add_run(
            self.agents[0].engine,
            pl.DataFrame(schema=CANDIDATES),
            "a" * 64,
            top=1,
            demands=0,
            achievements=0,
            agent="甲",
        )
        self.pairs = {pair: Pair() for pair in PAIRS}
        self.entries: list[Decision] = []
        self.event_count = 0

    def teardown(self) -> None:
        for agent in self.agents:
            agent.engine.dispose()
        self.folder.cleanup()

    def event(self, pair: Pair, state: str, taken_back: bool = False) -> None:
        self.event_count += 1
        pair.taken_back = taken_back
        pair.events.append((self.event_count, state))

    def follow(self, pair: Pair, before: str | None) -> None:
        """The deal goes with the acceptance."""
        if pair.verdict == "accept" and before != "accept":
            self.event(pair, DEAL_STATES[0])
        elif before == "accept" and pair.verdict != "accept" and pair.state != DEAL_ENDED:
            self.event(pair, DEAL_ENDED, taken_back=True)

    @rule(
        who=st.integers(0, 1),
        name=st.sampled_from(PAIRS),
        verdict=st.sampled_from(VERDICTS),
        fresh=st.sampled_from([True, True, True, False]),
        data=st.data(),
    )
    def decide(self, who: int, name: str, verdict: str, fresh: bool, data: st.DataObject) -> None:
        agent, pair = self.agents[who], self.pairs[name]
        any_seen = st.sampled_from([None, *(entry.decision_id for entry in self.entries)])
        seen = pair.seen if fresh else data.draw(any_seen, label="seen")
        if seen != pair.seen:
            with pytest.raises(DecidedMeanwhile):
                agent.decide(verdict, seen, name)
        elif pair.verdict == "accept" and verdict != "accept" and pair.under_way:
            with pytest.raises(LedgerError) as caught:
                agent.decide(verdict, seen, name)
            assert type(caught.value) is LedgerError
        else:
            before = pair.verdict
            made = agent.decide(verdict, seen, name)
            self.entries.append(made)
            pair.decided.append((made.decision_id, verdict))
            self.follow(pair, before)

    @precondition(lambda self: self.entries)
    @rule(who=st.integers(0, 1), data=st.data())
    def click_again(self, who: int, data: st.DataObject) -> None:
        """A click that was already answered is answered the same, whatever has happened since."""
        agent = self.agents[who]
        own = [entry for entry in self.entries if entry.agent == agent.name]
        if own:
            entry = data.draw(st.sampled_from(own), label="entry")
            if entry.corrects is None:
                pair = f"{entry.demand_id} {entry.achievement_id}"
                assert agent.decide(entry.verdict, None, pair, nonce=entry.nonce) == entry
            else:
                assert agent.undo(entry.corrects, entry.nonce) == entry

    @precondition(lambda self: self.entries)
    @rule(who=st.integers(0, 1), fresh=st.booleans(), data=st.data())
    def undo(self, who: int, fresh: bool, data: st.DataObject) -> None:
        agent = self.agents[who]
        newest = [pair.seen for pair in self.pairs.values() if pair.seen is not None]
        every = [entry.decision_id for entry in self.entries]
        decision_id = data.draw(st.sampled_from(newest if fresh and newest else every), label="decision")
        entry = next(entry for entry in self.entries if entry.decision_id == decision_id)
        pair = self.pairs[f"{entry.demand_id} {entry.achievement_id}"]
        if pair.seen != decision_id:
            with pytest.raises(DecidedMeanwhile):
                agent.undo(decision_id)
        elif pair.verdict == "accept" and pair.under_way:
            with pytest.raises(LedgerError) as caught:
                agent.undo(decision_id)
            assert type(caught.value) is LedgerError
        else:
            before = pair.verdict
            self.entries.append(agent.undo(decision_id))
            pair.decided.pop()
            if pair.verdict != "accept" or pair.taken_back:
                self.follow(pair, before)

    @precondition(lambda self: self.event_count)
    @rule(
        who=st.integers(0, 1),
        state=st.sampled_from([*DEAL_STATES, DEAL_ENDED]),
        fresh=st.sampled_from([True, True, False]),
        data=st.data(),
    )
    def move(self, who: int, state: str, fresh: bool, data: st.DataObject) -> None:
        agent = self.agents[who]
        name = data.draw(st.sampled_from([name for name, pair in self.pairs.items() if pair.events]), label="pair")
        pair = self.pairs[name]
        deal_id = deal_of(agent.engine, name)["deal_id"]
        newest = pair.events[-1][0]
        seen = newest if fresh else data.draw(st.integers(0, self.event_count), label="seen")
        if seen == newest and state in deals.next_states(pair.events[-1][1]):
            advance(agent.engine, deal_id, state, agent.name, seen=seen, reason="price")
            self.event(pair, state)
        else:
            with pytest.raises(LedgerError):
                deals.move(agent.engine, deal_id, state, agent.name, seen=seen, reason="price")

    @invariant()
    def the_ledger_says_what_the_model_says(self) -> None:
        for agent in self.agents:
            expected = {name: (pair.seen, pair.verdict) for name, pair in self.pairs.items() if pair.decided}
            found = standing(agent.engine).select("demand_id", "achievement_id", "decision_id", "verdict").rows()
            assert {f"{demand} {achievement}": rest for demand, achievement, *rest in found} == {
                name: list(pair) for name, pair in expected.items()
            }
            assert len(found) == len(expected)
            deal = deals.all_deals(agent.engine).select("demand_id", "achievement_id", "event_id", "state").rows()
            assert {f"{demand} {achievement}": tuple(rest) for demand, achievement, *rest in deal} == {
                name: pair.events[-1] for name, pair in self.pairs.items() if pair.events
            }

    @invariant()
    def nothing_is_lost_and_nothing_else_is_written(self) -> None:
        engine = self.agents[0].engine
        with reading(engine) as connection:
            rows = connection.execute(select(decision).order_by(decision.c.decision_id)).mappings().all()
        assert [dict(row) for row in rows] == [asdict(entry) for entry in self.entries]
        assert deals.deal_events(engine).height == self.event_count


TestTwoAgents = TwoAgents.TestCase
TestTwoAgents.settings = settings(max_examples=18, stateful_step_count=20)
