"""Copies of a whole ledger: moved to another database, backed up into a file, put back.

Rows keep their places and the links come along, so that the copy's chain is that of the original, with the same head.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Final

from sqlalchemy import Connection, Engine, Table, func, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from matching.errors import CallError, LedgerError, Problem
from matching.ledger.canonical import PLACE, as_frame, own_key, stored_rows
from matching.ledger.chain import Verification, verify_on
from matching.ledger.database import open_ledger, reading, writing
from matching.ledger.frames import insert_stored
from matching.ledger.rights import permit
from matching.ledger.sealing import come_with_links
from matching.ledger.tables import metadata
from matching.progress import Progress, step

_FILE: Final = "backup.sqlite"


def move(engine: Engine, target_url: str, progress: Progress | None = None) -> Verification:
    """Copy the whole ledger into the empty one at another URL, and verify it there; nobody writes meanwhile.

    Raises `LedgerError` where the target is not empty or the copy is not the same; the target stays empty then.
    """
    permit(engine, "keep_ledger")
    target = open_ledger(target_url)
    try:
        with reading(target) as connection:
            _check_empty(connection)
        with writing(engine) as source:
            return _copy_into(target, source, progress)
    finally:
        target.dispose()


def backup(engine: Engine, path: Path, progress: Progress | None = None) -> None:
    """Write the ledger as it is at one moment into a SQLite file, while others go on writing.

    The file is there when it is whole. Raises `CallError` for a file that exists, `LedgerError` when it cannot be
    written.
    """
    permit(engine, "keep_ledger")
    if path.exists():
        raise CallError(Problem("ledger.backup_exists", values={"path": path}))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            made = Path(folder) / _FILE
            if engine.dialect.name == "sqlite":
                _copy_pages(engine, made)
            else:
                _copy_rows(engine, made, progress)
            _in_one_file(made)
            made.rename(path)
        _sync(path.parent)
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(Problem("ledger.not_backed_up", values={"path": path, "reason": error})) from error


def restore(engine: Engine, path: Path, progress: Progress | None = None) -> Verification:
    """Put a backup into the empty ledger, once its chain is verified; one of an older revision is brought up.

    The file itself is not touched. Raises `LedgerError` where the ledger is not empty or the backup is not sound, with
    everything that was found.
    """
    permit(engine, "keep_ledger")
    if not path.is_file():
        raise CallError(Problem("ledger.no_backup", values={"path": path}))
    with TemporaryDirectory() as folder, _opened_copy(path, Path(folder)) as kept, reading(kept) as source:
        found = verify_on(source, step(progress, "verify"))
        if not found.sound:
            raise LedgerError(Problem("ledger.unsound_backup", values={"path": path}), *found.findings)
        return _copy_into(engine, source, progress)


@contextmanager
def _opened_copy(path: Path, folder: Path) -> Iterator[Engine]:
    """A backup, opened as a ledger of its own: bringing it up does not change the file."""
    with path.open("rb") as source:
        if source.read(16) != b"SQLite format 3\0":
            raise LedgerError(Problem("ledger.no_backup", values={"path": path}))
    copyfile(path, folder / _FILE)
    engine = open_ledger(f"sqlite:///{folder / _FILE}")
    try:
        yield engine
    finally:
        engine.dispose()


def _copy_into(target: Engine, source: Connection, progress: Progress | None) -> Verification:
    try:
        with writing(target) as connection:
            _check_empty(connection)
            _copy(source, connection, progress)
            found = verify_on(connection, step(progress, "verify"))
            # What was wrong in the original is wrong in its copy; anything else went wrong on the way.
            if not found.sound and found != verify_on(source):
                raise LedgerError(Problem("ledger.not_copied", values={"reason": len(found.findings)}), *found.findings)
    except (IntegrityError, TypeError) as error:
        reason = getattr(error, "orig", None) or error
        raise LedgerError(Problem("ledger.not_copied", values={"reason": reason})) from error
    return found


def _check_empty(connection: Connection) -> None:
    for table in metadata.sorted_tables:
        if connection.execute(select(table).limit(1)).first() is not None:
            url = connection.engine.url.render_as_string(hide_password=True)
            raise LedgerError(Problem("ledger.not_empty", values={"url": url}))


def _copy(source: Connection, target: Connection, progress: Progress | None) -> None:
    """Every row of every table at its place."""
    come_with_links(target)
    tell = step(progress, "copy")
    counts = {table: _count(source, table) for table in metadata.sorted_tables}
    done = 0
    for table in metadata.sorted_tables:
        for rows in stored_rows(source, table):
            stored = as_frame(table, rows)
            insert_stored(target, table, stored.drop(PLACE) if own_key(table) is not None else stored)
            done += len(rows)
            if tell:
                tell(done, sum(counts.values()))
        if target.dialect.name != "sqlite" and counts[table]:
            _set_sequence(target, table)
        if _count(target, table) != counts[table]:
            raise LedgerError(Problem("ledger.not_copied", values={"reason": table.name}))


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _set_sequence(connection: Connection, table: Table) -> None:
    """Let PostgreSQL count on from where the copied rows end."""
    key = own_key(table)
    column = PLACE if key is None else key.name
    connection.exec_driver_sql(
        f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column}'), max({column})) FROM {table.name}"  # noqa: S608
    )


def _copy_pages(engine: Engine, made: Path) -> None:
    """One state of a SQLite ledger, page by page in one step: writers are not held up."""
    with closing(sqlite3.connect(made)) as target, reading(engine) as connection:
        source = connection.connection.driver_connection
        if not isinstance(source, sqlite3.Connection):
            raise TypeError(type(source))
        source.backup(target)


def _copy_rows(engine: Engine, made: Path, progress: Progress | None) -> None:
    target = open_ledger(f"sqlite:///{made}")
    try:
        with reading(engine) as source, writing(target) as connection:
            _copy(source, connection, progress)
    except DBAPIError as error:
        raise OSError(str(error.orig)) from error
    finally:
        target.dispose()


def _in_one_file(path: Path) -> None:
    """Leave nothing in a log beside the file, and everything on the disk."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    _sync(path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
