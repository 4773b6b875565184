"""Opening the ledger: engine, migrations, transactions."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from matching.errors import LedgerError, Problem
from matching.ledger.sealing import seal_all, seal_transactions

# How long a writer waits for another before it says that the ledger is locked.
_PATIENCE_SECONDS: Final = 30
# How long PostgreSQL works on one statement, and how long it waits for a transaction that does nothing.
_STATEMENT_SECONDS: Final = 900
_IDLE_SECONDS: Final = 1_800
_CONNECT_SECONDS: Final = 10
# The advisory lock that writers queue for ("duijie").
_WRITERS: Final = 0x6475696A6965
_MIGRATIONS: Final = Path(__file__).with_name("migrations")
# What a database says to a writer that waited in vain: SQLSTATEs of PostgreSQL, result codes of SQLite.
_WAITED: Final = ("55P03", "57014", "40001", "40P01", "25P03")
_LOCKED: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
# What it says of a wrong value, a full disk, or lack of rights: classes of SQLSTATEs, result codes.
_NOT_WRITTEN: Final = ("22", "42501", "53", "58")
_NOT_WRITABLE: Final = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_TOOBIG,
)


def open_ledger(url: str) -> Engine:
    """The ledger at a database URL, created or brought to the newest form first.

    Raises `LedgerError` when the URL is wrong or the database does not open.
    """
    try:
        parsed = _with_driver(make_url(url))
        if parsed.get_backend_name() == "sqlite":
            if parsed.database:
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            engine = create_engine(parsed)
            _set_up_sqlite(engine)
        elif parsed.get_backend_name() == "postgresql":
            engine = create_engine(parsed, pool_pre_ping=True, connect_args={"connect_timeout": _CONNECT_SECONDS})
            _set_up_postgresql(engine)
        else:
            engine = create_engine(parsed)
        seal_transactions(engine, now)
        if not _is_newest(engine):
            _migrate(engine)
        event.listen(engine, "handle_error", _tell)
    except ImportError as error:
        lacks = "ledger.no_driver" if error.name == "psycopg" else "ledger.wrong_url"
        raise LedgerError(Problem(lacks, values={"url": _shown(url), "reason": error})) from error
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise LedgerError(Problem("ledger.wrong_url", values={"url": _shown(url), "reason": error})) from error
    except (OSError, SQLAlchemyError) as error:
        reason = getattr(error, "orig", None) or error
        raise LedgerError(Problem("ledger.not_open", values={"url": _shown(url), "reason": reason})) from error
    return engine


def _with_driver(url: URL) -> URL:
    """The URL with the driver that this program knows, where it names none."""
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


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
        connection.exec_driver_sql("BEGIN" if _reads(connection) else "BEGIN IMMEDIATE")


def _set_up_postgresql(engine: Engine) -> None:
    """Writers queue for one lock, as those of SQLite do; a reader sees one state.

    A writer reads after it has the lock, and each of its statements sees what was committed before: a snapshot taken
    when it began to wait would be too old.
    """

    @event.listens_for(engine, "connect")
    def connect(connection: DBAPIConnection, _record: object) -> None:
        with closing(connection.cursor()) as cursor:
            for name, seconds in (
                ("lock_timeout", _PATIENCE_SECONDS),
                ("statement_timeout", _STATEMENT_SECONDS),
                ("idle_in_transaction_session_timeout", _IDLE_SECONDS),
            ):
                cursor.execute(f"SET {name} = '{seconds}s'")
        connection.commit()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if _reads(connection):
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        else:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")


def _reads(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get("reading", False))


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


def _is_newest(engine: Engine) -> bool:
    """Whether the ledger has the form of the last step. To ask waits for no writer, and takes no time."""
    last = max(path.name for path in (_MIGRATIONS / "versions").glob("*.py")).partition("_")[0]
    with reading(engine) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        return list(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars()) == [last]


def _migrate(engine: Engine) -> None:
    """Run the steps that the ledger lacks; what it held before it had a chain is sealed in the same transaction."""
    # A command that finds the ledger as it should be is not to wait for what changes it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        had_chain = inspect(connection).has_table("link")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if not had_chain:
            seal_all(connection, now())


def _tell(context: ExceptionContext) -> None:
    """Say what a user can do something about: a ledger that is busy, out of reach, or cannot be written."""
    if context.is_pre_ping:
        return
    error = context.original_exception
    state = getattr(error, "sqlstate", None) or ""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if state in _WAITED or code in _LOCKED:
        key = "ledger.busy"
    elif context.is_disconnect or (context.connection is None and not code):
        key = "ledger.lost"
    elif state.startswith(_NOT_WRITTEN) or code in _NOT_WRITABLE:
        key = "ledger.not_written"
    else:
        return
    raise LedgerError(Problem(key, values={"reason": error})) from error


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one state of the ledger and does not hold up writers."""
    with engine.connect().execution_options(reading=True) as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction: all of it is kept or nothing. Raises `LedgerError` where others write for too long."""
    with engine.begin() as connection:
        yield connection


def now() -> str:
    """This moment in UTC, as the ledger writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
