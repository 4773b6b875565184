"""The files in tests/files: each becomes what outcomes.toml says, and the script makes them again."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from places import ROOT

from matching.errors import FileRefused, Problem
from matching.intake.reading import read_bytes
from matching.settings import Settings

FOLDER = ROOT / "tests" / "files"
OUTCOMES = FOLDER / "outcomes.toml"
FILES: list[dict[str, Any]] = tomllib.loads(OUTCOMES.read_text(encoding="utf-8"))["file"]
READ = [file for file in FILES if file["outcome"] != "refused"]
REFUSED = [file for file in FILES if file["outcome"] == "refused"]
# Where the entries outside.xlsx name a place.
ESCAPED = Path("/tmp/duijie_escaped.txt")  # noqa: S108


def name_of(file: dict[str, Any]) -> str:
    return str(file["name"])


def content_of(file: dict[str, Any]) -> bytes:
    return (FOLDER / file["name"]).read_bytes()


def limits_for(name: str) -> Settings:
    """Two of the bombs take seconds to unpack up to the limit that is set by default; one is unpacked so far."""
    slow = name in ("zip_bomb_sheet.xlsx", "zip_bomb_many_entries.xlsx")
    return Settings(unpacked_megabytes=100) if slow else Settings()


def places(problems: tuple[Problem, ...]) -> list[list[object]]:
    return [[problem.sheet, problem.row, problem.key] for problem in problems]


def stated(column: pl.Series, values: list[object]) -> list[object]:
    """The values as the column has them: an empty text stands for none where the column holds no texts."""
    return values if column.dtype == pl.String else [None if value == "" else value for value in values]


@pytest.mark.parametrize("file", READ, ids=name_of)
def test_the_records_of_a_file_are_read(file: dict[str, Any]) -> None:
    reading = read_bytes(file["name"], content_of(file), file["kind"], Settings(), good_rows=True)
    frame = reading.frame
    wrong = [[problem.sheet, problem.row, problem.column, problem.key] for problem in reading.wrong]
    assert wrong == file.get("wrong", [])
    assert frame["title"].to_list() == file["titles"]
    assert frame["source_row"].to_list() == file["rows_at"]
    if "sheets_at" in file:
        assert frame["source_sheet"].to_list() == file["sheets_at"]
    for name, values in file.get("values", {}).items():
        assert frame[name].to_list() == stated(frame[name], values), name
    if "extras" in file:
        headings = [extra["heading"] for extras in frame["extras"].to_list() for extra in extras or []]
        assert list(dict.fromkeys(headings)) == file["extras"]
    assert places(reading.left_out) == file.get("left_out", [])
    assert sorted(note.key for note in reading.notes) == sorted(file.get("notes", []))
    assert not ESCAPED.exists()


@pytest.mark.parametrize("file", [file for file in READ if file["outcome"] == "wrong"], ids=name_of)
def test_wrong_cells_refuse_a_file_whose_good_rows_are_not_asked_for(file: dict[str, Any]) -> None:
    with pytest.raises(FileRefused) as refused:
        read_bytes(file["name"], content_of(file), file["kind"], Settings())
    found = [[problem.sheet, problem.row, problem.column, problem.key] for problem in refused.value.problems]
    assert found == file["wrong"]


@pytest.mark.parametrize("file", REFUSED, ids=name_of)
def test_a_file_is_refused_for_what_is_wrong_with_it(file: dict[str, Any]) -> None:
    with pytest.raises(FileRefused) as refused:
        read_bytes(file["name"], content_of(file), file["kind"], limits_for(file["name"]), good_rows=True)
    assert refused.value.problems[0].key == file["refusal"]
    assert refused.value.problems[0].file == file["name"]


def test_folder_and_table_name_the_same_files() -> None:
    names = [file["name"] for file in FILES]
    assert len(names) >= 60
    assert sorted(names) == sorted(path.name for path in FOLDER.iterdir() if path != OUTCOMES)
    assert len(set(names)) == len(names)


def test_the_folder_stays_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 12_000_000


def parts(content: bytes) -> object:
    """An archive by what its entries hold: another zlib compresses the same to other bytes."""
    if not zipfile.is_zipfile(BytesIO(content)):
        return content
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return [(part.filename, part.date_time, part.CRC, part.file_size) for part in archive.infolist()]


def test_the_script_makes_the_same_files(tmp_path: Path) -> None:
    script = ROOT / "scripts" / "intake_files.py"
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True, capture_output=True)
    assert (tmp_path / OUTCOMES.name).read_bytes() == OUTCOMES.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in FOLDER.iterdir()}
    for file in FILES:
        made, kept = (tmp_path / file["name"]).read_bytes(), content_of(file)
        if file.get("deterministic", True):
            assert made == kept or parts(made) == parts(kept), file["name"]
