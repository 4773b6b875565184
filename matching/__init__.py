"""Duijie (对接): ranks institutes' achievements for enterprises' technical demands, and says why.

import matching
demands = matching.read_demands("demands.xlsx")
achievements = matching.read_achievements("achievements.csv")
ranking = matching.rank(demands, achievements, top=10)
print(ranking.candidates)
print(matching.explain(ranking, "XQ2026001", "CG2026045").terms)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from matching.errors import DuijieError
    from matching.intake.reading import read_achievements, read_demands
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

# Each name is loaded when it is first asked for: the process that reads a file imports this package too, and needs
# none of what ranks.
_HOMES: Final = {
    "DuijieError": "matching.errors",
    "read_achievements": "matching.intake.reading",
    "read_demands": "matching.intake.reading",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "matching.pipeline")), name)


def __dir__() -> list[str]:
    return __all__
