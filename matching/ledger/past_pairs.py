"""Pairs as they stood at a moment: brought by runs, listed by the newest, decided on."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import polars as pl
from sqlalchemy import Engine, select

from matching.ledger.bulk_reading import read
from matching.ledger.decisions import STANDING
from matching.ledger.past_versions import records_then, written_by
from matching.ledger.rights import permit, unrestricted
from matching.ledger.tables import UNDONE, candidate, decision, run
from matching.schema import ID, KINDS, PAIRS

_PAIR: Final = tuple(PAIRS)


def brought_at(engine: Engine, at: datetime) -> pl.DataFrame:
    """Pairs that a run had brought and of which both records counted: demand_id, achievement_id, at (of the first)."""
    permit(engine, "read_figures")
    whole, moment = unrestricted(engine), written_by(at)
    found = pl.DataFrame(schema={**PAIRS, "at": pl.String})
    for run_id, came in _runs(whole, moment).iter_rows():
        query = select(candidate.c.demand_id, candidate.c.achievement_id).where(candidate.c.run_id == run_id)
        brought = read(whole, query, PAIRS).with_columns(at=pl.lit(came))
        found = pl.concat([found, brought]).unique(_PAIR, keep="first", maintain_order=True)
    for kind in KINDS:
        counting = records_then(whole, kind, moment).select(pl.col("record_id").alias(ID[kind]))
        found = found.join(counting, on=ID[kind], how="semi")
    return found.sort(_PAIR)


def _runs(engine: Engine, moment: str) -> pl.DataFrame:
    query = select(run.c.run_id, run.c.at).where(run.c.at <= moment)
    return read(engine, query, {"run_id": pl.Int64, "at": pl.String}).sort("run_id")


def listed_at(engine: Engine, at: datetime) -> pl.DataFrame:
    """Pairs of the newest run: demand_id, achievement_id, level (null where the run knew none)."""
    permit(engine, "read_figures")
    whole = unrestricted(engine)
    runs = _runs(whole, written_by(at))
    schema = {**PAIRS, "level": pl.Int64()}
    if runs.is_empty():
        return pl.DataFrame(schema=schema)
    query = select(*(candidate.c[name] for name in schema)).where(candidate.c.run_id == runs["run_id"][-1])
    return read(whole, query, schema).sort(_PAIR)


def decisions_at(engine: Engine, at: datetime) -> pl.DataFrame:
    """The standing decision of every decided pair, oldest first (`decisions.STANDING`)."""
    permit(engine, "read_figures")
    schema = {**STANDING, "corrects": pl.Int64()}
    query = select(*(decision.c[name] for name in schema)).where(decision.c.at <= written_by(at))
    written = read(unrestricted(engine), query, schema, by=decision.c.decision_id)
    undone = written.select(decision_id="corrects").drop_nulls()
    valid = written.filter(pl.col("verdict") != UNDONE).join(undone, on="decision_id", how="anti")
    newest = valid.group_by(_PAIR).agg(pl.col("decision_id").max())
    return valid.join(newest.select("decision_id"), on="decision_id", how="semi").select(*STANDING).sort("decision_id")
