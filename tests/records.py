"""Small clean frames for tests: what a record does not state is empty."""

from __future__ import annotations

import polars as pl

from matching.schema import ID, PROVENANCE, RECORD, Kind


def records(kind: Kind, *rows: dict[str, object]) -> pl.DataFrame:
    """A clean frame with a row per dict; ids default to D1, D2, … or A1, A2, …"""
    schema = {**RECORD[kind], **PROVENANCE}
    letter = "D" if kind == "demands" else "A"
    filled = []
    for number, row in enumerate(rows, start=1):
        empty = {name: _empty(dtype) for name, dtype in schema.items()}
        filled.append({**empty, ID[kind]: f"{letter}{number}", "source_row": number, **row})
    return pl.DataFrame(filled, schema=schema, orient="row")


def _empty(dtype: pl.DataType) -> object:
    match dtype:
        case pl.String():
            return ""
        case pl.List():
            return []
        case pl.Boolean():
            return False
        case _:
            return None
