"""A kept catalogue is ranked: demands that nothing changed for keep their candidates, the others are ranked anew."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp

from matching.pipeline.keeping import Updated
from matching.progress import Progress, step
from matching.ranking.candidates import candidates_of_rows, shared_of
from matching.ranking.engines.engine import Engine, Here, blocks
from matching.ranking.engines.placing import Sides
from matching.ranking.features import Pairs
from matching.ranking.kept import Kept, best_among, gathered
from matching.ranking.last_ranking import LastRanking, open_last, save_last
from matching.ranking.levels import LevelModel
from matching.ranking.record_keys import digest_of, keys_digest, program_key
from matching.ranking.relisting import Listed, affected, known_judgements, relisted, teaching
from matching.ranking.scoring import titles_of
from matching.ranking.stored_files import updating
from matching.ranking.vectors import vectors_of
from matching.ranking.weights import Weights
from matching.schema import CANDIDATES

RANKING: Final = "ranking"
# What the lists say of a candidate's records is looked up when it is shown.
_OF_RECORDS: Final = ("enterprise", "demand_title", "institute", "achievement_title")
_COLUMNS: Final = {name: dtype for name, dtype in CANDIDATES.items() if name not in _OF_RECORDS}


@dataclass(frozen=True)
class Reranked:
    """Candidates of every demand, as `candidates.candidates` finds them but for what their records say.

    `ranked` demands were ranked anew, `kept` ones had their candidates already; `damaged` says that what was kept had
    to be found anew.
    """

    candidates: pl.DataFrame
    ranked: int
    kept: int
    damaged: bool


@dataclass(frozen=True)
class _Asked:
    """What is to be ranked, and by what: a catalogue, the lists that it was updated with, judgements, lists' length."""

    updated: Updated
    demands: pl.DataFrame
    achievements: pl.DataFrame
    judgements: pl.DataFrame
    weights: Weights
    model: LevelModel
    top: int


def ranking_fingerprint(
    updated: Updated, judgements: pl.DataFrame, weights: Weights, model: LevelModel, top: int
) -> str:
    """A key of all that decides the lists of a kept catalogue: equal ones mean equal lists."""
    said = judgements.unique(["demand_id", "achievement_id"], keep="last").sort("demand_id", "achievement_id")
    keys = keys_digest(updated.demand_keys, updated.catalogue.current)
    settings = _settings(weights, model, top)
    return digest_of([updated.catalogue.fit.key, settings, keys, said.write_ndjson()])


def rerank(
    folder: Path | None,
    updated: Updated,
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    judgements: pl.DataFrame,
    weights: Weights,
    model: LevelModel,
    top: int,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> Reranked:
    """Rank a catalogue that was just brought up to date, and keep what was found in the folder for the next time.

    `demands` and `achievements` are the lists that it was updated with; the engine, this process where none is
    given, ranks them, with the same result.
    """
    engine = engine or Here()
    asked = _Asked(updated, demands, achievements, judgements, weights, model, top)
    if folder is None:
        return _reranked(asked, None, engine, progress)[0]
    with updating(folder / RANKING) as alone:
        known = open_last(folder / RANKING)
        damaged = known == "damaged"
        last = known if isinstance(known, LastRanking) and _fits(known, asked) else None
        found, kept = _reranked(asked, last, engine, progress)
        if alone:
            # What cannot be written stays as it was: the next ranking then starts from there.
            with suppress(OSError):
                save_last(folder / RANKING, kept)
        return replace(found, damaged=damaged)


def _settings(weights: Weights, model: LevelModel, top: int) -> str:
    return digest_of([weights.as_values(), model.as_values(), top, program_key()])


def _fits(last: LastRanking, asked: _Asked) -> bool:
    settings = _settings(asked.weights, asked.model, asked.top)
    return last.space == asked.updated.catalogue.fit.key and last.settings == settings


def _reranked(
    asked: _Asked, last: LastRanking | None, engine: Engine, progress: Progress | None
) -> tuple[Reranked, LastRanking]:
    updated, weights = asked.updated, asked.weights
    catalogue, length = updated.catalogue, max(asked.top, weights.retrieved)
    kept = catalogue.kept
    sides = updated.demands, updated.demand_keys, catalogue.current
    near = weights.likeness.near
    known = known_judgements(asked.judgements, *sides[1:])
    if last is None:
        now = Listed(*sides, known, *_searched(engine, kept, updated.demands.rows, length))
        rows = np.arange(len(updated.demands.ids))
        stay = pl.DataFrame(schema=_COLUMNS)
    else:
        nothing = Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64))
        now = Listed(*sides, known, nothing, np.zeros(0))
        now, changed = relisted(last.listed, now, kept, length)
        rows = affected(last.listed, now, kept.space, changed, near)
        others = np.setdiff1d(np.arange(len(updated.demands.ids)), rows)
        ids = updated.demand_keys["record_id"].gather(others)
        stay = last.candidates.filter(pl.col("demand_id").is_in(ids.implode()))
    fresh = _ranked(asked, now, rows, engine, progress)
    candidates = pl.concat([stay, fresh]).sort("demand_id", "rank")
    found = Reranked(candidates, len(rows), len(updated.demands.ids) - len(rows), False)
    settings = _settings(weights, asked.model, asked.top)
    return found, LastRanking(catalogue.fit.key, settings, now, candidates)


def _ranked(asked: _Asked, now: Listed, rows: np.ndarray, engine: Engine, progress: Progress | None) -> pl.DataFrame:
    """Candidates of some demands, by their rows, ranked with all that they learn from, and with no other record."""
    if not len(rows):
        return pl.DataFrame(schema=_COLUMNS)
    kept, weights, model, top = asked.updated.catalogue.kept, asked.weights, asked.model, asked.top
    together = np.union1d(rows, teaching(now, kept.space, rows, weights.likeness.near))
    ids = now.demand_keys["record_id"]
    judged = now.judgements.filter(pl.col("demand_id").is_in(ids.gather(together).implode()))
    lists = now.lists.of(np.isin(now.lists.demands, together))
    known = now.achievement_keys["record_id"].is_in(judged["achievement_id"].unique().implode())
    places = np.union1d(lists.achievements, known.arg_true().to_numpy()).astype(np.int64)
    vectors = vectors_of(kept.space, now.demands, gathered(kept, places))
    narrow = Pairs(lists.demands, np.searchsorted(places, lists.achievements))
    held = asked.achievements.filter(pl.col("achievement_id").is_in(vectors.achievement_ids))
    titles = titles_of(asked.demands, held)
    shared = shared_of(vectors, titles, judged, narrow, weights, model, top)
    sides = engine.put(Sides(vectors, titles))
    beside = engine.put((shared.taught, shared.latent, model, weights, top))
    parts = [rows[some] for some in blocks(len(rows), engine.rows_at_a_time(len(rows)))]
    pieces = ((some, narrow.of(np.isin(narrow.demands, some))) for some in parts)
    tell, done = step(progress, "rank"), 0
    found = []
    for some, ranked in zip(parts, engine.run(candidates_of_rows, (sides, beside), pieces), strict=True):
        found.append(ranked)
        done += len(some)
        if tell:
            tell(done, len(rows))
    return pl.concat(found)


def _searched(engine: Engine, kept: Kept, demands: sp.csr_matrix, length: int) -> tuple[Pairs, np.ndarray]:
    """Every demand's own list, and the scores."""
    indexes = engine.put(tuple(segment.index for segment in kept.segments))
    parts = blocks(demands.shape[0], engine.rows_at_a_time(demands.shape[0]))
    asked = ((demands[some], length, engine.threads) for some in parts)
    rows, places, scores = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
    for some, (pairs, found) in zip(parts, engine.run(best_among, (indexes,), asked), strict=True):
        rows.append(some[pairs.demands])
        places.append(pairs.achievements)
        scores.append(found)
    return Pairs(np.concatenate(rows), np.concatenate(places)), np.concatenate(scores)
