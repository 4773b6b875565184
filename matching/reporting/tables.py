"""Frames as files: CSV for programs, workbooks for people. Nothing in them runs or links."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Final

import polars as pl
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from matching.errors import CallError, Problem
from matching.ranking.told import GROUPS, field_names
from matching.reporting.csv_files import FORMULA_START
from matching.wording import say

_FORMULA_STARTS: Final = f"^({FORMULA_START.pattern})"
# What one cell of a workbook holds.
_CELL: Final = 32_767
_WORKBOOK: Final = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_WIDE: Final = ("title", "terms", "enterprise", "institute")


def candidate_table(candidates: pl.DataFrame, language: str) -> pl.DataFrame:
    """Candidates with their lists as one text each: 碳纤维 0.0412；…, without what only the program reads."""
    features = {name: say(f"feature.{name}", language) for name in GROUPS.values()}
    named = candidates.drop("unlimited", "covariances").with_columns(
        pl.col("feature_parts").list.eval(
            pl.struct(
                pl.element().struct.field("feature").replace(features),
                pl.element().struct.field("part"),
            )
        )
    )
    return named.with_columns(
        _amounts("shared_terms", "term", "contribution"),
        _amounts("feature_parts", "feature", "part"),
        _amounts("learned", "achievement_id", "part"),
        pl.col("shared_fields").map_elements(
            lambda shared: "；".join(field_names(list(shared), language)), return_dtype=pl.String()
        ),
    )


def _amounts(column: str, name: str, amount: str) -> pl.Expr:
    """A list of names with amounts as one text."""
    parts = pl.format(
        "{} {}",
        pl.element().struct.field(name),
        pl.element().struct.field(amount).round(4).cast(pl.String()),
    )
    return pl.col(column).list.eval(parts).list.join("；")


def write_table(table: pl.DataFrame, path: Path, language: str) -> None:
    """Write a flat frame to .csv (columns by their names) or .xlsx (headings in the reader's language).

    Raises `CallError` for another ending or a path that cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        content = csv_bytes(table)
    elif suffix == ".xlsx":
        content = workbook_bytes({say("sheet.candidates", language): table}, language)
    else:
        raise CallError(Problem("call.unknown_output", values={"path": path}))
    write_bytes(path, content)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all. Raises `CallError` when it cannot be written."""
    unfinished = path.with_name(f".{path.name}.part")
    try:
        try:
            unfinished.write_bytes(content)
            unfinished.replace(path)
        except OSError:
            if unfinished.exists():
                unfinished.unlink()
            raise
    except OSError as error:
        raise CallError(Problem("call.not_written", values={"path": path, "reason": error.strerror})) from error


def csv_bytes(table: pl.DataFrame, *, mark: bool = True) -> bytes:
    """CSV in which cells that would be taken for formulas are quoted.

    The byte-order mark is for spreadsheet programs; what programs alone read goes without.
    """
    texts = pl.col(pl.String())
    headings = pl.Series(table.columns, dtype=pl.String()).str.replace(_FORMULA_STARTS, "'$1")
    safe = table.with_columns(texts.str.replace(_FORMULA_STARTS, "'$1"))
    return safe.rename(dict(zip(table.columns, headings, strict=True))).write_csv(include_bom=mark).encode()


def workbook_bytes(sheets: dict[str, pl.DataFrame], language: str) -> bytes:
    """A workbook with a table per sheet, headings in the reader's language and in view while scrolling."""
    target = BytesIO()
    with xlsxwriter.Workbook(target, _WORKBOOK) as workbook:
        for name, table in sheets.items():
            add_table(workbook, workbook.add_worksheet(name), table, language)
    return target.getvalue()


def add_table(workbook: xlsxwriter.Workbook, sheet: Worksheet, table: pl.DataFrame, language: str) -> None:
    """Fill a sheet with a frame, from its first row."""
    texts = pl.col(pl.String())
    headed = table.with_columns(texts.str.slice(0, _CELL)).rename(
        {name: say(f"column.{name}", language) for name in table.columns}
    )
    widths = {
        heading: 36 if any(word in name for word in _WIDE) else 14
        for name, heading in zip(table.columns, headed.columns, strict=True)
    }
    headed.write_excel(
        workbook,
        sheet.get_name(),
        table_style="Table Style Light 1",
        dtype_formats={pl.Float64: "0.0000", pl.Int64: "#,##0", pl.Date: "yyyy-mm-dd"},
        column_widths={heading: width * 7 for heading, width in widths.items()},
        freeze_panes=(1, 0),
        autofilter=table.height > 0,
    )
