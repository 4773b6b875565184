"""Which tests run beside others: one that measures what people wait for has the machine to itself."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def turn(folder: Path, *, alone: bool) -> Iterator[None]:
    """Hold the machine while a test runs: with others, or alone.

    Two locks on files of a folder that all workers share. Who wants the machine passes the gate first, and waits for
    it within the gate: so that a test that wants to be alone is not passed by the others for ever.
    """
    with (folder / "gate").open("w") as gate, (folder / "machine").open("w") as machine:
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(machine, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(gate, fcntl.LOCK_UN)
        yield
