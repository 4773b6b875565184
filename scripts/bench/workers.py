"""Work in a process of its own that answers when it is asked, within limits of time and memory."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, Final

from bench.measuring import memory_of

# Threads of OpenMP that wait for work take no processor time: it would count against the peers that use them.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
_LOOK_EVERY: Final = 0.25

Answer = Any
# A generator that gives a first answer, then one for each question.
Serve = Callable[..., Generator[Answer, Any, None]]


class Failed(Exception):
    """A process that did not come to its end; the text says why."""


@dataclass(frozen=True)
class Limits:
    """The most memory of a process, in MB, and seconds that its first and each later answer may take."""

    megabytes: float
    first: float
    later: float


@dataclass(frozen=True)
class Worker:
    """A process that serves."""

    process: SpawnProcess
    connection: Connection
    limits: Limits

    def first(self) -> Answer:
        """The first answer. Raises `Failed`."""
        return self._answer(self.limits.first)

    def ask(self, question: object) -> Answer:
        """The answer to a question. Raises `Failed`."""
        try:
            self.connection.send(question)
        except OSError as error:
            raise Failed(f"ended with code {self.process.exitcode}") from error
        return self._answer(self.limits.later)

    def memory(self) -> float:
        """What it holds now, in MB."""
        return memory_of(self.process.pid or 0)

    def alive(self) -> bool:
        """Whether it can be asked again."""
        return self.process.is_alive()

    def _answer(self, seconds: float) -> Answer:
        try:
            return self._awaited(seconds)
        except Failed:
            # An answer that comes late must not be taken for the next one.
            self.process.kill()
            self.process.join()
            raise

    def _awaited(self, seconds: float) -> Answer:
        until = time.monotonic() + seconds
        try:
            while not self.connection.poll(_LOOK_EVERY):
                if time.monotonic() > until:
                    raise Failed(f"took more than {seconds:,.0f} s")
                if self.memory() > self.limits.megabytes:
                    raise Failed(f"needs more than {self.limits.megabytes / 1000:,.1f} GB")
            done, value = self.connection.recv()
        except (EOFError, ConnectionError) as error:
            self.process.join()
            raise Failed(f"ended with code {self.process.exitcode}") from error
        if not done:
            raise Failed(str(value))
        return value


@contextmanager
def worker(serve: Serve, *arguments: object, limits: Limits) -> Iterator[Worker]:
    """A process that runs `serve(*arguments)`; it is ended when the block is left."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(theirs, serve, arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Worker(process, ours, limits)
    finally:
        ours.close()
        process.kill()
        process.join()


def once(work: Callable[..., Any], *arguments: object, limits: Limits) -> Answer:
    """What a function gives that runs in a process of its own. Raises `Failed`."""
    with worker(_only, work, arguments, limits=limits) as running:
        return running.first()


def _only(work: Callable[..., Any], arguments: tuple[object, ...]) -> Generator[Any, Any, None]:
    yield work(*arguments)


def _run(connection: Connection, serve: Serve, arguments: tuple[object, ...]) -> None:
    serving = serve(*arguments)
    try:
        answer = next(serving)
        while True:
            connection.send((True, answer))
            answer = serving.send(connection.recv())
    except (StopIteration, EOFError, BrokenPipeError):
        return
    except Exception as error:  # noqa: BLE001 - whatever a peer fails with goes into the table
        connection.send((False, f"{type(error).__name__}: {error}"[:200]))
