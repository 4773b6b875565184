"""Measure the kept index: `python scripts/measure_index.py [ACHIEVEMENTS]`, 100,000 without a number.

A made catalogue and 1,000 demands are ranked from the beginning; then 1,000 achievements come and all is ranked once
more, by the kept index and, for comparison, from the beginning in the same space. Printed are the seconds of each step
by the clock and of the processors, how many demands were ranked anew, and what the index takes on the disk.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import polars as pl
from bench.made_records import records

from matching.pipeline.index_state import CATALOGUE
from matching.pipeline.keeping import updated
from matching.pipeline.ranking import no_judgements
from matching.pipeline.reranking import RANKING, rerank
from matching.ranking.kept_files import open_kept
from matching.ranking.last_ranking import open_last
from matching.ranking.levels import load_model
from matching.ranking.record_keys import record_keys
from matching.ranking.weights import load_weights
from matching.schema import FIELDS

DEMANDS: Final = 1_000
COME: Final = 1_000
TOP: Final = 10
# Fields say how records are placed, not how long it takes.
NO_FIELDS: Final = pl.DataFrame(schema=FIELDS)

Made = TypeVar("Made")


def main() -> None:
    """Make the lists, rank them twice, print the figures."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    weights, model, judged = load_weights(), load_model(), no_judgements()
    made = records(number + COME + DEMANDS).with_columns(record_id=pl.format("R{}", pl.col("number") + 10**7))
    everything = made[: number + COME].select("title", achievement_id="record_id", summary="text")
    demands = made[number + COME :].select("title", demand_id="record_id", problem="text")
    before = everything[:number]
    # What is compiled once is compiled first.
    few = everything[:200], demands[:20]
    warm = updated(None, few[1], few[0], NO_FIELDS, NO_FIELDS, weights)
    rerank(None, warm, few[1], few[0], judged, weights, model, TOP)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        first = timed(
            "fit, place and keep all", lambda: updated(folder, demands, before, NO_FIELDS, NO_FIELDS, weights)
        )
        timed("rank all demands", lambda: rerank(folder, first, demands, before, judged, weights, model, TOP))
        for name in (CATALOGUE, RANKING):
            size = sum(path.stat().st_size for path in (folder / name).iterdir())
            print(f"{size / 2**20:>10.0f} MiB  {name}")
        timed("open and check the catalogue", lambda: open_kept(folder / CATALOGUE))
        timed("open and check the ranking", lambda: open_last(folder / RANKING))
        timed("keys of all records", lambda: record_keys(everything, "achievements", NO_FIELDS, weights))
        later = timed(
            f"update with {COME:,} achievements",
            lambda: updated(folder, demands, everything, NO_FIELDS, NO_FIELDS, weights),
        )
        kept = timed(
            "rank what they touch",
            lambda: rerank(folder, later, demands, everything, judged, weights, model, TOP),
        )
        print(f"{kept.ranked:>10,} demands ranked anew, {kept.kept:,} kept")
        anew = timed(
            "rank all in the same space",
            lambda: rerank(None, later, demands, everything, judged, weights, model, TOP),
        )
        print(f"{'same' if kept.candidates.equals(anew.candidates) else 'OTHER':>10} candidates")
        timed(
            "fit, place and keep all once more",
            lambda: updated(folder, demands, everything, NO_FIELDS, NO_FIELDS, weights, refit=True),
        )


def timed(name: str, work: Callable[[], Made]) -> Made:
    """Do a step and print its seconds, by the clock and of the processors."""
    clock, busy = time.perf_counter(), time.process_time()
    made = work()
    print(f"{time.perf_counter() - clock:>10.2f} s  {time.process_time() - busy:>8.2f} s CPU  {name}", flush=True)
    return made


if __name__ == "__main__":
    main()
