"""A ledger moved, backed up and put back holds the same, row by row, with the same chain."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest
from click.testing import CliRunner
from database import Ledgers, PostgresqlLedgers, SqliteLedgers, made, opened
from every_table import fill
from sqlalchemy import Engine, create_engine, insert, select

from matching.cli.group import command_line
from matching.errors import CallError, LedgerError, NotPermitted
from matching.ledger import chain, copying
from matching.ledger.canonical import place_of
from matching.ledger.database import reading, writing
from matching.ledger.rights import Viewer, as_viewer
from matching.ledger.tables import deal, metadata
from matching.settings import Settings


@pytest.fixture(scope="module")
def filled(ledgers: Ledgers) -> str:
    return made(ledgers, fill)


@pytest.fixture
def full(filled: str, ledgers: Ledgers) -> Iterator[Engine]:
    """A ledger with a row in every table."""
    with opened(ledgers.copy(filled)) as engine:
        yield engine


@pytest.fixture
def other_place(ledgers: Ledgers, sqlite_ledgers: SqliteLedgers, postgresql_ledgers: PostgresqlLedgers) -> str:
    """An empty database of the other kind."""
    return (postgresql_ledgers if ledgers.name == "sqlite" else sqlite_ledgers).place()


def content(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, with its place."""
    with reading(engine) as connection:
        return {
            table.name: [
                tuple(row)
                for row in connection.execute(
                    select(place_of(table, engine.dialect.name).label("at_place"), *table.columns).order_by("at_place")
                )
            ]
            for table in metadata.sorted_tables
        }


def add_deal(engine: Engine, name: str) -> None:
    with writing(engine) as connection:
        connection.execute(insert(deal).values(demand_id=name, achievement_id=name, at=""))


def test_a_moved_ledger_is_the_same_on_the_other_database(full: Engine, other_place: str) -> None:
    before, sound = content(full), chain.verify(full)
    steps: set[str] = set()
    found = copying.move(full, other_place, lambda step, _done, _total: steps.add(step))
    assert found == sound
    assert steps == {"copy", "verify"}
    with opened(other_place) as target:
        assert content(target) == before
        assert all(before.values())
        add_deal(target, "new")
        fill_on = chain.verify(target)
        assert (fill_on.findings, fill_on.links) == ((), sound.links + 1)
    assert content(full) == before


def test_numbers_go_on_after_a_move(full: Engine, other_place: str) -> None:
    """Every table takes a further row as it would have where it came from."""
    copying.move(full, other_place)
    with opened(other_place) as target:
        for engine in (full, target):
            add_deal(engine, "next")
        assert content(target)["deal"] == content(full)["deal"]


def test_a_ledger_with_something_in_it_is_not_written_over(full: Engine, other_place: str, tmp_path: Path) -> None:
    with opened(other_place) as target:
        add_deal(target, "there")
        before = content(target)
        with pytest.raises(LedgerError) as refused:
            copying.move(full, other_place)
        assert refused.value.problems[0].key == "ledger.not_empty"
        copying.backup(full, tmp_path / "backup.sqlite")
        with pytest.raises(LedgerError) as refused:
            copying.restore(target, tmp_path / "backup.sqlite")
        assert refused.value.problems[0].key == "ledger.not_empty"
        assert content(target) == before


def test_a_backup_put_back_is_the_same(full: Engine, ledgers: Ledgers, tmp_path: Path) -> None:
    before, sound = content(full), chain.verify(full)
    path = tmp_path / "deep" / "备份.sqlite"
    copying.backup(full, path)
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    with opened(ledgers.place()) as again:
        assert copying.restore(again, path) == sound
        assert content(again) == before
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_backup_is_one_state_while_others_write(full: Engine, ledgers: Ledgers, tmp_path: Path) -> None:
    """Every transaction adds a row and a link: the backup's chain is sound only if it has both of each."""
    stop = Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            add_deal(full, f"D{number}")

    writer = Thread(target=write)
    writer.start()
    try:
        paths = [tmp_path / f"{number}.sqlite" for number in range(3)]
        for path in paths:
            copying.backup(full, path)
    finally:
        stop.set()
        writer.join()
    for path in paths:
        with opened(ledgers.place()) as again:
            assert copying.restore(again, path).findings == ()
    assert chain.verify(full).findings == ()


def test_a_backup_does_not_take_the_place_of_a_file(full: Engine, tmp_path: Path) -> None:
    path = tmp_path / "there.sqlite"
    path.write_text("kept", encoding="utf-8")
    with pytest.raises(CallError) as refused:
        copying.backup(full, path)
    assert refused.value.problems[0].key == "ledger.backup_exists"
    assert path.read_text(encoding="utf-8") == "kept"
    with pytest.raises(LedgerError) as unwritable:
        copying.backup(full, path / "in a file" / "b.sqlite")
    assert unwritable.value.problems[0].key == "ledger.not_backed_up"


def test_a_backup_that_was_changed_is_not_put_back(full: Engine, ledgers: Ledgers, tmp_path: Path) -> None:
    path = tmp_path / "backup.sqlite"
    copying.backup(full, path)
    with closing(sqlite3.connect(path)) as file:
        file.execute("DROP TRIGGER decision_no_update")
        file.execute("UPDATE decision SET note = 'x'")
        file.commit()
    with opened(ledgers.place()) as again:
        with pytest.raises(LedgerError) as refused:
            copying.restore(again, path)
        assert [each.key for each in refused.value.problems] == ["ledger.unsound_backup", "chain.row_changed"]
        assert not any(content(again).values())


@pytest.mark.parametrize("text", ["", "编号,名称\n" * 100])
def test_a_file_that_is_no_backup(text: str, ledger: Engine, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text, encoding="utf-8")
    for wrong in (path, tmp_path / "nothing.sqlite"):
        with pytest.raises((LedgerError, CallError)) as refused:
            copying.restore(ledger, wrong)
        assert refused.value.problems[0].key == "ledger.no_backup"


def test_a_row_that_cannot_be_copied_leaves_the_target_empty(full: Engine, other_place: str) -> None:
    """A row that refers to none, put in behind the ledger's back."""
    raw = create_engine(full.url)
    with raw.begin() as connection:
        if full.dialect.name != "sqlite":
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql("INSERT INTO upload_reversal (upload_id, agent, at) VALUES (99, '', '')")
    raw.dispose()
    with pytest.raises(LedgerError) as refused:
        copying.move(full, other_place)
    assert refused.value.problems[0].key == "ledger.not_copied"
    with opened(other_place) as target:
        assert not any(content(target).values())


def test_who_may_not_copy_the_ledger(full: Engine, other_place: str, tmp_path: Path) -> None:
    viewed = as_viewer(full, Viewer("甲", "agent"))
    with pytest.raises(NotPermitted):
        copying.move(viewed, other_place)
    for act in (copying.backup, copying.restore):
        with pytest.raises(NotPermitted):
            act(viewed, tmp_path / "b.sqlite")


def run(url: str, *arguments: str) -> str:
    settings = Settings(database_url=url, language="en")
    done = CliRunner().invoke(command_line, list(arguments), obj=settings, standalone_mode=False)
    assert done.exception is None, done.exception
    assert not done.return_value
    return done.stdout


def test_the_commands(full: Engine, ledgers: Ledgers, other_place: str, tmp_path: Path) -> None:
    url, head = full.url.render_as_string(hide_password=False), chain.verify(full).head
    path = tmp_path / "backup.sqlite"
    assert str(path) in run(url, "backup", str(path))
    restored = ledgers.place()
    assert f"Head of the chain: {head}" in run(restored, "restore", str(path))
    assert f"Head of the chain: {head}" in run(restored, "move", other_place)
    assert "0 do not fit" in run(other_place, "verify", "--head", head)
