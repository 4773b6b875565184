"""Clean frames of made demands and achievements, as reading gives them, in any number."""

from __future__ import annotations

from typing import Final

import polars as pl

from bench.made_records import SEED, records
from matching.intake.records import with_hashes
from matching.schema import CHOICES, ID, PROVENANCE, RECORD, Kind

# The two kinds are drawn apart, from seeds of their own.
_SEED: Final[dict[Kind, int]] = {"demands": SEED, "achievements": SEED + 1}
_LETTERS: Final[dict[Kind, str]] = {"demands": "XQ", "achievements": "CG"}
_TEXT: Final[dict[Kind, str]] = {"demands": "problem", "achievements": "summary"}
_ORGANISATION: Final[dict[Kind, tuple[str, int]]] = {
    "demands": ("enterprise", 2_000),
    "achievements": ("institute", 300),
}


def demands(number: int) -> pl.DataFrame:
    """`number` demands: the columns of `schema.DEMAND` and `schema.PROVENANCE`."""
    return _frame("demands", number)


def achievements(number: int) -> pl.DataFrame:
    """`number` achievements: the columns of `schema.ACHIEVEMENT` and `schema.PROVENANCE`."""
    return _frame("achievements", number)


def _frame(kind: Kind, number: int) -> pl.DataFrame:
    """Title, text, id and organisation are made, choices are the usual ones; the rest is what a file leaves out."""
    organisation, organisations = _ORGANISATION[kind]
    each = pl.col("number")
    known = {
        ID[kind]: pl.format(f"HLJ-{_LETTERS[kind]}-{{}}", each.cast(pl.String).str.zfill(7)),
        "title": pl.col("title"),
        _TEXT[kind]: pl.col("text"),
        organisation: pl.format(f"{organisation} {{}}", each % organisations),
        **{name: pl.lit(values[0]) for name, values in CHOICES[kind].items()},
        "source_row": each + 2,
    }
    schema = {**RECORD[kind], **PROVENANCE}
    columns = [known.get(name, _nothing(dtype)).alias(name) for name, dtype in schema.items() if name != "content_hash"]
    frame = records(number, seed=_SEED[kind]).select(columns)
    return with_hashes(frame, kind).select(schema.keys())


def _nothing(dtype: pl.DataType) -> pl.Expr:
    match dtype:
        case pl.String():
            value: object = ""
        case pl.List():
            value = []
        case pl.Boolean():
            value = False
        case _:
            value = None
    return pl.lit(value, dtype=dtype)
