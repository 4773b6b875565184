"""Pieces of work on the workers of a Dask scheduler."""

# Dask has types, but not everywhere.
# mypy: allow-untyped-calls

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Any, Final, TypeVar, cast

from distributed import Client, Future, KilledWorker

from matching.errors import DuijieError, Problem
from matching.ranking.engines.engine import LEAST, MOST
from matching.ranking.engines.files import filed
from matching.ranking.engines.working import made_of

Piece = TypeVar("Piece")
Made = TypeVar("Made")

# Blocks that each worker gets, so that none waits long for the last one.
_BLOCKS_EACH: Final = 8
# Pieces that are handed out before they are asked for, for each worker: what they make waits in memory.
_AHEAD: Final = 4
# How often it is looked whether there are workers yet, and for how long there may be none: one that was killed is
# started again within this.
_LOOK_SECONDS: Final = 5.0
_ALONE_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Cluster:
    """The workers of a client's scheduler.

    Shared values go into files of `folder` where all workers are on this machine, else to each of them once. A piece
    whose worker goes is given to another; `alone_seconds` says for how long there may be no worker at all.
    """

    client: Client
    folder: Path | None = None
    alone_seconds: float = _ALONE_SECONDS

    @property
    def threads(self) -> int:
        """One: the others are for the workers beside it."""
        return 1

    def rows_at_a_time(self, total: int) -> int:
        """Some blocks for each thread of the workers."""
        return min(MOST, max(LEAST, -(-total // (_BLOCKS_EACH * self._width()))))

    def put(self, value: object) -> object:
        """Bring a value to all workers: a piece refers to it."""
        if self.folder is not None:
            return filed(value, self.folder / str(len(list(self.folder.iterdir()))))
        with lost():
            [future] = self.client.scatter([value], broadcast=True, direct=True, hash=False)
        return future

    def run(self, work: Callable[..., Made], shared: tuple[object, ...], pieces: Iterable[Piece]) -> Iterator[Made]:
        """What the workers make of the pieces, in their order; `DuijieError` when there are no workers any more."""
        rest, waiting = iter(pieces), deque[Future[Any]]()
        room = _AHEAD * self._width()
        while True:
            for piece in islice(rest, room - len(waiting)):
                waiting.append(self.client.submit(made_of, work, piece, *shared, pure=False))
            if not waiting:
                return
            yield cast(Made, self._result(waiting.popleft()))

    def _width(self) -> int:
        with lost():
            threads: dict[str, int] = self.client.nthreads()
            return max(1, sum(threads.values()))

    def _result(self, future: Future[Any]) -> object:
        with lost():
            self._await(future)
        if future.status == "error":
            return _failed(future)
        with lost():
            return future.result()

    def _await(self, future: Future[Any]) -> None:
        seen = monotonic()
        while True:
            try:
                # Given back, not raised, where the work failed.
                future.exception(timeout=min(_LOOK_SECONDS, self.alone_seconds))
                return
            except TimeoutError:
                seen = monotonic() if self.client.nthreads() else seen
                if monotonic() - seen > self.alone_seconds:
                    raise DuijieError(Problem("engine.lost")) from None


def _failed(future: Future[Any]) -> object:
    """Raise what the work raised, or say that its workers went with it."""
    try:
        return future.result()
    except KilledWorker as error:
        raise DuijieError(Problem("engine.killed")) from error


@contextmanager
def lost() -> Iterator[None]:
    """Say in words that the scheduler or the workers have gone."""
    try:
        yield
    except (CancelledError, OSError) as error:
        raise DuijieError(Problem("engine.lost")) from error
