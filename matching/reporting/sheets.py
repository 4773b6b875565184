"""A report as values: sheets of a table, its note and its chart. Workbooks, CSV, pages and screens are made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, Literal

import polars as pl

from matching.wording import say

ColumnKind = Literal["text", "count", "amount", "share", "days", "date", "moment"]
Form = Callable[[Any], str]


@dataclass(frozen=True)
class Column:
    """A column: its name in the rows, its heading in the reader's words, what it holds.

    text; count: integers; amount: integers of fen, shown in yuan; share: 0–1; days: numbers with one decimal; date:
    calendar days; moment: datetimes, shown in the zone that they carry.
    """

    name: str
    heading: str
    kind: ColumnKind


@dataclass(frozen=True)
class Plot:
    """How a table is drawn: `label` is the column of the categories, `series` are the columns drawn, all of one kind.

    bars lie, columns stand; heat: rows by series columns as a grid. At most the first `most` rows are drawn.
    """

    kind: Literal["bars", "columns", "lines", "heat"]
    label: str
    series: tuple[str, ...]
    most: int = 20


@dataclass(frozen=True)
class Sheet:
    """A table with what is said of it.

    `rows` has a column for each of `columns`, texts worded already. A Boolean column f"{name}:hidden" marks cells that
    are null because they are not shown (see `small_counts`). With `total` the last row is the sum of the others.
    """

    code: str
    title: str
    note: str
    columns: tuple[Column, ...]
    rows: pl.DataFrame
    plot: Plot | None = None
    total: bool = False

    @property
    def parts(self) -> pl.DataFrame:
        """The rows without the sum."""
        return self.rows.head(self.rows.height - int(self.total))

    def column(self, name: str) -> Column:
        """The column of a name; `KeyError` when there is none."""
        return {each.name: each for each in self.columns}[name]


@dataclass(frozen=True)
class Report:
    """Sheets with a cover of labelled lines. `as_of` is aware and shown in the zone that it carries."""

    title: str
    cover: tuple[tuple[str, str], ...]
    sheets: tuple[Sheet, ...]
    as_of: datetime
    language: str


def yuan(fen: int) -> str:
    """An amount in yuan, exact: 1,234.50."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def rounded(value: float, places: int, *, shift: int = 0) -> str:
    """A number times ten to the `shift`, half rounded up as spreadsheet programs do."""
    exact = Decimal(str(value)).scaleb(shift).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return f"{exact:,f}"


def moment_text(moment: datetime) -> str:
    """A moment to the minute."""
    return moment.strftime("%Y-%m-%d %H:%M")


# How values are shown to people.
SHOWN: Final[Mapping[ColumnKind, Form]] = {
    "text": str,
    "count": "{:,}".format,
    "amount": yuan,
    "share": lambda share: f"{rounded(share, 1, shift=2)}%",
    "days": lambda days: rounded(days, 1),
    "date": date.isoformat,
    "moment": moment_text,
}


def not_shown(language: str) -> str:
    """What stands in a hidden cell."""
    return say("report.small", language)


def hidden(sheet: Sheet, name: str) -> list[bool]:
    """For each row whether the cell of a column is hidden."""
    mark = f"{name}:hidden"
    if mark not in sheet.rows.columns:
        return [False] * sheet.rows.height
    return sheet.rows[mark].fill_null(value=False).to_list()


def texts(sheet: Sheet, column: Column, language: str, forms: Mapping[ColumnKind, Form] = SHOWN) -> list[str]:
    """The cells of a column as they are shown; "" where nothing is known."""
    form, instead = forms[column.kind], not_shown(language)
    cells = zip(sheet.rows[column.name].to_list(), hidden(sheet, column.name), strict=True)
    return [instead if veiled else "" if value is None else form(value) for value, veiled in cells]


def width(text: str) -> int:
    """How wide a text is in Latin characters; a Chinese character counts as two."""
    return (len(text) + len(text.encode("utf-8", "replace"))) // 2


def widest(texts: list[str]) -> int:
    """The width of the widest line of some texts."""
    return max((width(line) for text in set(texts) for line in text.splitlines()), default=0)
