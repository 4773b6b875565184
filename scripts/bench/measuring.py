"""What a piece of work takes: seconds of the processor, seconds that pass, the most memory."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeVar

Value = TypeVar("Value")

_STATUS: Final = Path("/proc/self/status")
_FORGET: Final = Path("/proc/self/clear_refs")


def timed(work: Callable[[], Value]) -> tuple[Value, dict[str, float]]:
    """What the work gives, and its seconds: `cpu` of all threads and of children that ended, `wall`."""
    cpu, wall = processor_seconds(), time.perf_counter()
    value = work()
    return value, {"cpu": processor_seconds() - cpu, "wall": time.perf_counter() - wall}


def medians(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The first round's row with the medians of `cpu` and `wall` and the greatest `memory` of all `rounds`.

    A round that failed stands for all of them.
    """
    for row in rounds:
        if "failed" in row:
            return row
    seconds = {name: median(row[name] for row in rounds) for name in ("cpu", "wall")}
    return {**rounds[0], **seconds, "memory": max(row["memory"] for row in rounds), "rounds": len(rounds)}


def processor_seconds() -> float:
    """Seconds of the processor that this process and its children that ended have used."""
    parts = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(part.ru_utime + part.ru_stime for part in parts)


def most_memory() -> float:
    """The most memory that this process held, in MB, since it began or since `forget_most_memory`.

    A process that another one starts inherits that one's ru_maxrss, so that the kernel's own mark is read instead.
    """
    return _marked("VmHWM")


def memory() -> float:
    """What this process holds now, in MB."""
    return _marked("VmRSS")


def memory_of(process: int) -> float:
    """What a process holds, in MB; 0 when it has ended."""
    try:
        return _mark(Path(f"/proc/{process}/status").read_text(encoding="ascii"), "VmRSS")
    except OSError:
        return 0.0


def forget_most_memory() -> None:
    """From here on `most_memory` begins with what is held now."""
    _FORGET.write_text("5", encoding="ascii")


def _marked(name: str) -> float:
    return _mark(_STATUS.read_text(encoding="ascii"), name)


def _mark(status: str, name: str) -> float:
    for line in status.splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0
