"""Judged pairs from a file."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from matching.errors import CallError, FileRefused
from matching.intake.judgements import read_judgements, read_pairs
from matching.schema import JUDGEMENTS, PAIRS
from matching.settings import Settings

GOOD = "demand_id,achievement_id,level\nD1,A1,4\nD1,A2,1\n"
EXPECTED = pl.DataFrame([("D1", "A1", 4), ("D1", "A2", 1)], schema=JUDGEMENTS, orient="row")


def read(tmp_path: Path, content: str | bytes, name: str = "judged.csv") -> pl.DataFrame:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_judgements(path, Settings())


def test_pairs_are_read_with_their_levels(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD).equals(EXPECTED)


def test_order_of_columns_and_further_columns_do_not_matter(tmp_path: Path) -> None:
    assert read(tmp_path, "level,note,achievement_id,demand_id\n4,x,A1,D1\n1,,A2,D1\n").equals(EXPECTED)


def test_workbook_and_csv_give_the_same(tmp_path: Path) -> None:
    target = BytesIO()
    with xlsxwriter.Workbook(target) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate([["demand_id", "achievement_id", "level"], ["D1", "A1", 4], ["D1", "A2", 1]]):
            sheet.write_row(row, 0, cells)
    assert read(tmp_path, target.getvalue(), "judged.xlsx").equals(EXPECTED)


@pytest.mark.parametrize("level", ["0", "5", "2.5", "强相关", "", "-1"])
def test_a_level_outside_one_to_four_is_refused_with_its_row(tmp_path: Path, level: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read(tmp_path, f"{GOOD}D2,A3,{level}\n")
    [problem] = refused.value.problems
    assert (problem.key, problem.file, problem.row, problem.column) == ("cell.not_level", "judged.csv", 4, "level")
    assert "1、2、3 或 4" in problem.text("zh_CN")
    assert "judged.csv, row 4, column “level”" in problem.text("en")


def test_a_row_without_its_level_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused) as refused:
        read(tmp_path, f"{GOOD}D2,A3\n")
    assert refused.value.problems[0].row == 4


def test_a_row_without_its_ids_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused) as refused:
        read(tmp_path, "level,demand_id,achievement_id\n4,D1,A1\n3\n")
    assert refused.value.problems[0].row == 3


@pytest.mark.parametrize("name", JUDGEMENTS)
def test_a_missing_column_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read(tmp_path, GOOD.replace(name, "other"))
    [problem] = refused.value.problems
    assert (problem.key, problem.row, problem.column) == ("file.missing_column", 1, name)
    assert "other" in problem.text()


def test_a_path_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(CallError) as wrong:
        read_judgements(tmp_path / "none.csv", Settings())
    assert str(tmp_path / "none.csv") in wrong.value.text()


def pairs(tmp_path: Path, content: str, name: str = "pairs.csv") -> pl.DataFrame:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return read_pairs(path, Settings())


def test_pairs_are_read_without_levels(tmp_path: Path) -> None:
    expected = pl.DataFrame([("D2", "A1"), ("D1", "A2"), ("D2", "A1")], schema=PAIRS, orient="row")
    assert pairs(tmp_path, "demand_id,achievement_id\nD2,A1\nD1,A2\nD2,A1\n").equals(expected)


def test_levels_of_pairs_are_not_looked_at(tmp_path: Path) -> None:
    """Neither are further columns: a table of judged pairs may be scored as it is."""
    found = pairs(tmp_path, "level,achievement_id,note,demand_id\n9,A1,x,D1\n,A2,,D1\n")
    assert found.equals(EXPECTED.select(PAIRS.keys()))


def test_ids_that_look_like_numbers_stay_texts(tmp_path: Path) -> None:
    assert pairs(tmp_path, "demand_id,achievement_id\n007,1E5\n").rows() == [("007", "1E5")]


@pytest.mark.parametrize("column", PAIRS)
@pytest.mark.parametrize("blank", ["", "  ", "\u3000"], ids=["nothing", "spaces", "wide space"])
def test_a_row_without_an_id_is_refused_with_its_row_and_column(tmp_path: Path, column: str, blank: str) -> None:
    row = {"demand_id": "D2", "achievement_id": "A3", "level": "2", column: blank}
    for reader, heading in ((read_pairs, list(PAIRS)), (read_judgements, list(JUDGEMENTS))):
        lines = [heading, ["D1", "A1", "4"][: len(heading)], [row[name] for name in heading]]
        path = tmp_path / "pairs.csv"
        path.write_text("".join(f"{','.join(line)}\n" for line in lines), encoding="utf-8")
        with pytest.raises(FileRefused) as refused:
            reader(path, Settings())
        [problem] = refused.value.problems
        assert (problem.key, problem.file, problem.row, problem.column) == ("cell.no_id", "pairs.csv", 3, column)
        assert f"pairs.csv 第 3 行“{column}”列：" in problem.text("zh_CN")
        assert f"pairs.csv, row 3, column “{column}”" in problem.text("en")


def test_a_short_row_has_no_achievement(tmp_path: Path) -> None:
    with pytest.raises(FileRefused) as refused:
        pairs(tmp_path, "demand_id,achievement_id\nD1,A1\nD2\n")
    assert [(each.key, each.row, each.column) for each in refused.value.problems] == [
        ("cell.no_id", 3, "achievement_id")
    ]


def test_a_row_may_have_several_problems(tmp_path: Path) -> None:
    with pytest.raises(FileRefused) as refused:
        read(tmp_path, f"{GOOD},,9\n")
    assert [(each.key, each.column) for each in refused.value.problems] == [
        ("cell.no_id", "demand_id"),
        ("cell.no_id", "achievement_id"),
        ("cell.not_level", "level"),
    ]


@pytest.mark.parametrize("name", PAIRS)
def test_a_missing_column_of_pairs_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileRefused) as refused:
        pairs(tmp_path, "demand_id,achievement_id\nD1,A1\n".replace(name, "other"))
    [problem] = refused.value.problems
    assert (problem.key, problem.row, problem.column) == ("file.missing_column", 1, name)


def test_pairs_that_are_not_there_are_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(CallError) as wrong:
        read_pairs(tmp_path / "none.csv", Settings())
    assert str(tmp_path / "none.csv") in wrong.value.text()
