"""A ledger with three years behind it, of the samples: for statistics that have something to show.

Its entries lie in the past, where no function of the program writes: they are rows of their own, and what loading and
matching wrote is moved back to the first day. Its chain is not one that stands a check.
"""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copyfile
from typing import Final

from sqlalchemy import Connection, Engine, insert

from matching.ledger.database import open_ledger, writing
from matching.ledger.review_queue import run_pairs
from matching.ledger.tables import deal, deal_event, deal_payment, deal_terms, decision
from matching.schema import CONTRACT_KINDS, DEAL_STATES

FIRST: Final = datetime(2024, 1, 4, 2, tzinfo=UTC)
LAST: Final = datetime(2026, 10, 30, 2, tzinfo=UTC)
# What loading and matching write with the moment at which they do.
_MOVED: Final = ("upload", "run")
_DECIDED: Final = 330
_AGENTS: Final = ("周某", "李某", "王某")
_INSTITUTIONS: Final = ("", "示例技术转移中心", "示例大学技术转移公司", "示例成果转化服务公司")
_SIGNED: Final = DEAL_STATES.index("signed")


def lively_ledger(matched: Path, path: Path) -> None:
    """Write a copy of a matched ledger with decisions, deals, contracts and payments of three years to a path."""
    copyfile(matched, path)
    _move_back(path)
    engine = open_ledger(f"sqlite:///{path}")
    _fill(engine, random.Random(7))
    engine.dispose()


def _move_back(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for table in _MOVED:
            guard = f"{table}_no_update"
            (kept,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (guard,)).fetchone()
            connection.execute(f"DROP TRIGGER {guard}")
            connection.execute(f"UPDATE {table} SET at = ?", (_text(FIRST),))  # noqa: S608
            connection.execute(kept)
        connection.commit()


def _fill(engine: Engine, rng: random.Random) -> None:
    pairs = run_pairs(engine, 1).select("demand_id", "achievement_id").rows()
    rng.shuffle(pairs)
    with writing(engine) as connection:
        for number, (demand_id, achievement_id) in enumerate(pairs[:_DECIDED]):
            at = FIRST + (LAST - FIRST) * rng.random()
            verdict = rng.choice(("accept", "accept", "reject", "reject", "reject", "later"))
            pair = {"demand_id": demand_id, "achievement_id": achievement_id}
            reason = "other_problem" if verdict == "reject" else ""
            made = {"verdict": verdict, "reason": reason, "note": "", "agent": rng.choice(_AGENTS), "at": _text(at)}
            connection.execute(insert(decision).values(**pair, **made, run_id=1, nonce=f"{number}"))
            if verdict == "accept":
                _go_on(connection, pair, at, rng)


def _go_on(connection: Connection, pair: dict[str, str], at: datetime, rng: random.Random) -> None:
    """A deal that goes as far as it came by the last day."""
    number = connection.execute(insert(deal).values(**pair, at=_text(at)).returning(deal.c.deal_id)).scalar_one()
    moments = [at]
    for _ in range(rng.choices(range(len(DEAL_STATES)), (2, 3, 3, 3, 3, 4))[0]):
        moments.append(moments[-1] + timedelta(days=rng.randrange(5, 60)))
    moments = [moment for moment in moments if moment <= LAST]
    agent = rng.choice(_AGENTS)
    for state, moment in zip(DEAL_STATES, moments, strict=False):
        event = {"deal_id": number, "state": state, "reason": "", "note": "", "agent": agent, "at": _text(moment)}
        connection.execute(insert(deal_event).values(**event))
    if len(moments) > _SIGNED:
        _sign(connection, number, agent, moments, rng)


def _sign(connection: Connection, number: int, agent: str, moments: list[datetime], rng: random.Random) -> None:
    """Terms that are added to at each state from signing on, and what was paid."""
    total = rng.randrange(5, 900) * 1_000_000
    terms = {
        "contract_kind": rng.choice(CONTRACT_KINDS),
        "total_fen": total,
        "technical_fen": total * 4 // 5,
        "buyer": "",
        "seller": "",
        "transfer_institution": rng.choice(_INSTITUTIONS),
        "responsible": agent,
    }
    entry = {"deal_id": number, "why": "", "agent": agent}
    for name, moment in zip(("signed_on", "registered_on", "industrialised_on"), moments[_SIGNED:], strict=False):
        terms[name] = moment.date()
        if name == "registered_on":
            terms["registration_number"] = f"2300{number:04}"
        written = {**entry, "nonce": f"{number}:{name}", "at": _text(moment)}
        connection.execute(insert(deal_terms).values(**written, **terms))
    if rng.random() < 0.7:
        paid = {"amount_fen": total * rng.choice((3, 5, 10)) // 10, "paid_on": moments[-1].date()}
        written = {**entry, "nonce": f"{number}:payment", "at": _text(moments[-1])}
        connection.execute(insert(deal_payment).values(**written, **paid))


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
