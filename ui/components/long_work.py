"""A bar for work that takes its time, with the name of the step it is in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import streamlit as st

from matching.progress import Progress
from ui.access import t

# Steps of the long works, in their order.
CHECKING: Final = ("compare", "duplicates", "fields")
LOADING: Final = ("fields", "write")
MATCHING: Final = ("learn", "fields", "vectors", "rank", "write")


@contextmanager
def long_work(steps: tuple[str, ...]) -> Iterator[Progress]:
    """Yield a function to be told of progress; the bar goes when the work is done.

    Telling it is also where Streamlit stops a script whose user has gone on: whatever the work was writing must be
    in one transaction.
    """
    bar = st.progress(0.0)

    def tell(step: str, done: int, total: int) -> None:
        share = (steps.index(step) + done / max(total, 1)) / len(steps)
        bar.progress(share, text=t(f"step.{step}"))

    try:
        yield tell
    finally:
        bar.empty()
