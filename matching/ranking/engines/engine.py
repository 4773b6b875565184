"""What an engine does: some work on piece after piece, all of which need the same large values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Final, Protocol, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from matching.ranking.processors import cores

Piece = TypeVar("Piece")
Made = TypeVar("Made")

# Demands of a block at most, and at least where there are enough for all: it bounds the memory, not the result.
MOST: Final = 500
LEAST: Final = 64


class Engine(Protocol):
    """Runs work on pieces, wherever that is.

    What a piece makes depends on the piece and on what is shared alone, so that every engine makes the same.
    """

    @property
    def threads(self) -> int:
        """Threads that one piece may take."""

    def rows_at_a_time(self, total: int) -> int:
        """Demands of a block, of so many in all."""

    def put(self, value: object) -> object:
        """Bring a value to where the work is done, once; what comes back stands for it in `run`."""

    def run(self, work: Callable[..., Made], shared: tuple[object, ...], pieces: Iterable[Piece]) -> Iterator[Made]:
        """What `work(*shared values, piece)` makes of each piece, in their order; `shared` are from `put`."""


class Here:
    """This process: one piece after the other, with threads inside."""

    @property
    def threads(self) -> int:
        """All processors that there are."""
        return cores()

    def rows_at_a_time(self, total: int) -> int:
        """As many as memory is to be given to."""
        return MOST

    def put(self, value: object) -> object:
        """The value itself."""
        return value

    def run(self, work: Callable[..., Made], shared: tuple[object, ...], pieces: Iterable[Piece]) -> Iterator[Made]:
        """Each piece when it is asked for."""
        for piece in pieces:
            # Sums of linear algebra in several threads may be rounded otherwise than in one.
            with threadpool_limits(1, "blas"):
                made = work(*shared, piece)
            yield made


def blocks(total: int, size: int) -> list[np.ndarray]:
    """The rows 0 … total - 1, so many at a time."""
    ends = [*range(0, total, size), total]
    return [np.arange(first, last) for first, last in pairwise(ends)]
