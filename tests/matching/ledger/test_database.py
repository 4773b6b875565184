"""Opening the ledger: the file and its settings, and what is said when it does not open."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect

from matching.errors import LedgerError
from matching.ledger.database import open_ledger, reading, writing
from matching.ledger.tables import metadata
from matching.wording import LANGUAGES

PASSWORD = "geheim-7"  # noqa: S105


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A ledger's place in folders that do not exist yet, with a space and Chinese in their names."""
    return tmp_path / "技术 转移" / "台账" / "ledger.sqlite"


@pytest.fixture
def engine(place: Path) -> Iterator[Engine]:
    opened = open_ledger(f"sqlite:///{place}")
    yield opened
    opened.dispose()


def refused(url: str) -> str:
    """What is said, in both languages, when the ledger of a URL does not open."""
    with pytest.raises(LedgerError) as caught:
        open_ledger(url)
    chinese, english = (caught.value.text(language) for language in LANGUAGES)
    assert "DUIJIE_DATABASE_URL" in chinese
    assert "DUIJIE_DATABASE_URL" in english
    assert ("请检查" in chinese, "Check" in english) == (True, True)
    for text in (chinese, english, str(caught.value)):
        assert "Traceback" not in text
        assert "sqlalche.me" not in text
        assert PASSWORD not in text
    return english


def test_opening_makes_the_folder_and_the_file(place: Path, engine: Engine) -> None:
    assert place.is_file()
    assert set(inspect(engine).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_opening_twice_is_fine(place: Path, engine: Engine) -> None:
    again = open_ledger(f"sqlite:///{place}")
    with writing(engine) as first:
        first.exec_driver_sql("SELECT 1")
    with reading(again) as second:
        assert second.exec_driver_sql("SELECT count(*) FROM upload").scalar_one() == 0
    again.dispose()


def test_opening_a_ledger_of_the_newest_form_waits_for_no_writer(place: Path, engine: Engine) -> None:
    began = time.monotonic()
    with writing(engine):
        open_ledger(f"sqlite:///{place}").dispose()
    assert time.monotonic() - began < 10


def test_every_connection_is_set_up(engine: Engine) -> None:
    pragmas = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}
    with ExitStack() as stack:
        connections = [stack.enter_context(reading(engine)) for _ in range(3)]
        assert len({id(connection.connection.dbapi_connection) for connection in connections}) == 3
        for connection in connections:
            found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in pragmas}
            assert found == pragmas


def test_readers_do_not_wait_for_a_writer_and_see_one_state(engine: Engine) -> None:
    count = "SELECT count(*) FROM deal"
    with reading(engine) as reader:
        assert reader.exec_driver_sql(count).scalar_one() == 0
        with writing(engine) as writer:
            writer.exec_driver_sql("INSERT INTO deal (demand_id, achievement_id, at) VALUES ('D1', 'A1', '')")
            assert reader.exec_driver_sql(count).scalar_one() == 0
        assert reader.exec_driver_sql(count).scalar_one() == 0
    with reading(engine) as later:
        assert later.exec_driver_sql(count).scalar_one() == 1


def test_a_transaction_that_fails_leaves_nothing(engine: Engine) -> None:
    def fail_after_writing() -> None:
        with writing(engine) as connection:
            connection.exec_driver_sql("INSERT INTO deal (demand_id, achievement_id, at) VALUES ('D1', 'A1', '')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_writing()
    with reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM deal").scalar_one() == 0


@pytest.mark.parametrize("url", ["", "nonsense", "sqlite:", "C:\\台账.sqlite"])
def test_a_text_that_is_no_url(url: str) -> None:
    assert refused(url).startswith(f"The database URL {url} is wrong")


@pytest.mark.parametrize(
    "url",
    [
        f"nonsense://agent:{PASSWORD}@host/ledger",
        f"postgresql+nonsense://agent:{PASSWORD}@host/ledger",
        f"mysql://agent:{PASSWORD}@host/ledger",
        f"sqlite://agent:{PASSWORD}@host/ledger.sqlite",
    ],
    ids=["no such database", "no such driver", "driver not installed", "sqlite with a host"],
)
def test_a_database_or_driver_that_is_not_there(url: str) -> None:
    assert "agent:***@host" in refused(url)


@pytest.mark.parametrize(
    "url",
    [f"postgres//agent:{PASSWORD}@host/ledger", f"postgresql:/agent:{PASSWORD}@host/ledger"],
    ids=["no colon", "one slash"],
)
def test_a_url_that_cannot_be_parsed_does_not_tell_its_password(url: str) -> None:
    assert "is wrong" in refused(url)


@pytest.mark.parametrize(
    "url",
    [f"postgresql://agent:{PASSWORD}@host:port/ledger", "sqlite:///{folder}/a.sqlite?timeout=long"],
    ids=["port is no number", "option is no number"],
)
def test_a_url_with_a_text_where_a_number_belongs(url: str, tmp_path: Path) -> None:
    assert "is wrong" in refused(url.replace("{folder}", str(tmp_path)))


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("", encoding="utf-8")
    assert refused(f"sqlite:///{tmp_path}/a file/ledger.sqlite").startswith("Cannot open the ledger")
    assert refused(f"sqlite:///{tmp_path}/a file/deeper/ledger.sqlite").startswith("Cannot open the ledger")


def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    assert "unable to open database file" in refused(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize("content", [b"x" * 5000, "编号,名称\n".encode() * 500], ids=["noise", "a list"])
def test_a_file_that_is_not_a_database_is_left_as_it_is(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    assert "file is not a database" in refused(f"sqlite:///{path}")
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_left_as_it_is(tmp_path: Path) -> None:
    """Its `deal` table is not ours: the migration fails, and none of its steps stays."""
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE deal (price INTEGER)")
    other.close()
    assert "table deal already exists" in refused(f"sqlite:///{path}")
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("deal",)]
    other.close()
