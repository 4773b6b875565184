"""`duijie find`: what it prints, where it reads, and when it refuses."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from rich.cells import cell_len
from sqlalchemy import Engine

from matching.cli import main
from matching.ledger.database import open_ledger
from matching.pipeline import find, loaded
from matching.ranking.finding import Catalogue
from matching.wording import say

TEXT: Final = "大豆蛋白低温提取\n得率低"
Typed = Callable[[str, bool], None]


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: object
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs a command in this process."""

    def run_(*arguments: object) -> Said:
        with pytest.raises(SystemExit) as done:
            main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return Said(done.value.code, told.out, told.err)

    return run_


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Put a text on standard input, which is a terminal or is not."""

    def typed_(text: str, terminal: bool) -> None:
        source = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")
        monkeypatch.setattr(source, "isatty", lambda: terminal, raising=False)
        monkeypatch.setattr(sys, "stdin", source)

    return typed_


@pytest.fixture
def user(sample_ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's ledger, with the samples in it: to find is to write nothing."""
    monkeypatch.setenv("DUIJIE_DATABASE_URL", f"sqlite:///{sample_ledger}")


@pytest.fixture(scope="module")
def catalogue(sample_ledger: Path) -> Catalogue:
    engine = open_ledger(f"sqlite:///{sample_ledger}")
    found = loaded(engine)
    engine.dispose()
    return found


def test_candidates_stand_in_columns_with_their_reasons(
    user: None, catalogue: Catalogue, run: Callable[..., Said]
) -> None:
    said = run("find", TEXT, "--top", 4)
    assert said.code == 0, said.err
    heading, *lines = said.out.splitlines()
    found = find(catalogue, TEXT, 4)
    assert len(lines) == found.height == 4
    for line, row in zip(lines, found.iter_rows(named=True), strict=True):
        told = (f"{row['score']:.3f}", say(f"level.{row['level']}"), row["achievement_id"], row["institute"])
        assert [part for part in told if part not in line] == []
        assert row["achievement_title"] in line
    strongest = next(each for each in found["shared_terms"][0] if len(each["term"]) > 1)
    assert f"{strongest['term']} {strongest['contribution']:.3f}" in lines[0]
    places = {cell_len(line.partition(row)[0]) for line, row in zip(lines, found["institute"], strict=True)}
    assert places == {cell_len(heading.partition(say("column.institute"))[0])}


def test_a_file_and_standard_input_say_the_same(
    user: None, run: Callable[..., Said], typed: Typed, tmp_path: Path
) -> None:
    path = tmp_path / "demand.txt"
    path.write_text(TEXT, encoding="utf-8-sig")
    by_argument = run("--language", "en", "find", TEXT)
    assert by_argument.code == 0
    assert run("--language", "en", "find", "--file", path).out == by_argument.out
    for arguments in (["find"], ["find", "--file", "-"]):
        typed(TEXT, False)
        assert run("--language", "en", *arguments).out == by_argument.out


def test_a_terminal_is_asked_until_an_empty_line(
    user: None, catalogue: Catalogue, run: Callable[..., Said], typed: Typed
) -> None:
    typed("大豆蛋白\n风电叶片除冰\n\n大豆\n", True)
    said = run("find", "--top", 1)
    assert said.code == 0, said.err
    assert said.out.count(say("column.achievement_title")) == 2
    for text in ("大豆蛋白", "风电叶片除冰"):
        assert find(catalogue, text, 1)["achievement_title"][0] in said.out


def test_the_end_of_what_is_typed_ends_it(user: None, run: Callable[..., Said], typed: Typed) -> None:
    typed("大豆蛋白\n", True)
    assert run("find", "--top", 1).code == 0


def test_nothing_found_is_said(user: None, run: Callable[..., Said]) -> None:
    said = run("--language", "en", "find", "？！")
    assert (said.code, said.out.strip()) == (0, say("find.nothing", "en"))


@pytest.mark.parametrize(
    ("arguments", "key"),
    [(["find", " "], "find.no_text"), (["find", "大豆", "--file", "demand.txt"], "find.text_or_file")],
)
def test_a_wrong_call_says_what_to_do(run: Callable[..., Said], arguments: list[str], key: str) -> None:
    said = run(*arguments)
    assert (said.code, said.err.strip()) == (2, say(key))


def test_a_file_that_cannot_be_read_is_named(run: Callable[..., Said], tmp_path: Path) -> None:
    said = run("--language", "en", "find", "--file", tmp_path / "none.txt")
    assert said.code == 2
    assert "none.txt" in said.err
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff\xfe")
    said = run("--language", "en", "find", "--file", tmp_path / "picture.png")
    assert (said.code, said.err.strip()) == (2, say("find.not_text", "en", path=tmp_path / "picture.png"))


def test_an_empty_ledger_says_what_to_load(
    ledger: Engine, run: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUIJIE_DATABASE_URL", str(ledger.url))
    said = run("find", "大豆")
    assert (said.code, said.err.strip()) == (1, say("find.no_achievements"))
