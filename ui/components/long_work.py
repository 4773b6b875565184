"""A bar for work that takes its time, with the name of the step it is in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import streamlit as st

from matching.pipeline import Progress
from ui.access import t

_STEPS: Final = ("fields", "vectors", "rank", "write")


@contextmanager
def long_work() -> Iterator[Progress]:
    """Yield a function to be told of progress; the bar goes when the work is done."""
    bar = st.progress(0.0)

    def tell(step: str, done: int, total: int) -> None:
        share = (_STEPS.index(step) + done / max(total, 1)) / len(_STEPS)
        bar.progress(share, text=t(f"step.{step}"))

    try:
        yield tell
    finally:
        bar.empty()
