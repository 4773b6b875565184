"""Long work that a second process does while this one goes on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, ParamSpec, TypeVar

from loky import get_reusable_executor

# A process takes a second to start.
WORTH_IT: Final = 5_000
# Nor does one that has nothing to do stay for long.
_IDLE_SECONDS: Final = 10

Given = ParamSpec("Given")
Made = TypeVar("Made")


def start(work: Callable[Given, Made], *given: Given.args, **named: Given.kwargs) -> Future[Made]:
    """Start it; worth it from `WORTH_IT` records on.

    What `work` is given and gives must be picklable; what it raises is raised where its result is asked for.
    """
    begun: Future[Made] = get_reusable_executor(1, timeout=_IDLE_SECONDS).submit(work, *given, **named)
    return begun
