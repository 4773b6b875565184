"""A value in files of a folder, its arrays mapped: processes on one machine hold what they read of it once."""

from __future__ import annotations

import mmap
import pickle
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

# Values that a process keeps open: those of one ranking.
_OPEN: Final = 4


@dataclass(frozen=True)
class Filed:
    """A value in a folder: what it is made of, and a file for each of its arrays, of the given lengths in bytes."""

    folder: Path
    lengths: tuple[int, ...]


def filed(value: object, folder: Path) -> Filed:
    """Write a value into a new folder that nobody else can write to."""
    folder.mkdir(mode=0o700)
    buffers: list[pickle.PickleBuffer] = []
    (folder / "value").write_bytes(pickle.dumps(value, protocol=5, buffer_callback=buffers.append))
    for place, buffer in enumerate(buffers):
        (folder / str(place)).write_bytes(buffer.raw())
    return Filed(folder, tuple(buffer.raw().nbytes for buffer in buffers))


@lru_cache(_OPEN)
def unfiled(where: Filed) -> object:
    """The value, its arrays mapped from their files; what is written to them stays in this process."""
    mapped = [_mapped(where.folder / str(place), length) for place, length in enumerate(where.lengths)]
    # Written by the process that started this one, into a folder of its user's alone.
    return pickle.loads((where.folder / "value").read_bytes(), buffers=mapped)  # noqa: S301


def _mapped(path: Path, length: int) -> mmap.mmap | bytearray:
    # Arrays that could not be written to would be another type to the compiler, which would compile all once more.
    if not length:
        return bytearray()
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), length, access=mmap.ACCESS_COPY)
