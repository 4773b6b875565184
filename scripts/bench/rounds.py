"""This project's top-k beside each peer's: both alive in processes of their own, asked in turn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from bench.measuring import medians
from bench.peers import METHODS
from bench.serving import COMPARED, serve, stream
from bench.workers import Failed, Limits, Worker, once, worker

K: Final = 50
# Queries a method is timed with before the number of a round is set.
_FIRST: Final = 8
OURS: Final = "ours"


@dataclass(frozen=True)
class Pace:
    """How many rounds, and about how many seconds each; `most` queries there are; with which numbers of threads."""

    rounds: int
    seconds: float
    most: int
    threads: tuple[int, ...] = (1, 2)

    def of(self, name: str) -> list[int]:
        """The numbers of threads of a method that are measured."""
        return [threads for threads in METHODS[name].threads if threads in self.threads]


def compare(folder: Path, matrix: str, size: int, names: list[str], pace: Pace, limits: Limits) -> list[dict[str, Any]]:
    """A row for each method and number of threads.

    cpu, wall: seconds per query, medians of the rounds; build_cpu, build_wall: seconds; memory: the most while it
    searches, build_memory: while it builds, MB; ratio, wall_ratio: to ours in the same rounds, medians, best_ratio: of
    both's best rounds; difference: the greatest between scores, None where they are the method's own; failed: the
    reason why there are no figures.
    """
    rows: list[dict[str, Any]] = []
    with worker(serve, OURS, folder, matrix, K, limits=limits) as own:
        built = own.first()
        for threads in pace.of(OURS):
            queries = _calibrated(own, OURS, threads, pace)
            found = [_round(own, threads, queries, pace) for _ in range(pace.rounds)]
            rows.append({**_row(OURS, matrix, size, threads), **_figures(found, built), "queries": queries})
        for name in names:
            if size > METHODS[name].most:
                reason = f"not run above {METHODS[name].most:,} achievements"
                rows += [{**_row(name, matrix, size, threads), "failed": reason} for threads in pace.of(name)]
                continue
            rows += _beside(own, name, folder, matrix, size, pace, limits)
    return rows


def streamed(folder: Path, matrix: str, size: int, queries: int, limits: Limits) -> dict[str, Any]:
    """Bytes of postings per query that this project's search streams, or failed."""
    row = {"matrix": matrix, "size": size}
    try:
        return {**row, "bytes": once(stream, folder, matrix, queries, limits=limits)}
    except Failed as failed:
        return {**row, "failed": str(failed)}


def _beside(
    own: Worker, name: str, folder: Path, matrix: str, size: int, pace: Pace, limits: Limits
) -> list[dict[str, Any]]:
    """A peer's rows; what it could do before it failed is kept."""
    rows: list[dict[str, Any]] = []
    left = replace(limits, megabytes=limits.megabytes - own.memory())
    try:
        with worker(serve, name, folder, matrix, K, limits=left) as other:
            built = other.first()
            for threads in pace.of(name):
                row = _row(name, matrix, size, threads)
                rows.append(row)
                queries = _calibrated(other, name, threads, pace)
                turns = range(pace.rounds)
                pairs = [tuple(_round(each, threads, queries, pace) for each in (own, other)) for _ in turns]
                row.update(_figures([theirs for _, theirs in pairs], built))
                row["queries"] = queries
                row["ratio"] = median(theirs["cpu"] / mine["cpu"] for mine, theirs in pairs)
                row["best_ratio"] = min(theirs["cpu"] for _, theirs in pairs) / min(mine["cpu"] for mine, _ in pairs)
                row["wall_ratio"] = median(theirs["wall"] / mine["wall"] for mine, theirs in pairs)
                row["difference"] = _difference(own, other, threads, queries)
    except Failed as failed:
        if not own.alive():
            raise
        if not rows:
            rows = [_row(name, matrix, size, threads) for threads in pace.of(name)]
        for row in rows:
            if "cpu" not in row:
                row["failed"] = str(failed)
    return rows


def _row(name: str, matrix: str, size: int, threads: int) -> dict[str, Any]:
    return {"method": name, "matrix": matrix, "size": size, "threads": threads}


def _asked(running: Worker, threads: int, queries: int, times: int = 1, *, scores: bool = False) -> dict[str, Any]:
    question = {"queries": queries, "times": times, "threads": threads, "scores": scores}
    answer: dict[str, Any] = running.ask(question)
    return answer


def _calibrated(running: Worker, name: str, threads: int, pace: Pace) -> int:
    """How many queries make a round of about the seconds wanted."""
    least = METHODS[name].least
    first = _asked(running, threads, min(_FIRST, pace.most))
    return int(np.clip(pace.seconds / first["wall"], min(least, pace.most), pace.most))


def _round(running: Worker, threads: int, queries: int, pace: Pace) -> dict[str, Any]:
    """Per query; what is too quick to be timed is done over."""
    answer = _asked(running, threads, queries)
    times = int(pace.seconds / 2 / max(answer["wall"] * queries, 1e-6))
    return _asked(running, threads, queries, times) if times > 1 else answer


def _figures(found: list[dict[str, Any]], built: dict[str, Any]) -> dict[str, Any]:
    figures = medians(found)
    return {
        **{name: figures[name] for name in ("cpu", "wall", "memory")},
        "build_cpu": built["cpu"],
        "build_wall": built["wall"],
        "build_memory": built["memory"],
    }


def _difference(own: Worker, other: Worker, threads: int, queries: int) -> float | None:
    some = min(queries, COMPARED)
    mine, theirs = (_asked(each, threads, some, scores=True)["scores"] for each in (own, other))
    return None if theirs is None else float(np.abs(mine - theirs).max())
