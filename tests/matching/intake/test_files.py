"""Bytes become rows with the numbers that a spreadsheet shows; hostile files are refused and this process lives on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

import pytest
from intake_books import SHEET_END, SHEET_START, hand_made, text_cell, written
from places import ROOT

from matching.errors import CallError, FileRefused
from matching.intake.files import Row, content_of, first_rows, read_rows, read_sheets, read_table, rows_of
from matching.settings import Settings

FILES = ROOT / "tests" / "files"
EVERY_TEXT = "需求名称,备注\n寒地大豆,“好”\n"


def keys(refused: pytest.ExceptionInfo[FileRefused]) -> list[str]:
    return [problem.key for problem in refused.value.problems]


def assert_still_reads() -> None:
    """After a file was refused the next one is read, by the same server."""
    assert read_rows("next.xlsx", written([["需求名称"], ["下一份"]]), Settings())[1].cells == ("下一份",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_csv_is_read_in_every_encoding_and_delimiter(encoding: str, delimiter: str, line_end: str) -> None:
    content = EVERY_TEXT.replace(",", delimiter).replace("\n", line_end).encode(encoding)
    assert read_rows("list.csv", content, Settings()) == [Row(1, ("需求名称", "备注")), Row(2, ("寒地大豆", "“好”"))]


def test_gb18030_is_read_beyond_the_two_byte_characters() -> None:
    text = "名称\n㐀𠮷・€\n"
    assert read_rows("list.csv", text.encode("gb18030"), Settings())[1].cells == ("㐀𠮷・€",)


def test_a_capital_suffix_is_the_same_file_type() -> None:
    assert read_rows("LIST.CSV", EVERY_TEXT.encode(), Settings())[0].number == 1


def test_multi_line_cell_is_one_row_of_the_spreadsheet() -> None:
    content = '名称,问题\n甲,"第一行\n第二行\n\n第四行"\n乙,"他说""好"""\n'.encode()
    assert read_rows("list.csv", content, Settings()) == [
        Row(1, ("名称", "问题")),
        Row(2, ("甲", "第一行\n第二行\n\n第四行")),
        Row(3, ("乙", '他说"好"')),
    ]


def test_blank_csv_rows_are_left_out_but_counted() -> None:
    content = "\n名称,问题\n\n,\n  , \t \n甲,乙\n,,,\n".encode()
    assert read_rows("list.csv", content, Settings()) == [Row(2, ("名称", "问题")), Row(6, ("甲", "乙"))]


def test_delimiter_inside_quotes_does_not_split() -> None:
    content = '名称,问题\n甲,"一,二;三\t四"\n'.encode()
    assert read_rows("list.csv", content, Settings())[1].cells == ("甲", "一,二;三\t四")


def test_csv_ids_stay_text() -> None:
    assert read_rows("list.csv", "编号,名称\n000123,1e5\n".encode(), Settings())[1].cells == ("000123", "1e5")


def test_a_cell_longer_than_the_csv_modules_own_bound_is_read() -> None:
    long = "长" * 200_000
    assert read_rows("list.csv", f"名称\n{long}\n".encode(), Settings())[1].cells == (long,)


def test_workbook_cells_become_the_text_that_a_person_sees() -> None:
    rows: list[list[object]] = [
        ["text id", "whole", "part", "day", "moment", "yes", "no"],
        ["000123", 120, 35.5, date(2027, 6, 30), datetime(2027, 6, 30, 8, 15), True, False],
        ["123456789012345678", -3, 1e15, date(1999, 12, 31), datetime(2027, 6, 30), None, None],
    ]
    found = read_rows("list.xlsx", written(rows), Settings())
    assert found[1].cells == ("000123", "120", "35.5", "2027-06-30", "2027-06-30 08:15:00", "是", "否")
    assert found[2].cells[:5] == ("123456789012345678", "-3", "1000000000000000.0", "1999-12-31", "2027-06-30")


def test_workbook_rows_keep_their_numbers_below_blank_rows_and_a_title() -> None:
    rows: list[list[object]] = [
        [],
        [],
        ["技术需求征集表"],
        [],
        [None, "需求名称", "预算"],
        [None, "甲", 5],
        [None, None, "  "],
        [None, "乙", 6],
    ]
    found = read_rows("list.xlsx", written(rows), Settings())
    assert [row.number for row in found] == [3, 5, 6, 8]
    assert found[1].cells == ("", "需求名称", "预算")
    assert found[3].cells == ("", "乙", "6")


def test_all_sheets_with_something_in_them_are_read_hidden_ones_too() -> None:
    content = written([["第一"]], [], [["第三"], [None, "c"]], names=("一", "二", "三"), hidden=(2,))
    sheets = read_sheets("list.xlsx", content, Settings())
    assert [(sheet.name, sheet.hidden) for sheet in sheets] == [("一", False), ("三", True)]
    assert [row.cells for row in rows_of(sheets[1])] == [("第三", ""), ("", "c")]


def test_the_first_sheet_with_something_in_it_gives_the_rows() -> None:
    content = written([], [["第二"]], [["第三"]])
    assert [row.cells for row in read_rows("list.xlsx", content, Settings())] == [("第二",)]


def test_rows_of_all_sheets_count_for_the_limit() -> None:
    content = written([["a"], ["b"]], [["c"], ["d"]])
    assert len(read_sheets("list.xlsx", content, Settings(table_rows=4))) == 2
    with pytest.raises(FileRefused) as refused:
        read_sheets("list.xlsx", content, Settings(table_rows=3))
    assert keys(refused) == ["file.too_many_rows"]


def test_the_first_rows_of_a_sheet_are_given_with_blank_columns_between() -> None:
    [sheet] = read_sheets("list.csv", b"a,,c\n\nd,,f\ng,,i\n", Settings())
    assert first_rows(sheet, 2) == [Row(1, ("a", "", "c")), Row(3, ("d", "", "f"))]
    assert len(rows_of(sheet)) == 3


@pytest.mark.parametrize("name", ["ods_plain.ods", "xls_plain.xls", "tsv_utf_8.tsv"])
def test_other_kinds_of_files_are_read(name: str) -> None:
    rows = read_rows(name, (FILES / name).read_bytes(), Settings())
    assert [row.number for row in rows] == [1, 2, 3, 4, 5]
    assert "成果名称" in rows[0].cells


def test_hand_made_workbook_is_readable() -> None:
    """The hostile workbooks below differ from this one only in what makes them hostile."""
    sheet = [SHEET_START, '<row r="1">', text_cell("A1", "甲"), '<c r="C1" t="s"><v>0</v></c></row>', SHEET_END]
    assert read_rows("list.xlsx", hand_made(sheet, "<si><t>乙</t></si>"), Settings()) == [Row(1, ("甲", "", "乙"))]


def test_workbook_that_spans_the_whole_sheet_is_refused() -> None:
    content = hand_made(
        [
            SHEET_START,
            f'<row r="1">{text_cell("A1", "需求名称")}</row>',
            f'<row r="1048576">{text_cell("XFD1048576", "远")}</row>',
            SHEET_END,
        ]
    )
    assert len(content) < 10_000
    with pytest.raises(FileRefused) as refused:
        read_rows("far.xlsx", content, Settings())
    assert keys(refused) == ["file.range_too_large"]
    assert refused.value.problems[0].file == "far.xlsx"
    assert_still_reads()


def test_workbook_that_unpacks_to_one_huge_cell_is_refused() -> None:
    million = "x" * 1_000_000

    def sheet() -> Iterable[str]:
        yield f'{SHEET_START}<row r="1"><c r="A1" t="inlineStr"><is><t>'
        for _ in range(150):
            yield million
        yield f"</t></is></c></row>{SHEET_END}"

    content = hand_made(sheet())
    assert len(content) < 10_000_000
    with pytest.raises(FileRefused) as refused:
        read_rows("bomb.xlsx", content, Settings(unpacked_megabytes=100))
    assert keys(refused) == ["file.unpacks_too_large"]
    with pytest.raises(FileRefused) as refused:
        read_rows("bomb.xlsx", content, Settings(workbook_memory_megabytes=256))
    assert keys(refused) == ["file.too_heavy"]
    assert_still_reads()


def test_workbook_that_unfolds_one_text_into_hundreds_of_megabytes_is_refused() -> None:
    """Thousands of cells point at one long shared text: small on disk, 450 MB of UTF-8 as rows."""
    rows = "".join(f'<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>' for row in range(1, 8001))
    content = hand_made([SHEET_START, rows, SHEET_END], f"<si><t>{'中' * 19_000}</t></si>")
    assert len(content) < 200_000
    with pytest.raises(FileRefused) as refused:
        read_rows("unfolds.xlsx", content, Settings())
    assert keys(refused) in (["file.too_much_text"], ["file.too_heavy"])
    assert_still_reads()


def test_workbook_that_takes_too_much_time_is_refused() -> None:
    rows = "".join(f'<row r="{row}"><c r="A{row}"><v>1</v></c></row>' for row in range(1, 500_001))
    content = hand_made([SHEET_START, rows, SHEET_END])
    with pytest.raises(FileRefused) as refused:
        read_rows("slow.xlsx", content, Settings(workbook_seconds=1))
    assert keys(refused) == ["file.too_heavy"]
    assert refused.value.problems[0].values == {"seconds": 1}
    assert_still_reads()


def test_damaged_workbook_is_refused() -> None:
    whole = written([["需求名称"], ["甲"]])
    for damaged in (whole[: len(whole) // 2], b"PK\x03\x04 nothing of a workbook"):
        with pytest.raises(FileRefused) as refused:
            read_rows("list.xlsx", damaged, Settings())
        assert keys(refused) == ["file.damaged"]
    assert_still_reads()


def test_reading_changes_neither_the_limits_nor_the_process_of_the_server() -> None:
    resource = pytest.importorskip("resource")
    before = [resource.getrlimit(which) for which in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_CORE)]
    process = os.getpid()
    assert_still_reads()
    after = [resource.getrlimit(which) for which in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_CORE)]
    assert (before, process) == (after, os.getpid())


def test_the_reading_process_gets_nothing_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module in the current folder or on PYTHONPATH is not what is run."""
    (tmp_path / "json.py").write_text("raise SystemExit(3)", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert_still_reads()


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("list.txt", b"text", "file.unknown_type"),
        ("list", b"text", "file.unknown_type"),
        ("list.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "file.damaged"),
        ("list.xls", b"", "file.empty"),
        ("list.xls", EVERY_TEXT.encode(), "file.mislabelled"),
        ("list.ods", written([["需求名称"]]), "file.mislabelled"),
        ("list.xlsm", written([["需求名称"]]), "file.macros"),
        ("list.xlsm", EVERY_TEXT.encode(), "file.mislabelled"),
        ("list.ods", b"PK\x03\x04 nothing of a workbook", "file.damaged"),
        ("list.csv", b"PK\x03\x04 nothing of a workbook", "file.mislabelled"),
        ("list.tsv", b"\xff\xfe" + "名称\t备注\n".encode("utf-16-be") + b"\x00", "file.unknown_encoding"),
        ("list.csv", b"", "file.empty"),
        ("list.csv", b" \r\n\t\x00", "file.empty"),
        ("list.csv", b"\xef\xbb\xbf", "file.empty"),
        ("list.csv", b"\xef\xbb\xbf,,\r\n,,\r\n", "file.empty"),
        ("list.xlsx", b"", "file.empty"),
        ("list.xlsx", written([]), "file.empty"),
        ("list.csv", written([["需求名称"]]), "file.mislabelled"),
        ("list.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "file.mislabelled"),
        ("list.xlsx", EVERY_TEXT.encode(), "file.mislabelled"),
        ("list.xlsx", b"<html><table></table></html>", "file.web_page"),
        ("list.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "file.mislabelled"),
        ("list.csv", '名称\n"没有收尾\n'.encode(), "file.broken_csv"),
        ("list.csv", '名称\n"甲"乙\n'.encode(), "file.broken_csv"),
        ("list.csv", b"\xff\xfe" + EVERY_TEXT.encode("utf-16-le")[:-1], "file.unknown_encoding"),
        ("list.csv", b"a,b\x00\n1,2\n", "file.unknown_encoding"),
        ("list.csv", b"\xff\xfe\xfd", "file.unknown_encoding"),
        ("list.csv", "甲,乙\n".encode() + b"\xff\xff", "file.unknown_encoding"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(name: str, content: bytes, key: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read_rows(name, content, Settings())
    assert keys(refused) == [key]
    assert refused.value.problems[0].file == name


def test_a_file_over_the_size_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(FileRefused) as refused:
        read_rows("list.csv", b"a" * (1024 * 1024 + 1), Settings(upload_megabytes=1))
    assert keys(refused) == ["file.too_large"]
    assert refused.value.problems[0].values == {"megabytes": 1}


def test_more_rows_than_the_limit_are_refused_and_as_many_are_read() -> None:
    settings = Settings(table_rows=3)
    assert len(read_rows("list.csv", b"a\nb\nc\n", settings)) == 3
    with pytest.raises(FileRefused) as refused:
        read_rows("list.csv", b"a\nb\nc\nd\n", settings)
    assert keys(refused) == ["file.too_many_rows"]
    assert refused.value.problems[0].values == {"rows": 3}


def table_of(folder: Path, text: str) -> list[dict[str, str]]:
    path = folder / "表格.csv"
    path.write_text(text, encoding="utf-8")
    return read_table(path, Settings()).to_dicts()


def test_a_table_has_its_headings_and_all_cells_as_texts(tmp_path: Path) -> None:
    assert table_of(tmp_path, " 名称 ,编号\n寒地大豆,007\n\n, 1.0\n") == [
        {"名称": "寒地大豆", "编号": "007"},
        {"名称": "", "编号": "1.0"},
    ]


def test_missing_cells_of_a_table_are_empty_and_blank_ones_beyond_it_are_none(tmp_path: Path) -> None:
    assert table_of(tmp_path, "名称,编号,备注,,\n甲\n乙,1,好,,, \n") == [
        {"名称": "甲", "编号": "", "备注": ""},
        {"名称": "乙", "编号": "1", "备注": "好"},
    ]


def test_a_table_may_have_headings_alone(tmp_path: Path) -> None:
    path = tmp_path / "表格.csv"
    path.write_text("名称,编号\n", encoding="utf-8")
    found = read_table(path, Settings())
    assert (found.columns, found.height) == (["名称", "编号"], 0)


def test_a_workbook_is_a_table_too(tmp_path: Path) -> None:
    path = tmp_path / "表格.xlsx"
    path.write_bytes(written([["名称", "数量"], ["甲", 3], [None, 1.5]]))
    assert read_table(path, Settings()).rows() == [("甲", "3"), ("", "1.5")]


@pytest.mark.parametrize(
    ("text", "key", "row", "values"),
    [
        ("名称,名称\n甲,乙\n", "file.headings", 1, {"headings": ["名称", "名称"]}),
        ("名称, 名称 \n甲,乙\n", "file.headings", 1, {"headings": ["名称", "名称"]}),
        ("名称,,备注\n甲,乙,丙\n", "file.headings", 1, {"headings": ["名称", "", "备注"]}),
        ("\n, ,备注\n甲,乙,丙\n", "file.headings", 2, {"headings": ["", "", "备注"]}),
        ("名称,备注\n甲,乙\n\n丙,丁,戊\n", "file.too_many_cells", 4, {"count": 2}),
        ("名称,备注,\n甲,乙,丙\n", "file.too_many_cells", 2, {"count": 2}),
    ],
    ids=["doubled", "doubled but for blanks", "empty", "empty first", "too many cells", "a cell below no heading"],
)
def test_what_is_no_table_is_refused_with_its_row(
    text: str, key: str, row: int, values: dict[str, object], tmp_path: Path
) -> None:
    with pytest.raises(FileRefused) as refused:
        table_of(tmp_path, text)
    (problem,) = refused.value.problems
    assert (problem.key, problem.file, problem.row, problem.values) == (key, "表格.csv", row, values)


def test_a_file_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(CallError) as refused:
            content_of(path)
        assert refused.value.exit_code == 2
        assert str(path) in refused.value.text("en")
    with pytest.raises(CallError):
        read_table(tmp_path / "none.csv", Settings())


def test_the_content_of_a_file_is_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "any.bin"
    path.write_bytes(b"\x00\xff")
    assert content_of(path) == b"\x00\xff"
