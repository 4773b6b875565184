"""`make bench-short`: this project's top-k beside sparse_dot_topn's on both matrices; 1 when a ratio is too low.

Fields are assigned to some records and come again for the others, since only the number of a row's terms counts here.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from bench.matrices import MATRICES, make_full, make_words
from bench.rounds import Pace, compare
from bench.workers import Failed, Limits, once

PEER: Final = "sparse_dot_topn"
THREADS: Final = 2
_ROUNDS, _SECONDS = 5, 0.6


def main() -> int:
    """Print both ratios; 0 when both reach `--least`."""
    parser = argparse.ArgumentParser(prog="python -m bench.short", description=__doc__)
    parser.add_argument("--least", type=float, required=True, help="sparse_dot_topn's CPU seconds over ours")
    parser.add_argument("--size", type=int, default=100_000, help="achievements")
    parser.add_argument("--demands", type=int, default=500)
    parser.add_argument("--fields-of", type=int, default=5_000, help="records that fields are assigned to")
    parser.add_argument("--memory", type=float, default=8.0, help="the most of a measured process, GB")
    given = parser.parse_args()
    limits = Limits(given.memory * 1000, 900, 120)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        folder = Path(name)
        try:
            words = pool.submit(once, make_words, folder, given.demands, given.size, limits=limits)
            once(make_full, folder, given.demands, given.size, given.fields_of, limits=limits)
            words.result()
            print(f"{time.perf_counter() - began:.0f} s to make the matrices")
            ratios = [_ratio(folder, matrix, given.size, given.demands, limits) for matrix in MATRICES]
        except Failed as failed:
            print(failed)
            return 1
    print(f"{time.perf_counter() - began:.0f} s in all; at least {given.least} is wanted of each")
    return int(min(ratios) < given.least)


def _ratio(folder: Path, matrix: str, size: int, demands: int, limits: Limits) -> float:
    """sparse_dot_topn's CPU seconds over ours, of both's best rounds, with two threads. Raises `Failed`.

    What else the machine does only adds to a round, so that the best ones vary least.
    """
    rows = compare(folder, matrix, size, [PEER], Pace(_ROUNDS, _SECONDS, demands, (THREADS,)), limits)
    found = {(row["method"], row["threads"]): row for row in rows}
    ours, theirs = found["ours", THREADS], found[PEER, THREADS]
    if "failed" in theirs:
        raise Failed(f"{PEER}: {theirs['failed']}")
    milliseconds = " beside ".join(f"{each['cpu'] * 1000:.2f}" for each in (ours, theirs))
    print(
        f"{matrix}, {size:,} achievements: {milliseconds} ms of CPU per query, "
        f"ratio of the best rounds {theirs['best_ratio']:.2f}, "
        f"greatest difference of scores {theirs['difference']:.1e}",
        flush=True,
    )
    return float(theirs["best_ratio"])


if __name__ == "__main__":
    sys.exit(main())
