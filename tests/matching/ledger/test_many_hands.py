"""Several processes on one ledger, and one that is killed while it writes."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from threading import Barrier
from typing import Final

import polars as pl
import pytest
from database import Ledgers
from sqlalchemy import Engine, func, select

from matching.errors import DecidedMeanwhile, LedgerError
from matching.ledger import chain, deals
from matching.ledger.database import open_ledger, reading, writing
from matching.ledger.decisions import decide, standing
from matching.ledger.runs import add_run
from matching.ledger.tables import decision
from matching.schema import CANDIDATES, VERDICTS

HANDS: Final = 8
EACH: Final = 300
KILLS: Final = 20
PAIRS: Final = tuple((f"D{number}", f"A{number}") for number in range(40))
# Processes forked from one that has loaded the program and nothing else: they begin at once.
FRESH: Final = multiprocessing.get_context("forkserver")
FRESH.set_forkserver_preload(["matching.ledger.decisions", "matching.ledger.runs", "psycopg", "pytest"])

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
    line = FRESH.Barrier(HANDS, timeout=60)
    with ProcessPoolExecutor(HANDS, FRESH, _stand_at, (line,)) as pool:
        yield pool


def make(engine: Engine, achievement_id: str, verdict: str, agent: str, nonce: str, seen: int | None) -> Told:
    made = decide(
        engine,
        demand_id=f"D{achievement_id[1:]}",
        achievement_id=achievement_id,
        run_id=1,
        verdict=verdict,
        reason="other" if verdict == "reject" else "",
        agent=agent,
        nonce=nonce,
        seen=seen,
    )
    return Told(made.decision_id, achievement_id, verdict, seen, nonce)


def stands(engine: Engine, achievement_id: str) -> int | None:
    """The decision of a pair that nobody takes back: its newest."""
    query = select(func.max(decision.c.decision_id)).where(decision.c.achievement_id == achievement_id)
    with reading(engine) as connection:
        return connection.execute(query).scalar_one()


def decide_many(url: str, hand: int) -> list[Told]:
    """Read what stands, decide on it, and look again when somebody was faster."""
    engine = open_ledger(url)
    _line.wait()
    told: list[Told] = []
    attempt = 0
    while len(told) < EACH:
        attempt += 1
        _, achievement = PAIRS[(hand + attempt) % len(PAIRS)]
        stood = stands(engine, achievement)
        verdict = VERDICTS[(hand + len(told)) % len(VERDICTS)]
        try:
            told.append(make(engine, achievement, verdict, f"agent {hand}", str(attempt), stood))
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


def accept_until_killed(url: str, first: int, told: Connection) -> None:
    """Accept one pair after the other, and tell each id when `decide` has returned."""
    engine = open_ledger(url)
    for number in range(first, 100_000):
        told.send(make(engine, f"A{number}", "accept", "agent", "1", None).decision_id)


@pytest.fixture
def engine(ledger: Engine) -> Engine:
    add_run(ledger, pl.DataFrame(schema=CANDIDATES), "a" * 64, top=1, demands=0, achievements=0, agent="甲")
    return ledger


def test_no_decision_is_lost_and_none_is_made_on_what_no_longer_stands(
    engine: Engine, hands: ProcessPoolExecutor, record_property: Callable[[str, object], None]
) -> None:
    began = time.monotonic()
    results = list(hands.map(decide_many, [str(engine.url)] * HANDS, range(HANDS)))
    seconds = time.monotonic() - began
    told = sorted((one for result in results for one in result), key=lambda one: one.decision_id)
    assert [len(result) for result in results] == [EACH] * HANDS
    with reading(engine) as connection:
        columns = (decision.c.decision_id, decision.c.achievement_id, decision.c.verdict, decision.c.nonce)
        written = connection.execute(select(*columns).order_by(decision.c.decision_id)).all()
    assert [tuple(row) for row in written] == [
        (one.decision_id, one.achievement_id, one.verdict, one.nonce) for one in told
    ]
    for _, achievement in PAIRS:
        made = [one for one in told if one.achievement_id == achievement]
        assert [one.seen for one in made] == [None, *(one.decision_id for one in made[:-1])]
        assert stands(engine, achievement) == made[-1].decision_id
    accepted = standing(engine).filter(verdict="accept")["achievement_id"].sort()
    open_deals = deals.all_deals(engine).filter(pl.col("state") != "ended")["achievement_id"].sort()
    assert accepted.to_list() == open_deals.to_list()
    found = chain.verify(engine)
    assert found.findings == ()
    assert found.rows >= HANDS * EACH
    record_property("decisions", f"{len(told)} of {HANDS} processes in {seconds:.1f} s, {engine.dialect.name}")


def test_one_of_many_wins_a_pair_and_one_its_deal(engine: Engine, hands: ProcessPoolExecutor) -> None:
    won = list(hands.map(accept_at_once, [str(engine.url)] * HANDS, range(HANDS)))
    moved = list(hands.map(move_at_once, [str(engine.url)] * HANDS, range(HANDS)))
    assert sorted(won, key=str) == [1, *[None] * (HANDS - 1)]
    assert standing(engine)["agent"].to_list() == [f"agent {won.index(1)}"]
    assert sorted(moved) == [False] * (HANDS - 1) + [True]
    assert deals.deal_events(engine)["agent"].to_list() == [f"agent {won.index(1)}", f"agent {moved.index(True)}"]


def test_many_may_open_a_new_ledger_at_once(ledgers: Ledgers, hands: ProcessPoolExecutor) -> None:
    urls = [ledgers.place() for _ in range(3)]
    opened = [list(hands.map(open_at_once, [url] * HANDS, range(HANDS))) for url in urls]
    assert opened == [[True] * HANDS] * len(urls)


def test_what_was_acknowledged_survives_kills(
    engine: Engine, rng: random.Random, record_property: Callable[[str, object], None]
) -> None:
    url = str(engine.url)
    told: list[int] = []
    if engine.dialect.name == "postgresql":
        # Tests' servers do not wait for the disk; here every acknowledgement does, as in use.
        with writing(engine) as connection:
            connection.exec_driver_sql(f"ALTER DATABASE {engine.url.database} SET synchronous_commit = on")
    engine.dispose()
    for number in range(KILLS):
        told += killed_at_a_random_moment(url, 1_000 * number, rng)

    again = open_ledger(url)
    with reading(again) as connection:
        if again.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
        written = set(connection.execute(select(decision.c.decision_id)).scalars())
    assert set(told) <= written
    assert len(set(told)) == len(told)
    assert len(written) - len(told) <= KILLS, "at most those whose acknowledgement a kill cut off"
    assert deals.all_deals(again)["achievement_id"].sort().equals(standing(again)["achievement_id"].sort())
    assert deals.deal_events(again).height == len(written)
    assert chain.verify(again).findings == ()
    again.dispose()
    record_property("acknowledged and kept", f"{len(told)} decisions, {KILLS} kills, {engine.dialect.name}")


def killed_at_a_random_moment(url: str, first: int, rng: random.Random) -> list[int]:
    """Decisions that a process told of before it was killed."""
    receive, send = FRESH.Pipe(duplex=False)
    child = FRESH.Process(target=accept_until_killed, args=(url, first, send))
    child.start()
    send.close()
    told = [receive.recv() for _ in range(rng.randint(1, 12))]
    time.sleep(rng.random() / 100)
    child.kill()
    child.join()
    try:
        while True:
            told.append(receive.recv())
    except EOFError:
        receive.close()
    assert child.exitcode == -9
    return told
