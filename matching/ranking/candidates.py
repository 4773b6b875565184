"""The list of candidates: for every demand its best achievements, with the parts of their scores and reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from matching.ranking import levels
from matching.ranking.engines.engine import Engine, Here, blocks
from matching.ranking.engines.placing import Sides, index_of, lists_of_rows
from matching.ranking.features import Pairs, Titles, features_of
from matching.ranking.latent_rows import Latent, latent_of
from matching.ranking.learning import still_open
from matching.ranking.levels import LevelModel
from matching.ranking.per_pair import lists_of, numbers_of
from matching.ranking.scoring import Scored, Taught, judge_some, place_in, places_of, teach, titles_of, with_judged
from matching.ranking.similarity import similarity_parts
from matching.ranking.told import GROUPS
from matching.ranking.vectors import Vectors
from matching.ranking.weights import Weights
from matching.schema import CANDIDATES

# So many achievements are placed in the latent space once for all blocks; more would fill the memory, and then the
# blocks name few achievements in common.
_LATENT_ROWS: Final = 250_000


@dataclass(frozen=True)
class Shared:
    """What all blocks of demands are ranked by: plain values, so that other processes can be given them."""

    vectors: Vectors
    titles: Titles
    taught: Taught
    latent: Latent | None
    model: LevelModel
    weights: Weights
    top: int


@dataclass(frozen=True)
class Ranked:
    """Candidates as a frame of `schema.CANDIDATES`, and what they were ranked by: `lists` are the demands' own."""

    candidates: pl.DataFrame
    shared: Shared
    lists: Pairs

    @cached_property
    def scored(self) -> Scored:
        """All pairs that were scored, once more and at once."""
        return self.scored_of(np.arange(len(self.shared.vectors.demand_ids)))

    def scored_of(self, rows: np.ndarray) -> Scored:
        """The pairs of some demands, given by their rows, once more as they were scored."""
        return block_scored(self.shared, rows, self.lists.of(np.isin(self.lists.demands, rows)))


def candidates(
    vectors: Vectors,
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    judgements: pl.DataFrame,
    weights: Weights,
    model: LevelModel,
    top: int,
    progress: Callable[[int, int], None] | None = None,
    engine: Engine | None = None,
) -> Ranked:
    """The best `top` achievements of each demand, out of those that the retrieval finds.

    `judgements` is a frame of `schema.JUDGEMENTS`. Demands come in the order of their ids, candidates by rank; ties by
    achievement id. Three sums hold: the four parts make `similarity`; `shared_terms` (the strongest) and `other_terms`
    (the rest, summed) the text's parts; `base`, `feature_parts`, `learned` and `other_parts` make `score`. `progress`
    is told how many demands are done of all, a demand whose list is known counting half. The engine, this process where
    none is given, decides where that is done, not what comes of it.
    """
    engine = engine or Here()
    total = len(vectors.demand_ids)
    parts = blocks(total, engine.rows_at_a_time(total))

    def told(done: int) -> None:
        if progress:
            progress(done // 2, total)

    titles = titles_of(demands, achievements)
    sides = engine.put(Sides(vectors, titles))
    lists = _lists(engine, vectors, sides, parts, max(top, weights.retrieved), told)
    together = Pairs(
        np.concatenate([np.zeros(0, np.int64), *(each.demands for each in lists)]),
        np.concatenate([np.zeros(0, np.int64), *(each.achievements for each in lists)]),
    )
    shared = shared_of(vectors, titles, judgements, together, weights, model, top)
    beside = engine.put((shared.taught, shared.latent, model, weights, top))
    ranked = [pl.DataFrame(schema=_COLUMNS)]
    found = engine.run(candidates_of_rows, (sides, beside), zip(parts, lists, strict=True))
    for rows, each in zip(parts, found, strict=True):
        ranked.append(each)
        told(total + int(rows[-1]) + 1)
    # In one piece, whatever the blocks were.
    return Ranked(with_records(pl.concat(ranked, rechunk=True), demands, achievements), shared, together)


def _lists(
    engine: Engine, vectors: Vectors, sides: object, parts: list[np.ndarray], length: int, told: Callable[[int], None]
) -> list[Pairs]:
    """Each block's own lists; the index goes with this."""
    index = engine.put(index_of(vectors))
    asked = ((rows, length, engine.threads) for rows in parts)
    lists = []
    for rows, found in zip(parts, engine.run(lists_of_rows, (sides, index), asked), strict=True):
        lists.append(found)
        told(int(rows[-1]) + 1)
    return lists


def candidates_of_rows(
    sides: Sides, beside: tuple[Taught, Latent | None, LevelModel, Weights, int], asked: tuple[np.ndarray, Pairs]
) -> pl.DataFrame:
    """`block_candidates` of what an engine was given."""
    return block_candidates(Shared(sides.vectors, sides.titles, *beside), *asked)


def shared_of(
    vectors: Vectors,
    titles: Titles,
    judgements: pl.DataFrame,
    lists: Pairs,
    weights: Weights,
    model: LevelModel,
    top: int,
) -> Shared:
    """What blocks of demands are ranked by. `lists` has at least those of the demands that are judged."""
    places, known = places_of(vectors, judgements)
    nothing = Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64))
    judged, found_levels = with_judged(nothing, places, judgements["level"].to_numpy()[known])
    named = np.unique(np.concatenate([lists.achievements, judged.achievements]))
    few = len(named) <= _LATENT_ROWS
    latent = latent_of(vectors, named, vectors.achievements, vectors.achievement_titles) if few else None
    beside = lists.of(np.isin(lists.demands, judged.demands))
    features = features_of(vectors, titles, judged, beside, latent)
    taught = teach(vectors, judged, features, found_levels, model, weights.likeness)
    return Shared(vectors, titles, taught, latent, model, weights, top)


def block_scored(shared: Shared, rows: np.ndarray, lists: Pairs) -> Scored:
    """Score the pairs of some demands, given by their rows: those of their lists and those that are judged."""
    own = np.isin(shared.taught.pairs.demands, rows)
    pairs, _ = with_judged(lists, shared.taught.pairs.of(own), shared.taught.levels[own])
    features = features_of(shared.vectors, shared.titles, pairs, lists, shared.latent)
    return judge_some(shared.vectors, pairs, features, shared.taught, shared.model, shared.weights.likeness)


def block_candidates(shared: Shared, rows: np.ndarray, lists: Pairs) -> pl.DataFrame:
    """Candidates of some demands, given by their rows, out of their lists: columns of `schema.CANDIDATES`.

    Those that `with_records` adds are missing. The same demands have the same candidates whatever others are asked for.
    """
    scored = block_scored(shared, rows, lists)
    chosen = _best(scored, place_in(scored.pairs, lists), shared.top)
    kept = scored.pairs.of(chosen)
    parts = (
        similarity_parts(shared.vectors, kept, shared.weights),
        _judged(shared.vectors, scored, chosen, shared.model, shared.weights.reasons),
        _open(scored, chosen),
    )
    ranked = pl.concat(parts, how="horizontal").with_columns(rank=pl.int_range(1, pl.len() + 1).over("demand_id"))
    return ranked.select(_COLUMNS.keys()).cast(pl.Schema(_COLUMNS))


def with_records(found: pl.DataFrame, demands: pl.DataFrame, achievements: pl.DataFrame) -> pl.DataFrame:
    """Candidates of blocks with what the lists say of their records, as a frame of `schema.CANDIDATES`."""
    return (
        found.join(
            demands.select("demand_id", "enterprise", demand_title="title"), on="demand_id", maintain_order="left"
        )
        .join(
            achievements.select("achievement_id", "institute", achievement_title="title"),
            on="achievement_id",
            maintain_order="left",
        )
        .select(CANDIDATES.keys())
        .cast(pl.Schema(CANDIDATES))
    )


_OF_RECORDS: Final = ("enterprise", "demand_title", "institute", "achievement_title")
_COLUMNS: Final = {name: dtype for name, dtype in CANDIDATES.items() if name not in _OF_RECORDS}


def _best(scored: Scored, listed: np.ndarray, top: int) -> np.ndarray:
    """Places of the best of the listed pairs, demand by demand."""
    pairs = scored.pairs.of(listed)
    order = listed[np.lexsort((pairs.achievements, -scored.score[listed], pairs.demands))]
    demands = scored.pairs.demands[order]
    first = np.searchsorted(demands, demands)
    return np.asarray(order[np.arange(len(order)) - first < top])


def _judged(vectors: Vectors, scored: Scored, chosen: np.ndarray, model: LevelModel, reasons: int) -> pl.DataFrame:
    """Score, level and probabilities, and the parts that make the score."""
    base = levels.base_score(model)
    by_group = levels.grouped(levels.parts(model, scored.standardised[chosen]), model.names, GROUPS)
    amounts = np.column_stack(list(by_group.values()))
    learned, told = _reasons(vectors, scored, chosen, reasons)
    score, level = scored.score[chosen], scored.level[chosen]
    return pl.DataFrame(
        {
            "score": score,
            "level": level,
            "certainty": levels.certainty(scored.reached[chosen], level),
            **{f"reach_{step}": scored.reached[chosen, place] for place, step in enumerate(("two", "three", "four"))},
            "base": np.full(len(chosen), base),
            "feature_parts": _feature_parts(by_group),
            "learned": learned,
            # Judgements that moved the pair less, and what the limits of probabilities take off.
            "other_parts": score - base - amounts.sum(axis=1) - told,
        },
    )


def _feature_parts(by_group: dict[str, np.ndarray]) -> pl.Series:
    """For each pair its parts of features, group by group."""
    each = (pl.struct(feature=pl.lit(name), part=pl.lit(pl.Series(part))) for name, part in by_group.items())
    return pl.select(pl.concat_list(*each).cast(CANDIDATES["feature_parts"])).to_series()


def _reasons(vectors: Vectors, scored: Scored, chosen: np.ndarray, reasons: int) -> tuple[pl.Series, np.ndarray]:
    """The judgements that moved chosen pairs most, with what they added to the score, and the sums of these."""
    moved = scored.learned.amounts[chosen].tocoo()
    order = np.lexsort((moved.col, -np.abs(moved.data), moved.row))
    pair = moved.row[order]
    kept = np.arange(len(order)) - np.searchsorted(pair, pair) < reasons
    pair, judged, amounts = pair[kept], moved.col[order][kept], moved.data[order][kept]
    said = scored.alike.pairs.of(judged)
    table = pl.DataFrame(
        {
            "pair": pair.astype(np.int64),
            "demand_id": [vectors.demand_ids[row] for row in said.demands.tolist()],
            "achievement_id": [vectors.achievement_ids[column] for column in said.achievements.tolist()],
            "level": scored.judged[judged].astype(np.int64),
            "part": amounts,
        },
        schema_overrides={"demand_id": pl.String(), "achievement_id": pl.String()},
    )
    lists = lists_of(table, len(chosen), CANDIDATES["learned"])
    return lists, np.bincount(pair, weights=amounts, minlength=len(chosen))


def _open(scored: Scored, chosen: np.ndarray) -> pl.DataFrame:
    """For each candidate its probabilities before their limits, and its covariances with those of its demand."""
    squares = still_open(scored.alike, scored.families, chosen)
    widths = np.array([len(square) for square in squares for _ in square], dtype=np.int64)
    flat = np.concatenate([np.zeros(0), *(square.ravel() for square in squares)])
    unlimited = scored.unlimited[chosen]
    return pl.DataFrame(
        {
            "unlimited": numbers_of(unlimited.ravel(), np.full(len(chosen), unlimited.shape[1])),
            "covariances": numbers_of(flat, widths),
        }
    )
