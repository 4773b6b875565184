"""What each figure means. The same words stand in docs/statistics.md, in the report and on the screen."""

from __future__ import annotations

from typing import Final

import polars as pl

from matching.reporting.coverage import COVERAGE
from matching.reporting.figures import FIGURES
from matching.reporting.sheets import Column, Sheet
from matching.wording import say

# Figures that have a definition, in the order in which they are told.
DEFINED: Final = (*FIGURES, "base", "came", "share", "days_median", "days_mean", *COVERAGE)


def definition(figure: str, language: str) -> str:
    """What a figure of DEFINED means."""
    return say(f"figure.{figure}_means", language)


def definitions_sheet(language: str) -> Sheet:
    """The definitions, for those who read the report without the program."""
    rows = {
        "figure": [say(f"figure.{name}", language) for name in DEFINED],
        "means": [definition(name, language) for name in DEFINED],
    }
    return Sheet(
        code="definitions",
        title=say("stats.definitions", language),
        note="",
        columns=(
            Column("figure", say("stats.figure", language), "text"),
            Column("means", say("stats.means", language), "text"),
        ),
        rows=pl.DataFrame(rows, schema=dict.fromkeys(rows, pl.String)),
    )
