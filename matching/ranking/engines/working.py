"""What a worker process does with a piece."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeVar

from threadpoolctl import threadpool_limits

from matching.ranking.engines.files import Filed, unfiled

Made = TypeVar("Made")


def made_of(work: Callable[..., Made], piece: object, *shared: object) -> Made:
    """Do some work on a piece, with what is shared: values themselves, or values in files."""
    one_thread()
    return work(*(unfiled(each) if isinstance(each, Filed) else each for each in shared), piece)


@cache
def one_thread() -> None:
    """Have linear algebra take one thread for as long as this process lives: workers beside it have the others."""
    threadpool_limits(1)
