"""Measure how soon a typed demand has its candidates: `python scripts/measure_find.py [ACHIEVEMENTS] [FINDS]`.

100,000 made achievements and a hundredth as many demands are loaded as from a ledger; then 200 further demands are
found, each by its title and problem. Printed are the median and the 95th percentile of the milliseconds that passed and
that the processor worked, of whole demands and of titles alone, and what of them each step took.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np
import polars as pl
from bench import catalogue

from matching.fields.narrowing import narrowed
from matching.fields.typed import field_models, fields_of_texts
from matching.pipeline.finding import catalogue_of, find, find_record
from matching.pipeline.keeping import updated
from matching.ranking.counting import Counted, count
from matching.ranking.finding import Catalogue
from matching.ranking.kept import best_of
from matching.ranking.levels import load_model
from matching.ranking.space import Placed, place
from matching.ranking.weights import load_weights
from matching.schema import FIELDS, ID, Kind

ACHIEVEMENTS: Final = 100_000
FINDS: Final = 200
TOP: Final = 10
# Demands in the ledger for so many achievements.
DEMANDS: Final = 100
# Records whose fields are read at a time.
LOT: Final = 5_000


def main() -> None:
    """Make the lists, load them, find, print the figures."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else ACHIEVEMENTS
    finds = int(sys.argv[2]) if len(sys.argv) > 2 else FINDS
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    demands = catalogue.demands(number // DEMANDS + finds)
    records: dict[Kind, pl.DataFrame] = {
        "demands": demands.head(number // DEMANDS),
        "achievements": catalogue.achievements(number),
    }
    fields = {kind: fields_of(frame, kind) for kind, frame in records.items()}
    began = time.perf_counter(), time.process_time()
    sides = records["demands"], records["achievements"], fields["demands"], fields["achievements"]
    kept = updated(None, *sides, load_weights()).catalogue.kept
    loaded = catalogue_of(kept, records["achievements"], load_model())
    wall, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    print(f"{number:,} achievements, {loaded.kept.space.starts[-1]:,} columns, loaded in {wall:.1f} s ({cpu:.1f})")
    asked = demands.tail(finds)
    texts = [f"{title}\n{problem}" for title, problem in asked.select("title", "problem").iter_rows()]
    print(f"\n{'milliseconds':<28}{'median':>10}{'(cpu)':>8}{'95 %':>10}{'(cpu)':>8}")
    tell("title and problem", [taken(partial(find, loaded, text, TOP)) for text in texts])
    titles = asked["title"].to_list()
    tell("title alone", [taken(partial(find, loaded, title, TOP)) for title in titles])
    for name, work in steps(loaded).items():
        tell(f"  {name}", [taken(partial(work, asked[row])) for row in range(asked.height)])
    print(f"\nload {os.getloadavg()[0]:.1f}")


def fields_of(frame: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """Fields of a list, as the ledger keeps them."""
    models = field_models()
    lots = [fields_of_texts(lot, ID[kind], models) for lot in frame.iter_slices(LOT)]
    return pl.concat([pl.DataFrame(schema=FIELDS), *lots])


def steps(loaded: Catalogue) -> dict[str, Callable[[pl.DataFrame], object]]:
    """Parts of finding a demand, each by itself; the later ones do what stands before them once more."""
    parts = loaded.weights.parts["demands"]
    no_fields = pl.DataFrame(schema=FIELDS)

    def fields(demand: pl.DataFrame) -> pl.DataFrame:
        return fields_of_texts(demand, "demand_id", loaded.field_models)

    def counting(demand: pl.DataFrame) -> Counted:
        return count(demand, "demands", parts, narrowed(loaded.forms, [demand["title"][0], demand["problem"][0]]))

    def placing(demand: pl.DataFrame) -> Placed:
        return place(loaded.kept.space, "demands", counting(demand), no_fields)

    def searching(demand: pl.DataFrame) -> object:
        return best_of(loaded.kept, placing(demand).rows, loaded.weights.retrieved)

    def everything(demand: pl.DataFrame) -> object:
        return find_record(loaded, demand, TOP)

    return {
        "its fields": fields,
        "counted": counting,
        "counted, placed": placing,
        "counted, placed, searched": searching,
        "all of a record": everything,
    }


def taken(work: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds that passed, and those of the processor."""
    began = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - began[0]) * 1e3, (time.process_time() - began[1]) * 1e3


def tell(name: str, taken: list[tuple[float, float]]) -> None:
    """Print the median and the 95th percentile."""
    (wall, cpu), (late, late_cpu) = np.percentile(taken, [50, 95], axis=0)
    print(f"{name:<28}{wall:>10.1f}{cpu:>8.1f}{late:>10.1f}{late_cpu:>8.1f}", flush=True)


if __name__ == "__main__":
    main()
