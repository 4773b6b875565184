"""What was ranked last, kept beside the index: lists and candidates that stay where nothing changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import polars as pl
import scipy.sparse as sp

from matching.ranking.features import Pairs
from matching.ranking.relisting import Listed
from matching.ranking.space import Placed
from matching.ranking.stored_files import Damage, opened, save

_MATRIX: Final = ("indptr", "indices", "data")
_FRAMES: Final = ("demand_keys", "achievement_keys", "judgements")


@dataclass(frozen=True)
class LastRanking:
    """Lists and candidates (as `candidates.block_candidates` gives them, by demand and rank) of one ranking.

    `space` and `settings` are keys of what they were found by: the space, and weights, level model and length.
    """

    space: str
    settings: str
    listed: Listed
    candidates: pl.DataFrame


def open_last(folder: Path) -> LastRanking | Damage:
    """The ranking that a folder holds, else why there is none (`stored_files.opened`)."""
    stored = opened(folder)
    if isinstance(stored, str):
        return stored
    values = cast(Mapping[str, Any], stored.values)
    try:
        keys = stored.frame("demand_keys")
        data = tuple(stored.array(f"rows_{name}") for name in reversed(_MATRIX))
        rows = sp.csr_matrix(data, (keys.height, values["width"]))
        lists = Pairs(stored.array("list_demands"), stored.array("list_achievements"))
        known = Listed(
            Placed(tuple(keys["record_id"]), rows, sp.csr_matrix((keys.height, 0))),
            keys,
            stored.frame("achievement_keys"),
            stored.frame("judgements"),
            lists,
            stored.array("list_scores"),
        )
        return LastRanking(values["space"], values["settings"], known, stored.frame("candidates"))
    except (KeyError, ValueError, TypeError):
        return "damaged"


def save_last(folder: Path, last: LastRanking) -> None:
    """Keep a ranking in a folder. `OSError` where it cannot be written."""
    known = last.listed
    content: dict[str, np.ndarray | pl.DataFrame] = {
        **{name: getattr(known, name) for name in _FRAMES},
        **{f"rows_{name}": getattr(known.demands.rows, name) for name in _MATRIX},
        "list_demands": known.lists.demands,
        "list_achievements": known.lists.achievements,
        "list_scores": known.scores,
        "candidates": last.candidates,
    }
    width = known.demands.rows.shape[1]
    save(folder, {"space": last.space, "settings": last.settings, "width": width}, content)
