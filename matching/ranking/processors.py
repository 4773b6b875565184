"""How many processors there are to rank with."""

from __future__ import annotations

import os


def cores() -> int:
    """How many processors this process may use; no more than OMP_NUM_THREADS, which workers beside it set."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    said = os.environ.get("OMP_NUM_THREADS", "")
    return min(there, max(1, int(said))) if said.isdecimal() else there
