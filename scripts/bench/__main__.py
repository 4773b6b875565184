"""`make bench`: measure what is asked for, keep the figures, write docs/performance.md from all that are kept."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.bandwidth import bandwidth
from bench.document import write
from bench.jobs import job
from bench.likeness import likeness
from bench.machine import machine
from bench.matrices import MATRICES, kept, make_full, make_words
from bench.peers import METHODS
from bench.rounds import OURS, Pace, compare, streamed
from bench.stages import stages
from bench.workers import Failed, Limits, once

ROOT: Final = Path(__file__).resolve().parents[2]
PARTS: Final = ("machine", "likeness", "stages", "peers", "jobs", "document")
# Arrays of the bandwidth, in MB each: larger than any cache.
_ARRAYS: Final = 800

Figures = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What is measured: sizes are numbers of achievements, jobs pairs of numbers, memory in MB."""

    sizes: list[int]
    jobs: list[tuple[int, int]]
    methods: list[str]
    matrices: list[str]
    demands: int
    pace: Pace
    limits: Limits
    folder: Path

    def of(self, size: int) -> Path:
        """The folder of a size."""
        return self.folder / f"{self.demands}x{size}"


def main() -> None:
    """Measure the parts that the command line names."""
    given = _arguments()
    limits = Limits(given.memory * 1000, given.first, given.later)
    asked = Asked(
        given.sizes,
        [(int(demands), int(size)) for demands, size in (each.split("x") for each in given.jobs)],
        given.methods,
        given.matrices,
        given.demands,
        Pace(given.rounds, given.seconds, given.demands),
        limits,
        given.folder,
    )
    if not given.keep:
        shutil.rmtree(given.folder, ignore_errors=True)
    figures: Figures = json.loads(given.figures.read_text(encoding="utf-8")) if given.figures.exists() else {}
    for part in [each for each in PARTS if each in given.parts and each != "document"]:
        for path, found in _MEASURES[part](asked):
            print(f"{' '.join(path)}: {_short(found)}", flush=True)
            _put(figures, path, found)
            text = json.dumps(figures, indent=1, sort_keys=True) + "\n"
            given.figures.write_text(text, encoding="utf-8")
    if "document" in given.parts:
        write(figures, given.document)
        print(f"\n{given.document.read_text(encoding='utf-8')}\n{given.document}")
    if not given.keep:
        shutil.rmtree(given.folder, ignore_errors=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--sizes", nargs="+", type=int, default=[10_000, 100_000, 1_000_000], help="achievements")
    parser.add_argument("--jobs", nargs="*", default=["10000x100000", "1000x1000000"], help="DEMANDSxACHIEVEMENTS")
    others = [name for name in METHODS if name != OURS]
    parser.add_argument("--methods", nargs="+", choices=others, default=others)
    parser.add_argument("--matrices", nargs="+", choices=MATRICES, default=list(MATRICES))
    parser.add_argument("--demands", type=int, default=1_000, help="demands of the stages and of the peers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="about so long is a round")
    parser.add_argument("--memory", type=float, default=20.0, help="the most of a measured process, GB")
    parser.add_argument("--first", type=float, default=3_600.0, help="seconds that making, building or a job may take")
    parser.add_argument("--later", type=float, default=600.0, help="seconds that a round may take")
    parser.add_argument("--folder", type=Path, default=ROOT / ".bench", help="for matrices and files")
    parser.add_argument("--keep", action="store_true", help="leave the folder, and take what stands in it")
    parser.add_argument("--figures", type=Path, default=ROOT / "docs" / "performance.json")
    parser.add_argument("--document", type=Path, default=ROOT / "docs" / "performance.md")
    return parser.parse_args()


Found = tuple[tuple[str, ...], Any]


def _machine(asked: Asked) -> Iterator[Found]:
    yield ("machine",), machine()
    yield ("bandwidth",), _or_why(bandwidth, _ARRAYS, limits=asked.limits)


def _likeness(asked: Asked) -> Iterator[Found]:
    yield ("likeness",), _or_why(likeness, limits=asked.limits)


def _stages(asked: Asked) -> Iterator[Found]:
    for size in asked.sizes:
        yield ("stages", str(size)), stages(asked.of(size), asked.demands, size, asked.pace.rounds, asked.limits)


def _peers(asked: Asked) -> Iterator[Found]:
    for size in asked.sizes:
        for matrix in asked.matrices:
            names = [name for name in asked.methods if matrix == "words" or not METHODS[name].reads_text]
            try:
                _make(asked, size, matrix)
                rows = compare(asked.of(size), matrix, size, names, asked.pace, asked.limits)
            except Failed as failed:
                rows = [{"method": OURS, "matrix": matrix, "size": size, "threads": 1, "failed": str(failed)}]
            yield ("peers", matrix, str(size)), rows
            found = streamed(asked.of(size), matrix, size, asked.demands, asked.limits)
            yield ("streamed", matrix, str(size)), found


def _make(asked: Asked, size: int, matrix: str) -> None:
    folder = asked.of(size)
    if kept(folder, matrix):
        return
    if matrix == "words":
        once(make_words, folder, asked.demands, size, limits=asked.limits)
    else:
        once(make_full, folder, asked.demands, size, size, limits=asked.limits)


def _jobs(asked: Asked) -> Iterator[Found]:
    for demands, size in asked.jobs:
        folder = asked.folder / f"job-{demands}x{size}"
        yield ("jobs", f"{demands}x{size}"), job(folder, demands, size, asked.pace.rounds, asked.limits)


_MEASURES: Final[dict[str, Callable[[Asked], Iterator[Found]]]] = {
    "machine": _machine,
    "likeness": _likeness,
    "stages": _stages,
    "peers": _peers,
    "jobs": _jobs,
}


def _or_why(work: Callable[..., Any], *arguments: object, limits: Limits) -> object:
    try:
        return once(work, *arguments, limits=limits)
    except Failed as failed:
        return {"failed": str(failed)}


def _put(figures: Figures, path: tuple[str, ...], found: object) -> None:
    for name in path[:-1]:
        figures = figures.setdefault(name, {})
    figures[path[-1]] = found


def _short(found: object) -> str:
    rows = found if isinstance(found, list) else [found]
    return "\n  ".join(["", *(json.dumps(_rounded(row)) for row in rows)]) if len(rows) > 1 else json.dumps(found)


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {name: float(f"{value:.3g}") if isinstance(value, float) else value for name, value in row.items()}


if __name__ == "__main__":
    main()
