"""Templates: every column is known, choices drop down, and what is filled in comes back."""

from __future__ import annotations

import re
import zipfile
from datetime import date
from io import BytesIO
from xml.etree import ElementTree

import pytest
from intake_books import MAIN, part, text_cell

from matching.errors import FileRefused
from matching.intake.columns import Plan, best_heading, known_columns
from matching.intake.files import read_sheets, rows_of
from matching.intake.reading import read_bytes
from matching.intake.templates import heading_of, template
from matching.schema import KINDS, Kind
from matching.settings import Language, Settings
from matching.wording import LANGUAGES, say

SHEET = "xl/worksheets/sheet1.xml"
each_kind = pytest.mark.parametrize("kind", KINDS)
each_language = pytest.mark.parametrize("language", LANGUAGES)
WRITTEN: dict[Kind, dict[str, str]] = {
    "demands": {
        "demand_id": "X1", "title": "=低温\"启动\"，密封", "enterprise": "某公司", "city": "大庆市",
        "field": "农机；材料",
        "problem": "第一行\n第二行", "targets": "≤3 min", "expected": "样机1台", "tried": "'换油",
        "keywords": "液压；低温启动",
        "solution": "联合攻关", "deadline": "2027-06-30", "contact": "张三", "phone": "0454-8000000",
        "visibility": "匿名", "status": "对接中",
    },
    "achievements": {
        "achievement_id": "C1", "title": "+低温密封", "institute": "某大学", "completers": "张三、李四",
        "field": "材料",
        "keywords": "密封;低温", "summary": "一\n二", "application": "收获机", "figures": "≥95%", "category": "新装备",
        "maturity": "中试", "ip_kind": "专利", "ip_numbers": "ZL1；ZL2", "funding": "自筹",
        "completed_on": "2025-11-20",
        "conversion_deadline": "2028-11", "exempt": "是", "transfer_ways": "许可", "contact": "王五",
        "phone": "0451-8000000",
        "status": "洽谈中",
    },
}  # fmt: skip
READ: dict[Kind, dict[str, object]] = {
    "demands": {
        "keywords": ["液压", "低温启动"], "deadline": date(2027, 6, 30), "visibility": "anonymous", "status": "matched",
    },
    "achievements": {
        "keywords": ["密封", "低温"], "completed_on": date(2025, 11, 20), "conversion_deadline": date(2028, 11, 30),
        "exempt": True, "status": "negotiating",
    },
}  # fmt: skip
MONEY: dict[Kind, str] = {"demands": "investment_yuan", "achievements": "price_yuan"}


def letter(place: int) -> str:
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[place]


def filled(content: bytes, cells: list[str]) -> bytes:
    """The template with a row written below its example."""
    row = "".join(
        text_cell(f"{letter(place)}3", text.replace('"', "&quot;")) for place, text in enumerate(cells) if text
    )
    target = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as source, zipfile.ZipFile(target, "w") as archive:
        for entry in source.namelist():
            text = source.read(entry)
            if entry == SHEET:
                text = text.replace(b"</sheetData>", f'<row r="3">{row}</row></sheetData>'.encode())
            archive.writestr(entry, text)
    return target.getvalue()


@each_kind
@each_language
def test_the_reader_knows_every_column_of_a_template(kind: Kind, language: str) -> None:
    sheets = read_sheets("template.xlsx", template(kind, language), Settings())
    assert [sheet.name for sheet in sheets] == [say(f"kind.{kind}", language), say("template.explanations", language)]
    found = best_heading(rows_of(sheets[0]), kind, Plan())
    assert found is not None
    assert (found.row, found.extras) == (1, ())
    assert [each.column for each in found.found] == list(known_columns(kind))
    assert {each.resemblance for each in found.found} == {1.0}


@each_kind
@each_language
def test_a_template_that_nobody_filled_in_has_no_rows(kind: Kind, language: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read_bytes("template.xlsx", template(kind, language), kind)
    assert [problem.key for problem in refused.value.problems] == ["file.no_rows"]


@each_kind
@each_language
@pytest.mark.parametrize("reader", LANGUAGES)
def test_what_is_filled_in_comes_back_without_the_example(kind: Kind, language: str, reader: Language) -> None:
    cells = [WRITTEN[kind].get(column.name, "") for column in known_columns(kind)]
    content = filled(template(kind, language), cells)
    reading = read_bytes("template.xlsx", content, kind, Settings(language=reader))
    [record] = reading.frame.to_dicts()
    assert [(problem.key, problem.row) for problem in reading.left_out] == [("row.example", 2)]
    assert {name: record[name] for name in WRITTEN[kind]} == {**WRITTEN[kind], **READ[kind]}
    assert (record["source_row"], record["extras"], record[MONEY[kind]]) == (3, [], None)


@each_kind
@each_language
def test_an_amount_is_read_in_the_unit_that_the_template_says(kind: Kind, language: str) -> None:
    written = {**WRITTEN[kind], MONEY[kind]: "35.5"}
    content = filled(template(kind, language), [written.get(column.name, "") for column in known_columns(kind)])
    assert read_bytes("template.xlsx", content, kind).frame[MONEY[kind]].to_list() == [355_000]


@each_kind
@each_language
def test_an_amount_with_its_own_unit_is_read_from_any_template(kind: Kind, language: str) -> None:
    written = {**WRITTEN[kind], MONEY[kind]: "35.5万元"}
    content = filled(template(kind, language), [written.get(column.name, "") for column in known_columns(kind)])
    assert read_bytes("template.xlsx", content, kind).frame[MONEY[kind]].to_list() == [355_000]


@each_kind
@each_language
def test_every_example_of_a_template_can_be_read(kind: Kind, language: str) -> None:
    cells = ["C1", *(column.example for column in known_columns(kind)[1:])]
    reading = read_bytes("template.xlsx", filled(template(kind, language), cells), kind)
    [record] = reading.frame.to_dicts()
    assert all(record[column.name] is not None for column in known_columns(kind))


def drop_downs(content: bytes) -> dict[str, tuple[str, bool]]:
    """The list and whether other words are refused, by the cells of each drop-down."""
    root = ElementTree.fromstring(part(content, SHEET))  # noqa: S314
    return {
        each.get("sqref", ""): (
            each.findtext(f"{{{MAIN}}}formula1", "").strip('"'),
            each.get("showErrorMessage") == "1",
        )
        for each in root.iter(f"{{{MAIN}}}dataValidation")
        if each.get("type") == "list"
    }


@each_kind
@each_language
def test_choices_drop_down_and_only_closed_ones_refuse_other_words(kind: Kind, language: str) -> None:
    found = drop_downs(template(kind, language))
    expected = {}
    for place, column in enumerate(known_columns(kind)):
        listed = [words[0] for words in column.values.values()] if column.values else list(column.suggestions)
        if listed:
            expected[f"{letter(place)}2:{letter(place)}5001"] = (",".join(listed), column.values is not None)
    assert found == expected
    assert len(found) >= 4


@each_kind
@each_language
def test_headings_say_unit_and_what_must_be_filled_in(kind: Kind, language: str) -> None:
    headings = {column.name: heading_of(column, language) for column in known_columns(kind)}
    assert len(set(headings.values())) == len(headings)
    assert [name for name, text in headings.items() if text.endswith(say("template.required", language))] == ["title"]
    assert headings[MONEY[kind]].endswith(say("template.unit", language))
    assert all(text.isascii() == (language == "en") for text in headings.values())


@each_kind
@each_language
def test_the_second_sheet_explains_every_column(kind: Kind, language: str) -> None:
    explained = rows_of(read_sheets("template.xlsx", template(kind, language), Settings())[1])
    assert [row.cells[0] for row in explained[1:]] == [heading_of(column, language) for column in known_columns(kind)]
    for row, column in zip(explained[1:], known_columns(kind), strict=True):
        assert column.hints[language] in row.cells[1]
        assert say(f"template.type_{column.type}", language) in row.cells[1]
        assert all(name in row.cells[3] for name in column.names)


@each_kind
def test_a_template_has_no_formulas_no_links_and_is_the_same_each_time(kind: Kind) -> None:
    content = template(kind, "zh_CN")
    assert content == template(kind, "zh_CN")
    # Two that are made within a second could be the same by chance.
    assert "2026-11-01T00:00:00Z</dcterms:created>" in part(content, "docProps/core.xml")
    with zipfile.ZipFile(BytesIO(content)) as archive:
        assert not any("hyperlink" in name for name in archive.namelist())
    assert not re.search(r"<f[ >]|<hyperlink", part(content, SHEET))
