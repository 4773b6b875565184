"""A settled moment has everything that was written by then, whoever was writing."""

from __future__ import annotations

import ast
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from places import ROOT
from sqlalchemy import Engine, func, insert, select

from matching.ledger.database import now, reading, writing
from matching.ledger.moments import settled
from matching.ledger.past_versions import written_by
from matching.ledger.tables import deal, link

LEDGER = sorted((ROOT / "matching" / "ledger").glob("*.py"))


def add(engine: Engine, name: str, began: Event | None = None, go_on: Event | None = None) -> None:
    """Write a row with the moment at which its writer's turn came, and take one's time."""
    with writing(engine) as connection:
        connection.execute(insert(deal).values(demand_id=name, achievement_id=name, at=now()))
        if began and go_on:
            began.set()
            go_on.wait(20)


def names_by(engine: Engine, moment: datetime) -> set[str]:
    with reading(engine) as connection:
        return set(connection.execute(select(deal.c.demand_id).where(deal.c.at <= written_by(moment))).scalars())


def test_it_waits_for_who_is_writing(ledger: Engine) -> None:
    began, go_on = Event(), Event()
    writer = Thread(target=add, args=(ledger, "slow", began, go_on))
    writer.start()
    assert began.wait(20)
    found: list[datetime] = []
    asker = Thread(target=lambda: found.append(settled(ledger)))
    asker.start()
    time.sleep(0.2)
    assert not found
    go_on.set()
    writer.join(20)
    asker.join(20)
    assert names_by(ledger, found[0]) == {"slow"}


def test_what_is_written_at_once_afterwards_is_later(ledger: Engine) -> None:
    """Not even in the same millisecond; what was written just before belongs to it."""
    before: set[str] = set()
    for number in range(20):
        add(ledger, f"before {number}")
        moment = settled(ledger)
        before |= {f"before {number}"}
        add(ledger, f"after {number}")
        assert names_by(ledger, moment) == before
        before |= {f"after {number}"}


def test_it_is_this_moment_in_utc(ledger: Engine) -> None:
    found = settled(ledger)
    assert found.tzinfo == UTC
    assert abs(datetime.now(UTC) - found) < timedelta(seconds=20)
    assert datetime.fromisoformat(written_by(found)) == found


def test_it_writes_nothing(ledger: Engine) -> None:
    def rows() -> list[int]:
        with reading(ledger) as connection:
            return [connection.execute(select(func.count()).select_from(each)).scalar_one() for each in (link, deal)]

    before = rows()
    settled(ledger)
    assert rows() == before


def early(source: str) -> list[str]:
    """Public functions that open a transaction and take the moment of an entry before it has begun."""
    found = []
    for function in (each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.FunctionDef)):
        turns = [
            each
            for each in ast.walk(function)
            if isinstance(each, ast.With) and any(ast.unparse(item).startswith("writing(") for item in each.items)
        ]
        moments = [each for each in ast.walk(function) if isinstance(each, ast.Call) and ast.unparse(each) == "now()"]
        inside = {id(each) for turn in turns for each in ast.walk(turn)}
        if turns and any(id(each) not in inside for each in moments):
            found.append(function.name)
    return found


@pytest.mark.parametrize("path", LEDGER, ids=lambda path: path.name)
def test_entries_take_their_moment_when_their_turn_has_come(path: Path) -> None:
    assert early(path.read_text(encoding="utf-8")) == []


def test_a_moment_that_is_taken_too_early_is_found() -> None:
    assert early("def f(engine):\n    at = now()\n    with writing(engine) as c:\n        c.execute(at)\n") == ["f"]
    assert early("def f(engine):\n    with writing(engine) as c:\n        c.execute(now())\n") == []
