"""Duijie (对接): ranks institutes' achievements for enterprises' technical demands, and says why.

import matching
demands = matching.read_demands("demands.xlsx")
achievements = matching.read_achievements("achievements.csv")
ranking = matching.rank(demands, achievements, top=10)
print(ranking.candidates)
print(matching.explain(ranking, "XQ2026001", "CG2026045").terms)
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from matching.errors import DuijieError
from matching.intake.reading import read_file
from matching.pipeline import Ranking, evaluate, explain, rank, score

__all__ = [
    "DuijieError",
    "Ranking",
    "evaluate",
    "explain",
    "rank",
    "read_achievements",
    "read_demands",
    "score",
]


def read_demands(path: str | Path) -> pl.DataFrame:
    """A demand list (.csv or .xlsx) as a clean frame: the columns of `schema.DEMAND` and `schema.PROVENANCE`.

    Raises `DuijieError` that says file, row, column and what to do.
    """
    return read_file(path, "demands").frame


def read_achievements(path: str | Path) -> pl.DataFrame:
    """An achievement catalogue (.csv or .xlsx) as a clean frame: `schema.ACHIEVEMENT` and `schema.PROVENANCE`.

    Raises `DuijieError` that says file, row, column and what to do.
    """
    return read_file(path, "achievements").frame
