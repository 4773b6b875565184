"""The stages of matching timed one by one, from files to the written list, through the stages' public functions.

Each stage's work is a line of `serve`; what is measured of it is in `bench.measuring`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from sqlalchemy import Engine

from bench import catalogue as made
from bench import lists
from bench.matrices import keep_vectors, kept
from bench.measuring import forget_most_memory, medians, most_memory, timed
from bench.workers import Failed, Limits, once, worker
from matching.fields.assignment import assign_fields
from matching.fields.lexicon import load_lexicon
from matching.intake.reading import read_file
from matching.ledger import catalogue
from matching.pipeline import rank
from matching.ranking.candidates import candidates
from matching.ranking.counting import count
from matching.ranking.features import Pairs, features_of
from matching.ranking.levels import load_model
from matching.ranking.processors import cores
from matching.ranking.scoring import judge, titles_of, with_judged
from matching.ranking.space import fit, place
from matching.ranking.topk import build, search
from matching.ranking.vectors import vectors_of
from matching.ranking.weights import load_weights
from matching.reporting.tables import candidate_table, write_table
from matching.schema import ID, JUDGEMENTS, KINDS, Kind
from matching.wording import DEFAULT_LANGUAGE

TOP: Final = 10
# Larger lists do not come as workbooks, nor do they stand in a ledger that one person's machine holds.
MOST_IN_WORKBOOK: Final = 100_000
MOST_IN_LEDGER: Final = 100_000
# Records that everything is loaded and compiled with.
_WARM_DEMANDS, _WARM = 20, 200

Took = dict[str, Any]


def stages(folder: Path, demands: int, size: int, rounds: int, limits: Limits) -> list[Took]:
    """A row for each stage: stage, size, demands, cpu and wall in seconds, memory, the most in MB, or failed.

    Every round runs all stages in a process of its own; `medians` says what stands in a row. The rows of the vectors
    are left in the folder, as the full matrix.
    """
    rows: dict[str, list[Took]] = {}
    workbooks = size <= MOST_IN_WORKBOOK
    limits = replace(limits, later=limits.first)
    try:
        once(lists.write_files, folder, demands, size, workbooks, limits=limits)
        if size <= MOST_IN_LEDGER:
            once(lists.write_ledger, folder / "ledger.sqlite", demands, size, limits=limits)
        for _ in range(rounds):
            for row in _round(folder, demands, size, workbooks, limits):
                rows.setdefault(row["stage"], []).append(row)
    except Failed as failed:
        rows["rest"] = [{"stage": "rest", "failed": str(failed)}]
    return [{"size": size, "demands": demands, **medians(each)} for each in rows.values()]


def _round(folder: Path, demands: int, size: int, workbooks: bool, limits: Limits) -> Iterator[Took]:
    with worker(serve, folder, demands, size, workbooks, size <= MOST_IN_LEDGER, limits=limits) as running:
        answer = running.first()
        while answer is not None:
            yield answer
            answer = running.ask("next")


def serve(
    folder: Path, demands: int, size: int, workbooks: bool, in_ledger: bool
) -> Generator[Took | None, object, None]:
    """What each stage took, one after the other, then None; what is loaded and compiled once is so before."""
    weights, model = load_weights(), load_model()
    rank(made.demands(_WARM_DEMANDS), made.achievements(_WARM))
    if in_ledger:
        engine = lists.ledger(folder / "ledger.sqlite")
        yield _took("read_ledger", lambda: [_from_ledger(engine, kind) for kind in KINDS])[1]
    if workbooks:
        yield _took("read_xlsx", lambda: _from_files(folder, ".xlsx"))[1]
    both, took = _took("read_csv", lambda: _from_files(folder, ".csv"))
    yield took
    both = both or lists.frames(demands, size)
    fields, took = _took("fields", lambda: [assign_fields(frame, ID[kind]) for kind, frame in both.items()])
    yield took
    lexicon = load_lexicon()
    counted, took = _took(
        "count", lambda: [count(frame, kind, weights.parts[kind], lexicon) for kind, frame in both.items()]
    )
    yield took
    space, took = _took("fit", lambda: fit(*counted, *fields, weights))
    yield took
    placed, took = _took("place", lambda: [place(space, *each) for each in zip(KINDS, counted, fields, strict=True)])
    yield took
    vectors = vectors_of(space, *placed)
    if not kept(folder, "full"):
        keep_vectors(folder, vectors)
    index, took = _took("index", lambda: build(vectors.achievements))
    yield took
    best, took = _took("retrieve", lambda: search(index, vectors.demands, weights.retrieved, threads=cores()))
    found = Pairs(best[0], best[1])
    yield {**took, "pairs": len(found)}
    none = np.zeros(0, np.int64)
    pairs, judged = with_judged(found, found.of(none), none)
    titles = titles_of(*both.values())
    features, took = _took("features", lambda: features_of(vectors, titles, pairs, found))
    yield {**took, "pairs": len(pairs)}
    _, took = _took("levels", lambda: judge(vectors, pairs, features, judged, model, weights.likeness))
    yield {**took, "pairs": len(pairs)}
    nothing = pl.DataFrame(schema=JUDGEMENTS)
    ranked, took = _took("candidates", lambda: candidates(vectors, *both.values(), nothing, weights, model, TOP))
    yield took
    for suffix in (".csv", ".xlsx") if ranked else ():
        yield _took(f"write_{suffix[1:]}", partial(_write, ranked.candidates, folder / f"candidates{suffix}"))[1]
    yield None


def _took(stage: str, work: Callable[[], Any]) -> tuple[Any, Took]:
    """What a stage gives, and what it took; None, and why it failed."""
    forget_most_memory()
    try:
        value, seconds = timed(work)
    except Exception as error:  # noqa: BLE001 - whatever a stage fails with goes into the table
        return None, {"stage": stage, "failed": f"{type(error).__name__}: {error}"[:200]}
    return value, {"stage": stage, **seconds, "memory": most_memory()}


def _from_files(folder: Path, suffix: str) -> dict[Kind, pl.DataFrame]:
    return {kind: read_file(folder / f"{kind}{suffix}", kind, lists.settings()).frame for kind in KINDS}


def _from_ledger(engine: Engine, kind: Kind) -> tuple[pl.DataFrame, pl.DataFrame]:
    records = catalogue.current_records(engine, kind)
    return records, catalogue.current_fields(engine, kind, terms=False)


def _write(found: pl.DataFrame, target: Path) -> None:
    write_table(candidate_table(found, DEFAULT_LANGUAGE), target, DEFAULT_LANGUAGE)
