"""Nothing in the ledger can be changed or removed, not even by a statement of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from database import Ledgers, made, opened
from every_table import fill
from sqlalchemy import Engine, Table, delete, insert, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql import Insert

from matching.ledger.database import reading, writing
from matching.ledger.decisions import decide
from matching.ledger.tables import decision, metadata, pair_level


@pytest.fixture(scope="module")
def filled(ledgers: Ledgers) -> str:
    return made(ledgers, fill)


@pytest.fixture
def full(filled: str, ledgers: Ledgers) -> Iterator[Engine]:
    """A ledger with a row in every table."""
    with opened(ledgers.copy(filled)) as ledger:
        yield ledger


def replacing(table: Table, row: Any, database: str) -> Insert:
    """An insertion that takes the place of a row with the same key."""
    if database == "sqlite":
        return insert(table).prefix_with("OR REPLACE").values(row._mapping)
    keys = list(table.primary_key.columns)
    return (
        postgresql.insert(table)
        .values(row._mapping)
        .on_conflict_do_update(index_elements=keys, set_=dict(row._mapping))
    )


@pytest.mark.parametrize("name", sorted(metadata.tables))
def test_rows_cannot_be_changed_or_removed(name: str, full: Engine) -> None:
    table = metadata.tables[name]
    with reading(full) as connection:
        before = connection.execute(select(table)).all()
    assert before
    last = list(table.columns)[-1]
    for statement in (update(table).values({last: last}), delete(table)):
        with pytest.raises(IntegrityError, match=f"{name} is append-only"), writing(full) as connection:
            connection.execute(statement)
    with reading(full) as connection:
        assert connection.execute(select(table)).all() == before


@pytest.mark.parametrize("name", sorted(metadata.tables))
def test_a_row_with_a_known_key_is_refused(name: str, full: Engine) -> None:
    table = metadata.tables[name]
    with reading(full) as connection:
        row = connection.execute(select(table).limit(1)).one()
    with pytest.raises(IntegrityError, match=r"(?i)unique"), writing(full) as connection:
        connection.execute(insert(table).values(row._mapping))


@pytest.mark.parametrize("name", sorted(metadata.tables))
def test_a_row_cannot_take_the_place_of_another(name: str, full: Engine) -> None:
    """INSERT OR REPLACE is a removal by another name."""
    table = metadata.tables[name]
    with reading(full) as connection:
        row = connection.execute(select(table).limit(1)).one()
    with pytest.raises(IntegrityError, match="append-only"), writing(full) as connection:
        connection.execute(replacing(table, row, full.dialect.name))


@pytest.mark.parametrize("name", sorted(metadata.tables))
def test_a_table_cannot_be_emptied(name: str, full: Engine) -> None:
    """TRUNCATE meets no trigger of rows; SQLite knows it not, and removes all rows one by one."""
    table = metadata.tables[name]
    with reading(full) as connection:
        before = connection.execute(select(table)).all()
    statement = f"DELETE FROM {name}" if full.dialect.name == "sqlite" else f"TRUNCATE {name} CASCADE"  # noqa: S608
    with pytest.raises(IntegrityError, match="append-only"), writing(full) as connection:
        connection.execute(text(statement))
    with reading(full) as connection:
        assert connection.execute(select(table)).all() == before


def test_a_decision_needs_a_run_that_exists(full: Engine) -> None:
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        decide(full, demand_id="D1", achievement_id="A2", run_id=9, verdict="later", agent="甲", nonce="2", seen=None)


def test_a_decision_is_corrected_once(full: Engine) -> None:
    entry = {
        "demand_id": "D1",
        "achievement_id": "A1",
        "run_id": 1,
        "verdict": "undone",
        "reason": "",
        "note": "",
        "corrects": 1,
        "agent": "甲",
        "at": "",
    }
    with writing(full) as connection:
        connection.execute(insert(decision).values(**entry, nonce="2"))
    with pytest.raises(IntegrityError, match=r"(?i)unique"), writing(full) as connection:
        connection.execute(insert(decision).values(**entry, nonce="3"))


@pytest.mark.parametrize("level", [0, 5, -1])
def test_a_level_is_one_of_four_whoever_writes_it(level: int, full: Engine) -> None:
    row = {"demand_id": "D1", "achievement_id": "A1", "agent": "甲", "nonce": "2", "at": ""}
    with pytest.raises(IntegrityError, match=r"(?i)check"), writing(full) as connection:
        connection.execute(insert(pair_level).values(**row, level=level))


def test_an_agents_nonce_sets_one_level(full: Engine) -> None:
    """Another pair does not make it another click."""
    row = {"demand_id": "D2", "achievement_id": "A2", "level": 1, "nonce": "1", "at": ""}
    with pytest.raises(IntegrityError, match=r"(?i)unique"), writing(full) as connection:
        connection.execute(insert(pair_level).values(**row, agent="甲"))
    with writing(full) as connection:
        connection.execute(insert(pair_level).values(**row, agent="乙"))
