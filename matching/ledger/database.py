"""Opening the ledger: engine, migrations, transactions."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from matching.errors import LedgerError, Problem

# How long a writer waits for another before it says that the ledger is locked.
_PATIENCE_SECONDS: Final = 30
_MIGRATIONS: Final = Path(__file__).with_name("migrations")


def open_ledger(url: str) -> Engine:
    """The ledger at a database URL, created or brought to the newest form first.

    Raises `LedgerError` when the URL is wrong or the database does not open.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url)
        if parsed.get_backend_name() == "sqlite":
            _set_up_sqlite(engine)
        _migrate(engine)
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
        raise LedgerError(Problem("ledger.wrong_url", values={"url": _shown(url), "reason": error})) from error
    except (OSError, SQLAlchemyError) as error:
        reason = getattr(error, "orig", None) or error
        raise LedgerError(Problem("ledger.not_open", values={"url": _shown(url), "reason": reason})) from error
    return engine


def _shown(url: str) -> str:
    """The URL without its password; of one that cannot be understood only what follows user and password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return f"…@{url.rpartition('@')[2]}" if "@" in url else url


def _set_up_sqlite(engine: Engine) -> None:
    """WAL, and every transaction takes the write lock when it begins, so that no update is lost.

    With the driver's own transactions two processes that read and then write lose each other's updates without
    an error; BEGIN IMMEDIATE makes the second wait.
    """

    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={_PATIENCE_SECONDS * 1000}")
        _write_ahead(connection)
        # recursive_triggers: INSERT OR REPLACE removes a row, and must meet the trigger that refuses it.
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "recursive_triggers=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to WAL. While another process makes the same switch, SQLite says "locked" at once, without its timeout."""
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.02)
        else:
            return


def _migrate(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one state of the ledger and does not hold up writers."""
    with engine.connect().execution_options(reading=True) as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction: all of it is kept or nothing."""
    with engine.begin() as connection:
        yield connection


def now() -> str:
    """This moment in UTC, as the ledger writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
