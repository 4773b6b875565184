"""Files handed out: whole or not at all, with nothing in them that runs or links."""

from __future__ import annotations

import csv
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from io import BytesIO, StringIO
from pathlib import Path
from zipfile import ZipFile

import polars as pl
import pytest
from python_calamine import CalamineWorkbook

from matching.errors import CallError
from matching.ranking.told import GROUPS
from matching.reporting.tables import candidate_table, csv_bytes, workbook_bytes, write_bytes, write_table
from matching.schema import CANDIDATES
from matching.wording import LANGUAGES, say

DANGEROUS = {
    "equals": "=1+1",
    "plus": "+86 10 12345678",
    "minus": "-1",
    "at": "@SUM(A1)",
    "tab": "\t=1+1",
    "carriage return": "\r=1+1",
    "NUL": "\0=1+1",
    "full-width equals": "＝1+1",
    "full-width plus": "＋1",
    "full-width minus": "－1",
    "full-width at": "＠SUM(A1)",
}
HARMLESS = ("碳纤维", "", "1-2", "a=b", "甲@乙", "'=1", '说"好"，再谈', "两\n行", "000123", "1E5")
LINKS = (
    "http://example.com/",
    "https://example.com/",
    "ftp://example.com/",
    "mailto:a@example.com",
    "internal:Sheet1!A1",
    "external:c:\\a.xlsx",
    "file:///etc/hosts",
)
FORMULAS = ("=1+1", "{=1+1}", '=HYPERLINK("http://example.com/","x")', "+1", "-1", "@SUM(A1)")


# What a reader is given: what further judgements are learned with is for the program alone.
TABLE = [name for name in CANDIDATES if name not in ("unlimited", "covariances")]
GROUP_NAMES = tuple(dict.fromkeys(GROUPS.values()))


def rows_of(content: bytes) -> list[list[str]]:
    """The rows of a CSV as another program reads them."""
    return list(csv.reader(StringIO(content.decode("utf-8-sig"), newline="")))


def sheet_of(content: bytes, name: str = "表") -> list[list[object]]:
    """The rows of a sheet as another program reads them."""
    return CalamineWorkbook.from_filelike(BytesIO(content)).get_sheet_by_name(name).to_python()


def candidates(**values: object) -> pl.DataFrame:
    """One candidate."""
    row: dict[str, object] = {
        **dict.fromkeys(CANDIDATES, ""),
        **{name: 0.25 for name, dtype in CANDIDATES.items() if dtype == pl.Float64()},
        **{name: [] for name, dtype in CANDIDATES.items() if isinstance(dtype, pl.List)},
        "rank": 1,
        "level": 2,
        **values,
    }
    return pl.DataFrame([row], schema=CANDIDATES)


def test_a_csv_has_a_mark_and_the_columns_names() -> None:
    table = pl.DataFrame({"title": ["碳纤维"], "score": [0.5], "day": [date(2026, 2, 28)], "none": [None]})
    content = csv_bytes(table)
    assert content.startswith(b"\xef\xbb\xbftitle,")
    assert content.count(b"\xef\xbb\xbf") == 1
    assert rows_of(content) == [["title", "score", "day", "none"], ["碳纤维", "0.5", "2026-02-28", ""]]


@pytest.mark.parametrize("text", DANGEROUS.values(), ids=DANGEROUS.keys())
def test_a_cell_that_looks_like_a_formula_is_quoted(text: str) -> None:
    assert rows_of(csv_bytes(pl.DataFrame({"title": ["一", text]}))) == [["title"], ["一"], [f"'{text}"]]


@pytest.mark.parametrize("text", HARMLESS)
def test_other_cells_are_as_they_were(text: str) -> None:
    assert rows_of(csv_bytes(pl.DataFrame({"title": ["一"], "note": [text]})))[1] == ["一", text]


def test_numbers_below_zero_are_no_formulas() -> None:
    table = pl.DataFrame({"yuan": [-5, None], "score": [-0.5, 0.5]})
    assert rows_of(csv_bytes(table)) == [["yuan", "score"], ["-5", "-0.5"], ["", "0.5"]]


def test_a_csv_without_rows_has_its_heading() -> None:
    assert rows_of(csv_bytes(pl.DataFrame(schema={"title": pl.String, "score": pl.Float64}))) == [["title", "score"]]


def test_a_workbook_holds_texts_as_they_are() -> None:
    texts = [*FORMULAS, *LINKS, *(text for text in HARMLESS if text)]
    content = workbook_bytes({"表": pl.DataFrame({"title": texts})}, "en")
    assert sheet_of(content) == [["Title"], *([text] for text in texts)]


@pytest.mark.parametrize("text", [*FORMULAS, *LINKS])
def test_a_workbook_has_no_formulas_and_no_links(text: str) -> None:
    content = workbook_bytes({"表": pl.DataFrame({"title": [text], "note": ["碳纤维"]})}, "zh_CN")
    with ZipFile(BytesIO(content)) as archive:
        names = archive.namelist()
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        relations = [archive.read(name).decode() for name in names if name.endswith(".rels")]
    assert "<f>" not in sheet
    assert "<f " not in sheet
    assert "hyperlink" not in sheet
    assert not [each for each in relations if "hyperlink" in each or "External" in each]
    assert not [name for name in names if "externalLink" in name or name.endswith(".bin")]


def test_numbers_and_days_are_numbers_and_days() -> None:
    table = pl.DataFrame({"score": [0.5], "price_yuan": [10**12], "deadline": [date(2026, 2, 28)]})
    assert sheet_of(workbook_bytes({"表": table}, "en"))[1] == [0.5, 10**12, date(2026, 2, 28)]


@pytest.mark.parametrize("length", [32_766, 32_767, 32_768, 100_000])
def test_a_cell_is_cut_to_what_a_workbook_holds(length: int) -> None:
    table = pl.DataFrame({"title": ["字" * length], "note": ["后"]})
    assert sheet_of(workbook_bytes({"表": table}, "zh_CN"))[1] == ["字" * min(length, 32_767), "后"]
    assert rows_of(csv_bytes(table))[1] == ["字" * length, "后"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_headings_are_in_the_readers_language(language: str) -> None:
    table = candidate_table(candidates(demand_id="D1"), language)
    content = workbook_bytes({"一": table, "二": table.clear()}, language)
    heading = [say(f"column.{name}", language) for name in TABLE]
    assert len(set(heading)) == len(TABLE)
    assert not [text for text in heading if text.startswith("column.")]
    assert sheet_of(content, "一")[0] == sheet_of(content, "二")[0] == heading
    assert len(sheet_of(content, "一")) == 2


def test_the_languages_differ() -> None:
    table = pl.DataFrame({"title": ["一"], "institute": ["甲所"]})
    chinese, english = (sheet_of(workbook_bytes({"表": table}, language))[0] for language in LANGUAGES)
    assert english == ["Title", "Institute"]
    assert all(text and text.isascii() is False for text in map(str, chinese))


def test_sheets_stand_in_their_order() -> None:
    table = pl.DataFrame({"title": ["一"]})
    content = workbook_bytes({"丙": table, "甲": table, "乙": table}, "zh_CN")
    assert CalamineWorkbook.from_filelike(BytesIO(content)).sheet_names == ["丙", "甲", "乙"]


def test_the_texts_of_candidates() -> None:
    terms = [{"term": "碳纤维", "contribution": 0.04123}, {"term": "=防冰", "contribution": 0.5}]
    found = candidates(shared_terms=terms, shared_fields=["province_4567:N3", "province_4567:N1"])
    chinese, english = (candidate_table(found, language) for language in LANGUAGES)
    assert chinese["shared_terms"].to_list() == english["shared_terms"].to_list() == ["碳纤维 0.0412；=防冰 0.5"]
    assert chinese["shared_fields"].to_list() == ["冰雪；数字"]
    assert english["shared_fields"].to_list() == ["Ice and snow economy；Digital economy"]
    others = [name for name in TABLE if not isinstance(CANDIDATES[name], pl.List)]
    assert chinese.columns == english.columns == TABLE
    assert not [dtype for dtype in chinese.dtypes if dtype.is_nested()]
    assert chinese.select(others).equals(found.select(others))


@pytest.mark.parametrize("language", LANGUAGES)
def test_candidates_that_share_nothing(language: str) -> None:
    table = candidate_table(candidates(), language)
    lists = ["feature_parts", "learned", "shared_terms", "shared_fields"]
    assert table.select(lists).rows() == [("",) * 4]
    empty = candidate_table(pl.DataFrame(schema=CANDIDATES), language)
    assert empty.is_empty()
    assert empty.schema == table.schema


def test_what_made_a_score_is_told_in_words() -> None:
    features = [{"feature": name, "part": 0.5 / place} for place, name in enumerate(GROUP_NAMES, start=-2) if place]
    learned = [
        {"demand_id": "D1", "achievement_id": "A7", "level": 1, "part": -0.12346},
        {"demand_id": "D2", "achievement_id": "A8", "level": 4, "part": 0.1},
    ]
    found = candidates(feature_parts=features, learned=learned)
    for language in LANGUAGES:
        table = candidate_table(found, language)
        assert table["learned"].to_list() == ["A7 -0.1235；A8 0.1"]
        words = [say(f"feature.{each['feature']}", language) for each in features]
        amounts = [str(round(each["part"], 4)) for each in features]
        assert table["feature_parts"].to_list() == ["；".join(map(" ".join, zip(words, amounts, strict=True)))]


def test_candidates_that_know_no_levels_have_empty_cells() -> None:
    """As runs of earlier versions have them."""
    known = ("score", "rank")
    unknown = [name for name, dtype in CANDIDATES.items() if dtype in (pl.Float64(), pl.Int64()) and name not in known]
    lists = ["feature_parts", "learned", "unlimited", "covariances"]
    table = candidate_table(candidates(**dict.fromkeys([*unknown, *lists])), "zh_CN")
    assert table.select(*unknown, "feature_parts", "learned").rows() == [(None,) * (len(unknown) + 2)]


@pytest.mark.parametrize("ending", [".csv", ".CSV", ".xlsx", ".XLSX"])
def test_a_table_is_written_by_its_ending(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"候选 一{ending}"
    write_table(pl.DataFrame({"title": ["碳纤维"]}), path, "zh_CN")
    content = path.read_bytes()
    rows = rows_of(content) if "csv" in ending.lower() else sheet_of(content, say("sheet.candidates", "zh_CN"))
    assert rows[1] == ["碳纤维"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a.xls", "a.txt", "a", "a.csv.zip"])
def test_another_ending_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(CallError) as caught:
        write_table(pl.DataFrame({"title": ["碳纤维"]}), tmp_path / name, "zh_CN")
    for language in LANGUAGES:
        assert name in caught.value.text(language)
        assert ".xlsx" in caught.value.text(language)
    assert list(tmp_path.iterdir()) == []


def test_bytes_are_written_whole_and_leave_no_part(tmp_path: Path) -> None:
    path = tmp_path / "报表.xlsx"
    for content in (b"old", b"new and longer", b""):
        write_bytes(path, content)
        assert path.read_bytes() == content
        assert list(tmp_path.iterdir()) == [path]


@contextmanager
def little_room(limit: int) -> Iterator[None]:
    """No file can grow past a size, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_old_file_stays_when_there_is_no_room_for_the_new(tmp_path: Path) -> None:
    path = tmp_path / "报表.csv"
    path.write_bytes(b"old")
    with little_room(1_000_000), pytest.raises(CallError) as caught:
        write_bytes(path, b"x" * 2_000_000)
    assert str(path) in caught.value.text("zh_CN")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def in_the_place_of_a_folder(folder: Path) -> Path:
    (folder / "报表.csv").mkdir()
    return folder / "报表.csv"


def in_a_folder_that_is_not_there(folder: Path) -> Path:
    return folder / "none" / "报表.csv"


def in_a_file_taken_for_a_folder(folder: Path) -> Path:
    (folder / "file").write_bytes(b"old")
    return folder / "file" / "报表.csv"


def with_too_long_a_name(folder: Path) -> Path:
    return folder / f"{'长' * 90}.csv"


@pytest.mark.parametrize(
    "place",
    [
        in_the_place_of_a_folder,
        in_a_folder_that_is_not_there,
        in_a_file_taken_for_a_folder,
        with_too_long_a_name,
    ],
)
def test_a_path_that_cannot_be_written(place: Callable[[Path], Path], tmp_path: Path) -> None:
    path = place(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CallError) as caught:
        write_bytes(path, b"new")
    for language in LANGUAGES:
        assert str(path) in caught.value.text(language)
    assert caught.value.exit_code == 2
    assert sorted(tmp_path.rglob("*")) == before
