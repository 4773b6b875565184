"""Which rows of a sheet are records, and which only stand among them: totals, notes, repeated headings, examples."""

from __future__ import annotations

import tomllib
from functools import cache
from typing import Any, Final

import polars as pl

from matching.data_files import data_path
from matching.intake.columns import Heading
from matching.intake.sheets import ROW, Sheet
from matching.schema import ID, Kind

# Why a row is none, in the order in which it is asked: keys of the wording catalogues.
_EXAMPLE: Final = "row.example"
_REPEATED: Final = "row.heading_repeated"
_TOTAL: Final = "row.total"
_NOTE: Final = "row.note"
UNTITLED: Final = "row.no_title"


@cache
def _forms() -> dict[str, Any]:
    with data_path("columns", "rows.toml").open("rb") as source:
        return tomllib.load(source)


def body_of(sheet: Sheet, heading: Heading) -> pl.DataFrame:
    """The rows below the heading, as in `Sheet.cells`."""
    return sheet.cells.filter(pl.col(ROW) > heading.row)


def cells_at(body: pl.DataFrame, place: int) -> pl.Series:
    """The texts of a column of the sheet; of one in which nothing stands, blanks."""
    name = f"c{place}"
    return body[name] if name in body.columns else pl.Series(name, [""] * body.height, dtype=pl.String())


def reasons(body: pl.DataFrame, sheet: Sheet, heading: Heading, kind: Kind) -> pl.Series:
    """Why each row of the body is no record, as a key of the wording catalogues; null for a record.

    A title that is an error or a formula without a value is a title that is wrong, not one that lacks.
    """
    forms = _forms()
    places = {found.column.name: found.place for found in reversed(heading.found)}
    title = cells_at(body, places["title"]).rename("title")
    identity = cells_at(body, places.get(ID[kind], -1)).rename("identity")
    filled = pl.sum_horizontal(pl.all().exclude(ROW) != "")
    first = pl.coalesce(pl.when(pl.col(name) != "").then(pl.col(name)) for name in body.columns if name != ROW)
    rows = body.with_columns(filled=filled, first=first).with_columns(title, identity)
    rows = rows.with_columns(_plain("first"), _plain("identity"), last_titled=_last_titled(rows))
    title_heading = next(found.heading for found in heading.found if found.column.name == "title")
    untitled = (pl.col("title") == "") | (pl.col("title") == first)
    blank = pl.col("title") == ""
    noted = pl.col("first").str.contains(forms["notes"])
    noted |= blank & pl.col("first").str.contains(forms["untitled_notes"])
    note = untitled & noted & (pl.col("filled") <= forms["note_cells"])
    below = (pl.col(ROW) > pl.col("last_titled")) & (pl.col("last_titled") > 0)
    lone = blank & (pl.col("filled") == 1) & below & ~pl.col("identity").str.contains(forms["ids"])
    total = untitled & pl.col("first").str.contains(forms["totals"])
    total |= blank & pl.col("first").str.contains(forms["untitled_totals"])
    return rows.select(
        pl.when(pl.col(ROW).is_in(_wrongly_titled(sheet, places["title"])))
        .then(None)
        .when(pl.col("identity").str.contains(forms["examples"]))
        .then(pl.lit(_EXAMPLE))
        .when((pl.col("title") == title_heading) & (pl.col("filled") > 1))
        .then(pl.lit(_REPEATED))
        .when(total)
        .then(pl.lit(_TOTAL))
        .when(note | lone)
        .then(pl.lit(_NOTE))
        .when(pl.col("title") == "")
        .then(pl.lit(UNTITLED))
        .alias("reason")
    ).to_series()


def _wrongly_titled(sheet: Sheet, place: int) -> list[int]:
    return [row for row, column in (*sheet.errors, *sheet.valueless) if column == place]


def _plain(name: str) -> pl.Expr:
    return pl.col(name).str.normalize("NFKC").str.to_lowercase().str.strip_chars()


def _last_titled(rows: pl.DataFrame) -> pl.Expr:
    """The last row with a title: what stands alone below it is a note."""
    return pl.lit(rows.filter(pl.col("title") != "")[ROW].max() or 0)
