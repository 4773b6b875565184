"""The only place that composes stages: what the command line, the screens and the public functions call.

Each name is loaded when it is first asked for: what serves the screens is not to wait for all that ranks.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

# A function that is named as its module is loaded with it, or the module would be found in its place.
from matching.pipeline.near_misses import conditions_of, near_misses

if TYPE_CHECKING:
    from matching.pipeline.classifying import classify
    from matching.pipeline.finding import find, find_record, loaded
    from matching.pipeline.index_state import Behind, behind, index_folder
    from matching.pipeline.learning import Relearned, current_model, learn_fields, learn_levels
    from matching.pipeline.loading import Prepared, assess_all, load, prepare, remembered_plan
    from matching.pipeline.measuring import (
        Examined,
        evaluate,
        examine,
        examples,
        fold_plans,
        missing,
        score,
        score_folds,
    )
    from matching.pipeline.ranking import Ranking, explain, fingerprint, rank
    from matching.pipeline.reviewing import review_list
    from matching.pipeline.running import match_ledger

__all__ = [
    "Behind",
    "Examined",
    "Prepared",
    "Ranking",
    "Relearned",
    "assess_all",
    "behind",
    "classify",
    "conditions_of",
    "current_model",
    "evaluate",
    "examine",
    "examples",
    "explain",
    "find",
    "find_record",
    "fingerprint",
    "fold_plans",
    "index_folder",
    "learn_fields",
    "learn_levels",
    "load",
    "loaded",
    "match_ledger",
    "missing",
    "near_misses",
    "prepare",
    "rank",
    "remembered_plan",
    "review_list",
    "score",
    "score_folds",
]

_NAMES: Final = {
    "classifying": ("classify",),
    "index_state": ("Behind", "behind", "index_folder"),
    "finding": ("find", "find_record", "loaded"),
    "learning": ("Relearned", "current_model", "learn_fields", "learn_levels"),
    "loading": ("Prepared", "assess_all", "load", "prepare", "remembered_plan"),
    "measuring": ("Examined", "evaluate", "examine", "examples", "fold_plans", "missing", "score", "score_folds"),
    "ranking": ("Ranking", "explain", "fingerprint", "rank"),
    "reviewing": ("review_list",),
    "running": ("match_ledger",),
}
_HOMES: Final = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
