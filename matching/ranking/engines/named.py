"""Engines by their names: `local`, `local:4`, `dask://host:port`, `dask+tls://host:port`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from matching.errors import CallError, Problem

HERE: Final = "local"
_WORKERS: Final = re.compile(r"local:([1-9][0-9]{0,3})")
_SCHEDULER: Final = re.compile(r"dask(\+tls)?://([^\s/:]+|\[[0-9A-Fa-f:]+\]):([0-9]{1,5})/?")
_MOST_PORTS: Final = 65_535


@dataclass(frozen=True)
class Named:
    """What a name says: so many worker processes on this machine, or a scheduler's address, or neither: here."""

    workers: int = 0
    address: str = ""


def named(text: str) -> Named:
    """Read the name of an engine; `CallError` for one that is not known."""
    if text == HERE:
        return Named()
    if found := _WORKERS.fullmatch(text):
        return Named(workers=int(found[1]))
    found = _SCHEDULER.fullmatch(text)
    if found and 0 < int(found[3]) <= _MOST_PORTS:
        return Named(address=f"{'tls' if found[1] else 'tcp'}://{found[2]}:{found[3]}")
    raise CallError(Problem("engine.unknown", values={"engine": text}))
