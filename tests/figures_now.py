"""The figures of a ledger as it is now: for tests that are about something else."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from sqlalchemy import Engine

from matching.ledger.moments import settled
from matching.reporting.facts import facts
from matching.reporting.figures import cut
from matching.reporting.period import Period


def figures_now(engine: Engine, by: Sequence[str] = ()) -> pl.DataFrame:
    """All figures, whole or by some dimensions."""
    return cut(facts(engine, settled(engine), "Asia/Shanghai"), by, Period())
