"""Several processes on one ledger, and one that is killed while it writes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Barrier
from typing import Final

import polars as pl
import pytest
from sqlalchemy import Engine, select

from matching.errors import DecidedMeanwhile, LedgerError
from matching.ledger import deals
from matching.ledger.database import open_ledger, reading
from matching.ledger.decisions import decide, standing
from matching.ledger.runs import add_run
from matching.ledger.tables import decision
from matching.schema import CANDIDATES, VERDICTS

HANDS: Final = 4
EACH: Final = 50
PAIRS: Final = tuple(("D1", f"A{number}") for number in range(5))
SPAWN: Final = multiprocessing.get_context("spawn")

# In a child: the line at which all wait, so that they begin together.
_line: Barrier


@dataclass(frozen=True)
class Told:
    """A decision that was acknowledged, and what stood when it was made."""

    decision_id: int
    achievement_id: str
    verdict: str
    seen: int | None
    nonce: str


def _stand_at(line: Barrier) -> None:
    global _line
    _line = line


@pytest.fixture(scope="module")
def hands() -> Iterator[ProcessPoolExecutor]:
    """Processes of their own, each of which takes one task: every task waits until all have begun."""
    line = SPAWN.Barrier(HANDS, timeout=60)
    with ProcessPoolExecutor(HANDS, SPAWN, _stand_at, (line,)) as pool:
        yield pool


def make(engine: Engine, achievement_id: str, verdict: str, agent: str, nonce: str, seen: int | None) -> Told:
    made = decide(
        engine,
        demand_id="D1",
        achievement_id=achievement_id,
        run_id=1,
        verdict=verdict,
        reason="other" if verdict == "reject" else "",
        agent=agent,
        nonce=nonce,
        seen=seen,
    )
    return Told(made.decision_id, achievement_id, verdict, seen, nonce)


def decide_many(url: str, hand: int) -> list[Told]:
    """Read what stands, decide on it, and look again when somebody was faster."""
    engine = open_ledger(url)
    _line.wait()
    told: list[Told] = []
    attempt = 0
    while len(told) < EACH:
        attempt += 1
        _, achievement = PAIRS[(hand + attempt) % len(PAIRS)]
        stood = standing(engine).filter(achievement_id=achievement)["decision_id"].to_list()
        verdict = VERDICTS[(hand + len(told)) % len(VERDICTS)]
        try:
            told.append(make(engine, achievement, verdict, f"agent {hand}", str(attempt), stood[0] if stood else None))
        except DecidedMeanwhile:
            continue
    engine.dispose()
    return told


def accept_at_once(url: str, hand: int) -> int | None:
    """Accept an undecided pair together with all others; the decision's id, None for who came late."""
    engine = open_ledger(url)
    _line.wait()
    try:
        return make(engine, "A1", "accept", f"agent {hand}", "1", None).decision_id
    except DecidedMeanwhile:
        return None
    finally:
        engine.dispose()


def move_at_once(url: str, hand: int) -> bool:
    """Move a deal together with all others."""
    engine = open_ledger(url)
    _line.wait()
    try:
        deals.move(engine, 1, "contacted", f"agent {hand}", seen=1)
    except LedgerError:
        return False
    finally:
        engine.dispose()
    return True


def open_at_once(url: str, _hand: int) -> bool:
    """Open a ledger that does not exist yet together with all others."""
    _line.wait()
    engine = open_ledger(url)
    found = standing(engine).is_empty()
    engine.dispose()
    return found


def accept_until_killed(url: str, told: Connection) -> None:
    """Accept one pair after the other, and tell each id when `decide` has returned."""
    engine = open_ledger(url)
    for number in range(100_000):
        told.send(make(engine, f"A{number}", "accept", "agent", "1", None).decision_id)


@pytest.fixture
def engine(ledger: Engine) -> Engine:
    add_run(ledger, pl.DataFrame(schema=CANDIDATES), "a" * 64, top=1, demands=0, achievements=0, agent="甲")
    return ledger


def test_no_decision_is_lost_and_none_is_made_on_what_no_longer_stands(
    engine: Engine, hands: ProcessPoolExecutor
) -> None:
    results = list(hands.map(decide_many, [str(engine.url)] * HANDS, range(HANDS)))
    told = sorted((one for result in results for one in result), key=lambda one: one.decision_id)
    assert [len(result) for result in results] == [EACH] * HANDS
    with reading(engine) as connection:
        columns = (decision.c.decision_id, decision.c.achievement_id, decision.c.verdict, decision.c.nonce)
        written = connection.execute(select(*columns).order_by(decision.c.decision_id)).all()
    assert [tuple(row) for row in written] == [
        (one.decision_id, one.achievement_id, one.verdict, one.nonce) for one in told
    ]
    for _, achievement in PAIRS:
        chain = [one for one in told if one.achievement_id == achievement]
        assert [one.seen for one in chain] == [None, *(one.decision_id for one in chain[:-1])]
        stands = standing(engine).filter(achievement_id=achievement)["decision_id"].to_list()
        assert stands == [chain[-1].decision_id]
    accepted = standing(engine).filter(verdict="accept")["achievement_id"].sort()
    open_deals = deals.all_deals(engine).filter(pl.col("state") != "ended")["achievement_id"].sort()
    assert accepted.to_list() == open_deals.to_list()


def test_one_of_many_wins_a_pair_and_one_its_deal(engine: Engine, hands: ProcessPoolExecutor) -> None:
    won = list(hands.map(accept_at_once, [str(engine.url)] * HANDS, range(HANDS)))
    moved = list(hands.map(move_at_once, [str(engine.url)] * HANDS, range(HANDS)))
    assert sorted(won, key=str) == [1, *[None] * (HANDS - 1)]
    assert standing(engine)["agent"].to_list() == [f"agent {won.index(1)}"]
    assert sorted(moved) == [False] * (HANDS - 1) + [True]
    assert deals.deal_events(engine)["agent"].to_list() == [f"agent {won.index(1)}", f"agent {moved.index(True)}"]


def test_many_may_open_a_new_ledger_at_once(tmp_path: Path, hands: ProcessPoolExecutor) -> None:
    urls = [f"sqlite:///{tmp_path / f'new {number}' / 'ledger.sqlite'}" for number in range(3)]
    opened = [list(hands.map(open_at_once, [url] * HANDS, range(HANDS))) for url in urls]
    assert opened == [[True] * HANDS] * len(urls)


def test_what_was_acknowledged_survives_a_kill(engine: Engine) -> None:
    receive, send = SPAWN.Pipe(duplex=False)
    child = SPAWN.Process(target=accept_until_killed, args=(str(engine.url), send))
    child.start()
    send.close()
    told = [receive.recv() for _ in range(40)]
    child.kill()
    child.join()
    try:
        while True:
            told.append(receive.recv())
    except EOFError:
        receive.close()
    assert child.exitcode == -9
    engine.dispose()

    again = open_ledger(str(engine.url))
    with reading(again) as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
        written = list(connection.execute(select(decision.c.decision_id).order_by(decision.c.decision_id)).scalars())
    assert written[: len(told)] == told
    assert len(written) - len(told) in (0, 1), "at most the one whose acknowledgement the kill cut off"
    assert deals.all_deals(again)["achievement_id"].sort().equals(standing(again)["achievement_id"].sort())
    assert deals.deal_events(again).height == len(written)
    again.dispose()
