"""The lists of the review move with each judgement."""

from __future__ import annotations

import polars as pl
from sqlalchemy import Engine

from matching.ledger.judgements import judgements
from matching.ledger.runs import candidates_of
from matching.ranking.weights import load_weights


def review_list(engine: Engine, run_id: int, demand_id: str) -> pl.DataFrame:
    """Candidates of a demand (`runs.CANDIDATE_ROWS`), moved at once by what was judged since they were ranked."""
    rows = candidates_of(engine, run_id, demand_id)
    judged = judgements(engine, demand_id)
    if judged.is_empty():
        # Nothing moves, and what would move it takes long to load.
        return rows
    from matching.ranking.moving import moved

    return moved(rows, judged, load_weights().likeness.noise)
