"""The only place that composes stages: what the command line, the screens and the public functions call."""

from matching.pipeline.classifying import classify
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
from matching.pipeline.near_misses import conditions_of, near_misses
from matching.pipeline.progress import Progress
from matching.pipeline.ranking import Ranking, explain, fingerprint, rank
from matching.pipeline.running import match_ledger, review_list

__all__ = [
    "Examined",
    "Prepared",
    "Progress",
    "Ranking",
    "Relearned",
    "assess_all",
    "classify",
    "conditions_of",
    "current_model",
    "evaluate",
    "examine",
    "examples",
    "explain",
    "fingerprint",
    "fold_plans",
    "learn_fields",
    "learn_levels",
    "load",
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
