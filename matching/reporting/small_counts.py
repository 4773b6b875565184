"""Small counts are hidden from those who may not see private demands: a count of one or two tells of one demand.

A hidden cell could be told from the others where their sum is known, so that further ones are hidden until at least two
are, and together they count as many as may be shown. This holds within one table; who sets tables of different periods
side by side can still tell some.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy import Engine

from matching.data_files import data_path
from matching.ledger.rights import viewer_of
from matching.ledger.scope import restricted
from matching.reporting.sheets import Sheet
from matching.wording import say

# Beside a column of a table: whether its cell is hidden.
MARK = ":hidden"
# What a part leaves of its whole.
_LEFT: Final = "left"


@cache
def smallest_shown() -> int:
    """The smallest count above zero that is shown."""
    with data_path("reporting", "rules.toml").open("rb") as source:
        return int(tomllib.load(source)["small_counts"]["smallest_shown"])


def hides(engine: Engine) -> bool:
    """Whether small counts are hidden from the viewer of the ledger."""
    return restricted(viewer_of(engine))


def without_small(table: pl.DataFrame, keys: Sequence[str], told_by: Mapping[str, str]) -> pl.DataFrame:
    """A table whose small cells are null, with a Boolean column `name:hidden` for each of its `told_by`.

    `told_by` names for each column the column of the count that decides; deciding columns that are not themselves in
    it stay as they are. Rows are those of one cut, without a total; keys are its dimensions.
    """
    groups = _groups(table, keys)
    masks = {count: _hidden(table[count], groups) for count in set(told_by.values())}
    marks = {f"{name}{MARK}": pl.Series(masks[count], dtype=pl.Boolean) for name, count in told_by.items()}
    marked = table.with_columns(**marks)
    return marked.with_columns(pl.when(~pl.col(f"{name}{MARK}")).then(name).alias(name) for name in told_by)


def without_small_parts(
    table: pl.DataFrame, keys: Sequence[str], whole: str, part: str, others: Sequence[str] = ()
) -> pl.DataFrame:
    """A table of wholes and their parts without small counts: neither of wholes, nor of parts, nor of what is left.

    Marks are those of `without_small`; where one of the three is hidden, the part and `others` (its share, …) are.
    """
    counts = (whole, part, _LEFT)
    left = table.with_columns((pl.col(whole) - pl.col(part)).alias(_LEFT))
    hidden = without_small(left, keys, {name: name for name in counts})
    secret = pl.any_horizontal(f"{name}{MARK}" for name in counts)
    marked = hidden.with_columns(secret.alias(f"{name}{MARK}") for name in (part, *others))
    shown = [pl.when(~pl.col(f"{name}{MARK}")).then(name).alias(name) for name in (part, *others)]
    return marked.with_columns(shown).drop(_LEFT, f"{_LEFT}{MARK}")


def said_to_hide(sheet: Sheet, language: str) -> Sheet:
    """A sheet whose note says what is not shown, where it hides something."""
    marks = [name for name in sheet.rows.columns if name.endswith(MARK)]
    if not any(sheet.rows[name].any() for name in marks):
        return sheet
    said = say("report.hidden_text", language, below=smallest_shown())
    return replace(sheet, note=f"{sheet.note}\n{said}".strip())


def _groups(table: pl.DataFrame, keys: Sequence[str]) -> list[NDArray[np.int64]]:
    """Rows whose sum stands elsewhere: all of them, and in a crossed table those of each code of either dimension.

    They come by code, whatever the order of the table: of equal counts the same is hidden in every table of them.
    """
    ordered = sorted(keys)
    numbered = table.with_row_index("row")
    numbered = numbered.sort(ordered) if ordered else numbered
    if len(ordered) < 2:
        return [numbered["row"].cast(pl.Int64).to_numpy()]
    return [
        rows["row"].cast(pl.Int64).to_numpy()
        for key in ordered
        for rows in numbered.partition_by(key, maintain_order=True)
    ]


def _hidden(counts: pl.Series, groups: Iterable[NDArray[np.int64]]) -> NDArray[np.bool_]:
    values = counts.fill_null(0).to_numpy()
    hidden: NDArray[np.bool_] = (values > 0) & (values < smallest_shown())
    groups = list(groups)
    while sum(_hide_one_more(values, hidden, rows) for rows in groups):
        pass
    return hidden


def _hide_one_more(values: NDArray[np.int64], hidden: NDArray[np.bool_], rows: NDArray[np.int64]) -> bool:
    """Hide the smallest shown cell of some rows where the hidden ones could be told from the rest; whether it did."""
    behind = rows[hidden[rows]]
    if len(behind) == 0 or (len(behind) > 1 and values[behind].sum() >= smallest_shown()):
        return False
    shown = rows[~hidden[rows] & (values[rows] > 0)]
    if len(shown) == 0:
        return False
    hidden[shown[np.argmin(values[shown])]] = True
    return True
