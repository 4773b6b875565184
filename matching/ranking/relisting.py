"""The demands' lists after some records changed, and whose candidates may be others than before.

Nothing here is an estimate: lists are those of a search among all achievements, and every demand that is left out has
the candidates that it would have if all were ranked anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import scipy.sparse as sp

from matching.ranking.features import Pairs
from matching.ranking.kept import Kept, best_of, gathered
from matching.ranking.nearness import family_numbers, learning_demands, near_demands
from matching.ranking.processors import cores
from matching.ranking.refitting import changes
from matching.ranking.space import Placed, Space
from matching.ranking.topk import build, search
from matching.ranking.vectors import Vectors, vectors_of


@dataclass(frozen=True)
class Listed:
    """What was ranked: demands as placed, keys of both lists (`record_keys.KEYS`), judgements (`schema.JUDGEMENTS`).

    `lists` are each demand's own list by places in the ids of both, best first, with `scores`.
    """

    demands: Placed
    demand_keys: pl.DataFrame
    achievement_keys: pl.DataFrame
    judgements: pl.DataFrame
    lists: Pairs
    scores: np.ndarray


def relisted(before: Listed, now: Listed, kept: Kept, length: int) -> tuple[Listed, np.ndarray]:
    """`now` with the lists as they are, and the rows of the demands whose list is new or has other achievements.

    `before` was ranked in the same space with lists of the same length; `now` has no lists yet.
    """
    asked = changes(before.achievement_keys, now.achievement_keys)
    place = _places(before.achievement_keys, now.achievement_keys)
    place[_rows_of(before.achievement_keys, asked.changed)] = -1
    row = _places(before.demand_keys, now.demand_keys)
    row[_rows_of(before.demand_keys, changes(before.demand_keys, now.demand_keys).changed)] = -1
    old = Pairs(row[before.lists.demands], place[before.lists.achievements])
    anew = np.ones(len(now.demands.ids), dtype=bool)
    anew[row[row >= 0]] = False
    anew[old.demands[(old.demands >= 0) & (old.achievements < 0)]] = True
    stays = (old.demands >= 0) & ~anew[old.demands]
    rows = np.flatnonzero(~anew)
    fresh = _rows_of(now.achievement_keys, (*asked.added, *asked.changed))
    same, scores, entered = _entered(old.of(stays), before.scores[stays], kept, now.demands.rows, rows, fresh, length)
    searched = np.flatnonzero(anew)
    found, found_scores = best_of(kept, now.demands.rows[searched], length)
    pairs = Pairs(
        np.concatenate([same.demands, searched[found.demands]]), np.concatenate([same.achievements, found.achievements])
    )
    whole = np.concatenate([scores, found_scores])
    order = np.lexsort((pairs.achievements, -whole, pairs.demands))
    return replace(now, lists=pairs.of(order), scores=whole[order]), np.union1d(searched, entered)


def _entered(
    same: Pairs,
    scores: np.ndarray,
    kept: Kept,
    demands: sp.csr_matrix,
    rows: np.ndarray,
    fresh: np.ndarray,
    length: int,
) -> tuple[Pairs, np.ndarray, np.ndarray]:
    """Lists of some rows after the fresh achievements may have entered them, and the rows where one did."""
    if not len(fresh) or not len(rows):
        return same, scores, np.zeros(0, np.int64)
    order = np.lexsort((same.achievements, -scores, same.demands))
    same, scores = same.of(order), scores[order]
    least = np.zeros(len(rows))
    ends = np.searchsorted(same.demands, rows, side="right")
    full = ends - np.searchsorted(same.demands, rows) >= length
    least[full] = scores[ends[full] - 1]
    index = build(gathered(kept, fresh).rows, fresh)
    found, places, more = search(index, demands[rows], length, threads=cores(), least=least)
    pairs = Pairs(np.concatenate([same.demands, rows[found]]), np.concatenate([same.achievements, places]))
    both = np.concatenate([scores, more])
    order = np.lexsort((pairs.achievements, -both, pairs.demands))
    sorted_demands = pairs.demands[order]
    among = order[np.arange(len(order)) - np.searchsorted(sorted_demands, sorted_demands) < length]
    return pairs.of(among), both[among], np.unique(pairs.demands[among[among >= len(same)]])


def affected(before: Listed, now: Listed, space: Space, relisted_rows: np.ndarray, near: float) -> np.ndarray:
    """Rows of the demands, now, whose candidates may be others than before: `relisted_rows` and those that learn."""
    ids = now.demand_keys["record_id"]
    other = _judged_otherwise(before, now)
    said = changes(before.demand_keys, now.demand_keys)
    changed = pl.concat([ids.gather(relisted_rows), other]).unique()
    new = _learning(space, now, changed, near)
    # What was taught by demands that are not there any more, or said something else, is no longer known.
    was = pl.concat([changed, pl.Series([*said.changed, *said.gone], dtype=pl.String())]).unique()
    old = _learning(space, before, was, near)
    return _rows_of(now.demand_keys, tuple(pl.concat([changed, new, old]).unique()))


def teaching(now: Listed, space: Space, rows: np.ndarray, near: float) -> np.ndarray:
    """Rows of the judged demands that some demands learn from: beside them, these are ranked as among all."""
    vectors = _demand_vectors(space, now)
    judged = np.unique(_rows_of(now.demand_keys, tuple(now.judgements["demand_id"].unique())))
    number = family_numbers(vectors, judged, near)
    reaching = np.diff(near_demands(vectors, judged, rows, near).indptr) > 0
    return np.asarray(judged[np.isin(number, number[reaching]) | np.isin(judged, rows)])


def _learning(space: Space, side: Listed, changed: pl.Series, near: float) -> pl.Series:
    """Ids of the demands that may learn otherwise when some change, of those of one moment."""
    rows = _rows_of(side.demand_keys, tuple(changed))
    judged = _rows_of(side.demand_keys, tuple(side.judgements["demand_id"].unique()))
    found = learning_demands(_demand_vectors(space, side), judged, near, rows)
    return side.demand_keys["record_id"].gather(found)


def _demand_vectors(space: Space, side: Listed) -> Vectors:
    nothing = Placed((), sp.csr_matrix((0, side.demands.rows.shape[1])), sp.csr_matrix((0, 0)))
    return vectors_of(space, side.demands, nothing)


def known_judgements(
    judgements: pl.DataFrame, demand_keys: pl.DataFrame, achievement_keys: pl.DataFrame
) -> pl.DataFrame:
    """Judgements of pairs of which both sides are there, each pair once: the later row counts."""
    return (
        judgements.unique(["demand_id", "achievement_id"], keep="last")
        .join(demand_keys, left_on="demand_id", right_on="record_id", how="semi")
        .join(achievement_keys, left_on="achievement_id", right_on="record_id", how="semi")
        .select("demand_id", "achievement_id", "level")
        .sort("demand_id", "achievement_id")
    )


def _judged_otherwise(before: Listed, now: Listed) -> pl.Series:
    """Ids of demands, of either moment, whose judgements or judged achievements are others."""
    pair = ["demand_id", "achievement_id"]
    sides = [
        side.judgements.join(side.achievement_keys, left_on=pair[1], right_on="record_id") for side in (before, now)
    ]
    whole = [*pair, "level", "key"]
    gone, come = sides[0].join(sides[1], on=whole, how="anti"), sides[1].join(sides[0], on=whole, how="anti")
    return pl.concat([gone["demand_id"], come["demand_id"]]).unique()


def _places(before: pl.DataFrame, now: pl.DataFrame) -> np.ndarray:
    """For each record of before its row now, -1 for none."""
    there = now.select("record_id").with_row_index("row")
    found = before.select("record_id").join(there, on="record_id", how="left", maintain_order="left")["row"]
    return found.cast(pl.Int64()).fill_null(-1).to_numpy().copy()


def _rows_of(keys: pl.DataFrame, ids: tuple[str, ...]) -> np.ndarray:
    """The rows of some records that are there, in order."""
    return keys["record_id"].is_in(list(ids)).arg_true().to_numpy().astype(np.int64)
