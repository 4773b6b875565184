"""The candidates of a demand, moved at once by judgements made since they were ranked."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from matching.ranking import levels
from matching.ranking.learning import move_at_once
from matching.schema import CANDIDATES

_REACHED: Final = ("reach_two", "reach_three", "reach_four")


def moved(rows: pl.DataFrame, judgements: pl.DataFrame, noise: float) -> pl.DataFrame:
    """Candidates of one demand in the order that the judgements give them.

    `rows` has columns of `schema.CANDIDATES` by rank, `judgements` those of `schema.JUDGEMENTS`. Score, level,
    certainty, rank and probabilities become others, and `learned` and `other_parts` say why; the sums still hold. Rows
    of a run that knew no levels stay as they are.
    """
    said = rows.join(
        judgements.select("achievement_id", said="level"), on="achievement_id", how="left", maintain_order="left"
    )
    given = said["said"].fill_null(0).to_numpy()
    if not given.any() or rows["covariances"].has_nulls():
        return rows
    covariance = np.array(rows["covariances"].to_list(), dtype=np.float64).reshape(rows.height, rows.height)
    before = np.array(rows["unlimited"].to_list(), dtype=np.float64)
    moves, amounts = move_at_once(covariance, before, given, noise)
    unlimited = before + moves
    after = levels.proper(unlimited)
    score, level = levels.score_of(after), levels.level_of(after)
    ids = rows["achievement_id"].to_list()
    learned = [
        [
            *known,
            *(
                {"demand_id": demand_id, "achievement_id": ids[place], "level": int(given[place]), "part": amount}
                for place, amount in enumerate(added)
                if amount
            ),
        ]
        for known, added, demand_id in zip(rows["learned"].to_list(), amounts.tolist(), rows["demand_id"], strict=True)
    ]
    rest = rows["other_parts"].to_numpy() + (score - rows["score"].to_numpy()) - amounts.sum(axis=1)
    found = rows.with_columns(
        pl.Series(
            "learned", [sorted(each, key=lambda part: -abs(part["part"])) for each in learned], CANDIDATES["learned"]
        ),
        score=pl.Series(score),
        level=pl.Series(level, dtype=pl.Int64()),
        certainty=pl.Series(levels.certainty(after, level)),
        other_parts=pl.Series(rest),
        unlimited=pl.Series(unlimited.tolist(), dtype=CANDIDATES["unlimited"]),
        **{name: pl.Series(after[:, place]) for place, name in enumerate(_REACHED)},
    )
    ordered = found.sort(pl.col("score").neg(), "achievement_id")
    return ordered.with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64()))
