"""`make cluster-benchmark`: one worker process beside two, and what ten million achievements would take.

The lists are ranked by `local:1` and `local:2`, each twice: the first time workers load the program, the second one
counts. Fields are left out, which are assigned before anything is ranked. Seconds that passed say something on an idle
machine alone; seconds of the workers' processors on any. docs/cluster.md is written from the template beside this.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from bench.catalogue import achievements as made_achievements
from bench.catalogue import demands as made_demands
from matching.pipeline.ranking import no_judgements
from matching.ranking.candidates import candidates
from matching.ranking.engines.cluster import Cluster
from matching.ranking.engines.opening import on_this_machine
from matching.ranking.levels import load_model
from matching.ranking.vectors import Vectors, vectorize
from matching.ranking.weights import load_weights
from matching.schema import FIELDS

DOCUMENTS: Final = Path(__file__).resolve().parents[2] / "docs"
TEMPLATE: Final = Path(__file__).with_name("cluster.md.template")
TOP: Final = 10
# What is estimated, and on which nodes: their memory, the share of it for workers, their processors.
ACHIEVEMENTS: Final = 10_000_000
DEMANDS: Final = 1_000_000
NODE_GIGABYTES: Final = 512
FOR_WORKERS: Final = 0.9
NODE_PROCESSORS: Final = 64
NODES: Final = (1, 4, 16)


@dataclass
class Timed:
    """An engine whose runs are timed: seconds that passed, and of each worker's processor, by the name of the work."""

    engine: Cluster
    passed: dict[str, float] = field(default_factory=dict)
    worked: dict[str, list[float]] = field(default_factory=dict)
    putting: float = 0.0

    @property
    def threads(self) -> int:
        """As the engine says."""
        return self.engine.threads

    def rows_at_a_time(self, total: int) -> int:
        """As the engine says."""
        return self.engine.rows_at_a_time(total)

    def put(self, value: object) -> object:
        """Timed as well."""
        begun = time.perf_counter()
        put = self.engine.put(value)
        self.putting += time.perf_counter() - begun
        return put

    def run(self, work: Callable[..., Any], shared: tuple[object, ...], pieces: Iterable[Any]) -> Iterator[Any]:
        """All pieces at once, so that no time goes by that is not theirs."""
        before, begun = self._processors(), time.perf_counter()
        made = list(self.engine.run(work, shared, pieces))
        self.passed[work.__name__] = time.perf_counter() - begun
        self.worked[work.__name__] = [self._processors()[name] - before[name] for name in before]
        yield from made

    def _processors(self) -> dict[str, float]:
        found: dict[str, float] = self.engine.client.run(time.process_time)
        return found


def main() -> None:
    """Measure, print, write the document."""
    asked = argparse.ArgumentParser(description="One worker process beside two.")
    asked.add_argument("--demands", type=int, default=10_000)
    asked.add_argument("--achievements", type=int, default=100_000)
    sizes = asked.parse_args()
    records = made_demands(sizes.demands), made_achievements(sizes.achievements)
    nothing = pl.DataFrame(schema=FIELDS)
    vectors = vectorize(*records, nothing, nothing, load_weights())
    one, bytes_put = measured(1, vectors, records)
    two, _ = measured(2, vectors, records)
    values = figures(one, two, vectors, bytes_put)
    text = TEMPLATE.read_text(encoding="utf-8").format(**values)
    (DOCUMENTS / "cluster.md").write_text(text, encoding="utf-8")
    print("\n".join(f"{name}: {value}" for name, value in values.items()))


def measured(workers: int, vectors: Vectors, records: tuple[pl.DataFrame, pl.DataFrame]) -> tuple[Timed, int]:
    """The second of two rankings, and the bytes that were shared for it."""
    with on_this_machine(workers) as engine:
        for _ in range(2):
            timed, before = Timed(engine), _bytes_in(engine)
            candidates(vectors, *records, no_judgements(), load_weights(), load_model(), TOP, None, timed)
        return timed, _bytes_in(engine) - before


def _bytes_in(engine: Cluster) -> int:
    shared = engine.folder.rglob("*") if engine.folder else ()
    return sum(path.stat().st_size for path in shared if path.is_file())


def figures(one: Timed, two: Timed, vectors: Vectors, bytes_put: int) -> dict[str, object]:
    """All that the document says, worded; a stored value of a row is eight bytes, half of them its column."""
    demands, achievements = len(vectors.demand_ids), len(vectors.achievement_ids)
    lists, ranked = (sum(two.worked[name]) for name in two.worked)
    of_demands = vectors.demands.nnz + vectors.demand_titles.nnz
    per_demand = of_demands * 8 / demands
    # The space's own directions hardly grow with the lists.
    space = vectors.directions.nbytes
    per_achievement = (bytes_put - of_demands * 8 - space) / achievements
    worker = (per_achievement * ACHIEVEMENTS + per_demand * DEMANDS + space) / 1e9
    each = min(NODE_PROCESSORS, int(NODE_GIGABYTES * FOR_WORKERS / worker))
    seconds = lists / demands / achievements * DEMANDS * ACHIEVEMENTS + ranked / demands * DEMANDS
    passed = [sum(timed.passed.values()) for timed in (one, two)]
    worked = sum(map(sum, one.worked.values())), sum(max(each) for each in two.worked.values())
    return {
        "demands": f"{demands:,}",
        "achievements": f"{achievements:,}",
        "processors": os.cpu_count(),
        "load": f"{os.getloadavg()[0]:.1f}",
        "one_passed": f"{passed[0]:.1f}",
        "two_passed": f"{passed[1]:.1f}",
        "ratio": f"{passed[0] / passed[1]:.2f}",
        "one_worked": f"{worked[0]:.1f}",
        "two_worked": f"{worked[1]:.1f}",
        "worked_ratio": f"{worked[0] / worked[1]:.2f}",
        "putting": f"{two.putting:.1f}",
        "megabytes": f"{bytes_put / 1e6:,.0f}",
        "per_pair": f"{lists / demands / achievements * 1e9:.1f}",
        "per_demand": f"{ranked / demands * 1e3:.1f}",
        "bytes_achievement": f"{per_achievement:,.0f}",
        "bytes_demand": f"{per_demand:,.0f}",
        "worker_gigabytes": f"{worker:.0f}",
        "node_gigabytes": NODE_GIGABYTES,
        "node_processors": NODE_PROCESSORS,
        "node_workers": each,
        "hours_all": f"{seconds / 3600:,.0f}",
        "nodes": "\n".join(_node_row(number, each, worker, seconds) for number in NODES),
    }


def _node_row(number: int, each: int, worker: float, seconds: float) -> str:
    hours = f"{seconds / 3600 / (number * each):,.1f}" if each else "-"
    return f"| {number} | {each} | {each * worker:.0f} | {hours} |"


if __name__ == "__main__":
    main()
