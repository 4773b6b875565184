"""Any table of records comes back the same from a text in every encoding and from a workbook."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from io import StringIO

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from intake_books import sheets_read, written
from polars.testing import assert_frame_equal

from matching.intake.columns import Column, known_columns
from matching.intake.reader.signatures import kind_of
from matching.intake.reading import read_bytes, read_tables
from matching.schema import ID, KINDS, RECORD, Kind
from matching.settings import Settings

Cells = list[list[object]]
Table = tuple[Kind, pl.DataFrame, Cells]

# Byte-order mark and codec of each encoding; "utf-16" of Python would take the machine's order.
ENCODINGS = {
    "utf-8": (b"", "utf-8"),
    "utf-8-sig": (b"\xef\xbb\xbf", "utf-8"),
    "gb18030": (b"", "gb18030"),
    "utf-16-le": (b"\xff\xfe", "utf-16-le"),
    "utf-16-be": (b"\xfe\xff", "utf-16-be"),
}
SEPARATORS = ",\t;"
EXTRAS = ("自编备忘", "自编备忘", "内部去向")
LINE = st.text("寒地大豆㐀𠮷，。：；“”（）·×≤℃　 ＡＢ１２abXY09,;\t'\"=+-@/\\|", max_size=16).map(str.strip)
PARAGRAPHS = st.lists(LINE, max_size=3).map("\n".join).map(str.strip) | LINE.map(
    lambda text: text.replace("，", "\r\n").strip()
)
# So many rows that the separator is beyond doubt; see test_reader_texts for short tables.
ROWS = 20


def value(column: Column) -> st.SearchStrategy[object]:
    match column.type:
        case "line":
            if column.name == "phone":
                return st.from_regex(r"[0-9]{3,4}-[0-9]{4,8}", fullmatch=True) | st.just("")
            return LINE.filter(bool) if column.required else LINE
        case "text":
            return PARAGRAPHS
        case "list":
            return st.lists(st.text("寒地豆ab1", min_size=1, max_size=4), unique=True, max_size=5)
        case "money":
            return st.none() | st.integers(0, 10**11)
        case "date":
            return st.none() | st.dates(date(1950, 1, 1), date(2099, 12, 31))
        case "flag":
            return st.booleans()
        case "choice":
            return st.sampled_from(sorted(column.values or {}))


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Records as the reader should give them, and the cells of a file that says so, typed."""
    kind = draw(st.sampled_from(KINDS))
    columns = known_columns(kind)
    one = st.fixed_dictionaries(
        {
            **{column.name: value(column) for column in columns},
            "extras": st.tuples(LINE, PARAGRAPHS, LINE),
        }
    )
    drawn = draw(st.lists(one, min_size=2, max_size=5))
    records = [{**drawn[number % len(drawn)], ID[kind]: f"{number:06}"} for number in range(1, ROWS + 1)]
    cells: Cells = [[*(heading(column) for column in columns), *EXTRAS]]
    for record in records:
        cells.append([*(cell(column, record[column.name]) for column in columns), *record["extras"]])
        listed = zip(EXTRAS, record["extras"], strict=True)
        record["extras"] = [{"heading": name, "text": text} for name, text in listed if text]
    return kind, pl.DataFrame(records, schema=RECORD[kind], orient="row"), cells


def heading(column: Column) -> str:
    return column.names[0] + ("(万元)" if column.type == "money" else "")


def cell(column: Column, said: object) -> object:
    """A value as an office types it."""
    if isinstance(said, list):
        return "；".join(said)
    if column.type == "choice":
        return (column.values or {})[str(said)][0]
    if column.type == "money" and isinstance(said, int):
        return said / 10_000
    return said


def as_text(cells: Cells, encoding: str, between: str) -> bytes:
    mark, codec = ENCODINGS[encoding]
    target = StringIO(newline="")
    csv.writer(target, delimiter=between).writerows([typed(each) for each in row] for row in cells)
    return mark + target.getvalue().encode(codec)


def typed(said: object) -> str:
    match said:
        case None:
            return ""
        case bool():
            return "是" if said else "否"
        case float():
            return f"{Decimal(repr(said)):f}"
        case _:
            return str(said)


def as_workbook(cells: Cells) -> bytes:
    return written(cells)


def as_workbook_of_texts(cells: Cells) -> bytes:
    return written([[typed(each) for each in row] for row in cells])


def assert_reads_back(table: Table, content: bytes, name: str) -> None:
    """Through what the reading process does, and what is done with its answer."""
    kind, expected, _ = table
    found = kind_of(content)
    assert found in ("text", "xlsx")
    reading = read_tables(name, content, sheets_read(content, found), kind, Settings())
    assert_frame_equal(reading.frame.select(RECORD[kind].keys()), expected)
    assert (reading.rows, reading.left_out, reading.wrong) == (ROWS, (), ())


# Tables are large: making a failing one smaller would take minutes.
FEW = hypothesis_settings(
    max_examples=8,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
FEWEST = hypothesis_settings(FEW, max_examples=2)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("between", SEPARATORS, ids=["comma", "tab", "semicolon"])
@FEW
@given(table=tables())
def test_records_come_back_from_a_text(encoding: str, between: str, table: Table) -> None:
    assert_reads_back(table, as_text(table[2], encoding, between), "list.csv")


@pytest.mark.parametrize("form", [as_workbook, as_workbook_of_texts])
@FEW
@given(table=tables())
def test_records_come_back_from_a_workbook(form: Callable[[Cells], bytes], table: Table) -> None:
    assert_reads_back(table, form(table[2]), "list.xlsx")


@pytest.mark.parametrize("encoding", ENCODINGS)
@FEWEST
@given(table=tables(), between=st.sampled_from(SEPARATORS))
def test_records_come_back_from_a_text_in_a_process_of_its_own(encoding: str, between: str, table: Table) -> None:
    kind, expected, cells = table
    reading = read_bytes("list.csv", as_text(cells, encoding, between), kind)
    assert_frame_equal(reading.frame.select(RECORD[kind].keys()), expected)


@pytest.mark.parametrize("form", [as_workbook, as_workbook_of_texts])
@FEWEST
@given(table=tables())
def test_records_come_back_from_a_workbook_in_a_process_of_its_own(
    form: Callable[[Cells], bytes], table: Table
) -> None:
    kind, expected, cells = table
    reading = read_bytes("list.xlsx", form(cells), kind)
    assert_frame_equal(reading.frame.select(RECORD[kind].keys()), expected)


@FEWEST
@given(table=tables())
def test_every_form_of_a_list_gives_the_same_hashes(table: Table) -> None:
    kind, _, cells = table
    contents = (as_text(cells, "gb18030", ";"), as_text(cells, "utf-16-be", "\t"), as_workbook(cells))
    names = ("list.csv", "list.tsv", "list.xlsx")
    hashes = [
        read_bytes(name, content, kind).frame["content_hash"].to_list()
        for name, content in zip(names, contents, strict=True)
    ]
    assert hashes[0] == hashes[1] == hashes[2]
