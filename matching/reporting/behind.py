"""The rows behind a figure: which records, pairs and payments it counts."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from matching.reporting.facts import Facts
from matching.reporting.figures import rows_of
from matching.reporting.period import Period


def rows_behind(facts: Facts, figure: str, where: Mapping[str, str], period: Period) -> pl.DataFrame:
    """What a figure counts where dimensions have these codes, by day, then id.

    Columns: day, those of demand_id, achievement_id and deal_id that it has, and what of a row an amount adds up
    (amount_fen, total_fen or technical_fen).
    """
    found = rows_of(facts, figure, list(where), period)
    for dimension, code in where.items():
        found = found.filter(pl.col(dimension) == code)
    names = ("demand_id", "achievement_id", "deal_id", "amount_fen", "total_fen", "technical_fen")
    kept = [name for name in names if name in found.columns]
    amounts = {"paid_fen": ("amount_fen",), "total_fen": ("total_fen",), "technical_fen": ("technical_fen",)}
    wanted = [name for name in kept if not name.endswith("_fen") or name in amounts.get(figure, ())]
    return found.select("day", *wanted).sort("day", *wanted)
