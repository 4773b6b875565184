"""Rows of a sheet become records, column by column: values, what is wrong with which cell, what no column holds."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import compress
from typing import Final, cast

import polars as pl

from matching.errors import Problem
from matching.intake import cells
from matching.intake.columns import Column, FoundColumn, Heading, known_columns
from matching.intake.rows import body_of, cells_at, reasons
from matching.intake.sheets import ROW, Sheet
from matching.schema import CHOICES, EXTRAS, ID, ORGANISATION, RECORD, Kind
from matching.settings import Settings

_ID_LETTER: Final[dict[Kind, str]] = {"demands": "D", "achievements": "A"}
_DERIVED: Final = re.compile(r"[DA]-[0-9a-f]{12}")
_UNREADABLE: Final = {
    "money": "cell.not_money",
    "date": "cell.not_date",
    "choice": "cell.not_choice",
    "flag": "cell.not_flag",
}
# Columns whose width and 无 mean nothing: １２０ is 120.
_PLAIN: Final = ("demand_id", "achievement_id", "phone")


@dataclass(frozen=True)
class Records:
    """What a sheet holds.

    `frame` has the record's columns, source_sheet and source_row, and no row of it is wrong; `rejected` has the same of
    the rows that are, which may lack values. `left_out` says which rows are no records and why, `wrong` what is wrong
    in which cell of the rows that are; `rows` is how many stand below the heading.
    """

    frame: pl.DataFrame
    rejected: pl.DataFrame
    rows: int
    left_out: list[Problem]
    wrong: list[Problem]


@dataclass(frozen=True)
class _Column:
    """A column read: its values, the rows (by position) that are wrong with the key and values of why, and what it
    says beyond its values, by position.
    """

    values: pl.Series
    wrong: dict[int, tuple[str, dict[str, object]]]
    beyond: dict[int, str]


def read_records(file: str, sheet: Sheet, heading: Heading, kind: Kind, settings: Settings) -> Records:
    """The records of a sheet below its heading."""
    body = body_of(sheet, heading)
    why = reasons(body, sheet, heading, kind)
    left_out = [
        Problem(key, file, row, sheet=sheet.name)
        for row, key in zip(body[ROW].to_list(), why.to_list(), strict=True)
        if key is not None
    ]
    kept = body.filter(why.is_null())
    numbers = kept[ROW].to_list()
    columns: dict[str, pl.Series] = {}
    extras: list[tuple[int, str, str]] = []
    wrong: dict[int, list[Problem]] = {}
    for found in heading.found:
        read = _read(sheet, cells_at(kept, found.place), numbers, found, kind, settings)
        for place, (key, values) in read.wrong.items():
            problem = Problem(key, file, numbers[place], found.heading, values, sheet.name, found.place)
            wrong.setdefault(place, []).append(problem)
        extras += [(place, found.heading, text) for place, text in read.beyond.items()]
        before = columns.get(found.column.name)
        columns[found.column.name] = read.values if before is None else _joined(before, read.values)
    for place, heading_text in heading.extras:
        texts = cells_at(kept, place).str.slice(0, settings.cell_characters).to_list()
        extras += [(row, heading_text, text) for row, text in enumerate(texts) if text]
    frame = _frame(columns, extras, kept, sheet.name, kind)
    right = pl.Series([place not in wrong for place in range(len(numbers))], dtype=pl.Boolean)
    problems = [problem for place in sorted(wrong) for problem in wrong[place]]
    return Records(frame.filter(right), frame.filter(~right), body.height, left_out, problems)


def _frame(
    columns: dict[str, pl.Series], extras: list[tuple[int, str, str]], body: pl.DataFrame, sheet: str, kind: Kind
) -> pl.DataFrame:
    known = {column.name: column for column in known_columns(kind)}
    absent = {name: _absent(column, kind) for name, column in known.items()}
    frame = pl.DataFrame(
        [
            columns.get(name, pl.Series([absent[name]] * body.height, dtype=dtype)).cast(dtype).alias(name)
            if name in known
            else _extras(extras, body.height)
            for name, dtype in RECORD[kind].items()
        ]
    )
    frame = frame.with_columns(source_sheet=pl.lit(sheet), source_row=body[ROW].cast(pl.Int64()))
    return _with_ids(frame, kind)


def _extras(extras: list[tuple[int, str, str]], height: int) -> pl.Series:
    """What no column holds, by row: a list of headings and texts for each."""
    long = pl.DataFrame(extras, schema={"place": pl.Int64, "heading": pl.String, "text": pl.String}, orient="row")
    listed = long.group_by("place", maintain_order=True).agg(extras=pl.struct("heading", "text"))
    rows = pl.DataFrame({"place": range(height)}, schema={"place": pl.Int64})
    joined = rows.join(listed, on="place", how="left", maintain_order="left")
    return joined.select(pl.col("extras").fill_null(pl.lit([], dtype=EXTRAS))).to_series()


def _with_ids(frame: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    identity = ID[kind]
    derived = [
        stated or derived_id(kind, organisation, title)
        for stated, organisation, title in frame.select(identity, ORGANISATION[kind], "title").iter_rows()
    ]
    return frame.with_columns(pl.Series(identity, derived, dtype=pl.String()))


def derived_id(kind: Kind, organisation: str, title: str) -> str:
    """An id for a record that states none: the same organisation and title give the same id in every file."""
    digest = hashlib.sha256(f"{organisation}\n{title}".encode()).hexdigest()
    return f"{_ID_LETTER[kind]}-{digest[:12]}"


def of_institute(frame: pl.DataFrame, kind: Kind, institute: str) -> pl.DataFrame:
    """Records of an institute's own file: those that name no organisation are its own. Demands are others' in any case.

    What made their ids and hashes changes with it.
    """
    identity, organisation = ID[kind], ORGANISATION[kind]
    if kind == "demands" or not (frame[organisation] == "").any():
        return frame
    made = pl.Series([is_derived(key) for key in frame[identity]], dtype=pl.Boolean)
    put = frame.with_columns(
        pl.when(made).then(pl.lit("")).otherwise(identity).alias(identity),
        pl.col(organisation).replace("", institute),
    )
    return with_hashes(_with_ids(put, kind).drop("content_hash"), kind).select(frame.columns)


def is_derived(record_id: str) -> bool:
    """Whether an id was made by this program, as far as its form tells."""
    return _DERIVED.fullmatch(record_id) is not None


def _absent(column: Column, kind: Kind) -> object:
    match column.type:
        case "line" | "text":
            return ""
        case "list":
            return []
        case "flag":
            return False
        case "choice":
            return CHOICES[kind][column.name][0]
        case "money" | "date":
            return None


def _joined(before: pl.Series, after: pl.Series) -> pl.Series:
    """Two headings of one text column (主要问题, 技术关键) both say something: keep both, in order."""
    parts = pl.DataFrame({"before": before, "after": after})
    between = pl.when((pl.col("before") != "") & (pl.col("after") != "")).then(pl.lit("\n")).otherwise(pl.lit(""))
    return parts.select(pl.concat_str("before", between, "after")).to_series()


def _read(
    sheet: Sheet, texts: pl.Series, numbers: Sequence[int], found: FoundColumn, kind: Kind, settings: Settings
) -> _Column:
    """One column's values. What is typed is parsed once for each distinct text."""
    wrong = _without_value(sheet, texts, numbers, found)
    limit = settings.cell_characters
    for place in (texts.str.len_chars() > limit).arg_true().to_list():
        wrong[place] = ("cell.too_long", {"characters": len(texts[place]), "limit": limit})
    if found.column.type in ("line", "text"):
        if found.column.name in _PLAIN:
            distinct = {text: "" if cells.says_nothing(text) else _narrow(text) for text in texts.unique()}
            texts = texts.replace_strict(distinct, return_dtype=pl.String()) if len(texts) else texts
        return _Column(texts, wrong, {})
    parsed: dict[str, object] = {}
    unreadable: set[str] = set()
    for text in texts.unique().to_list():
        try:
            parsed[text] = _value(text, found, kind)
        except ValueError:
            unreadable.add(text)
            parsed[text] = _absent(found.column, kind)
    listed = texts.to_list()
    for place in compress(range(len(listed)), (text in unreadable for text in listed)):
        wrong.setdefault(place, _unreadable(found, listed[place]))
    beyond = {}
    if found.column.type == "money":
        more = {text for text in parsed.keys() - unreadable if not cells.is_plain_amount(text)}
        beyond = {place: text for place, text in enumerate(listed) if text in more}
    dtype = RECORD[kind][found.column.name]
    values = (
        texts.rename("text").to_frame().join(_distinct(parsed, dtype), on="text", how="left", maintain_order="left")
    )
    return _Column(values["value"], wrong, beyond)


def _distinct(parsed: dict[str, object], dtype: pl.DataType) -> pl.DataFrame:
    """Texts and their values. Lists are grouped from their words: many small lists are slow to take over one by one."""
    if not isinstance(dtype, pl.List):
        values = pl.Series("value", list(parsed.values()), dtype=dtype)
        return pl.DataFrame([pl.Series("text", list(parsed), dtype=pl.String), values])
    words = [(text, word) for text, listed in parsed.items() for word in cast(list[str | None], listed) or [None]]
    long = pl.DataFrame(words, schema={"text": pl.String, "value": pl.String}, orient="row")
    return long.group_by("text", maintain_order=True).agg(pl.col("value").drop_nulls())


def _narrow(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _without_value(
    sheet: Sheet, texts: pl.Series, numbers: Sequence[int], found: FoundColumn
) -> dict[int, tuple[str, dict[str, object]]]:
    """Cells that show an error, have a formula that was never worked out, or a month that may have lost its zero."""
    wrong: dict[int, tuple[str, dict[str, object]]] = {}
    for place in texts.str.starts_with("#").arg_true().to_list():
        if cells.is_error(texts[place]):
            wrong[place] = ("cell.error_value", {"text": texts[place]})
    told = ((sheet.errors, "cell.error_value"), (sheet.valueless, "cell.no_value"))
    dated = ((sheet.monthlike, "cell.ambiguous_month"),) if found.column.type == "date" else ()
    by_number: dict[int, int] = {}
    for marked, key in (*told, *dated):
        rows = {row for row, column in marked if column == found.place}
        if rows and not by_number:
            by_number = {number: place for place, number in enumerate(numbers)}
        for row in rows & by_number.keys():
            wrong[by_number[row]] = (key, {"text": texts[by_number[row]]})
    return wrong


def _value(text: str, found: FoundColumn, kind: Kind) -> object:
    column = found.column
    match column.type:
        case "list":
            return cells.words(text)
        case "money":
            return cells.yuan(text, found.heading)
        case "date":
            return cells.day(text)
        case "flag":
            return cells.choice("" if cells.says_nothing(text) else text, column.values or {}, "false") == "true"
        case _:
            default = CHOICES[kind][column.name][0]
            return cells.choice("" if cells.says_nothing(text) else text, column.values or {}, default)


def _unreadable(found: FoundColumn, text: str) -> tuple[str, dict[str, object]]:
    allowed = [words[0] for words in (found.column.values or {}).values()]
    return _UNREADABLE[found.column.type], {"text": text[:60], "allowed": allowed}


def content_hash(record: dict[str, object]) -> str:
    """SHA-256 of what a record says, whatever file and row it came from; the same for equal records."""
    said = {name: value for name, value in record.items() if name != "extras" or value}
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, default=_iso)
    return hashlib.sha256(text.encode()).hexdigest()


def _iso(value: object) -> str:
    return cast(date, value).isoformat()


def with_hashes(frame: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """Records with the hash of each."""
    hashes = [content_hash(record) for record in frame.select(RECORD[kind].keys()).iter_rows(named=True)]
    return frame.with_columns(content_hash=pl.Series(hashes, dtype=pl.String()))
