"""How far a long work has come."""

from __future__ import annotations

from collections.abc import Callable

# Told how far a step has come: the step's name, what is done, and the total.
Progress = Callable[[str, int, int], None]


def step(progress: Progress | None, name: str) -> Callable[[int, int], None] | None:
    """What one step calls with what is done and the total."""
    if progress is None:
        return None
    return lambda done, total: progress(name, done, total)
