"""Pairs as they stood at a moment: brought by runs, listed by the newest, decided on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import polars as pl
from sqlalchemy import Engine, select

from matching.ledger.bulk_reading import read
from matching.ledger.decisions import STANDING
from matching.ledger.past_versions import records_then, written_by
from matching.ledger.rights import permit, unrestricted
from matching.ledger.tables import UNDONE, candidate, decision, run
from matching.schema import ID, KINDS, PAIRS, Kind

_PAIR: Final = tuple(PAIRS)
# Columns of the places that records have in the order of ids.
_PLACES: Final[Mapping[Kind, str]] = {kind: f"place in {kind}" for kind in KINDS}
# Pairs of runs that are held at least before it is looked which of them came before.
_TOGETHER: Final = 1_000_000


def brought_at(engine: Engine, at: datetime) -> pl.DataFrame:
    """Pairs that a run had brought and of which both records counted, by ids: demand_id, achievement_id, at (first)."""
    permit(engine, "read_figures")
    whole, moment = unrestricted(engine), written_by(at)
    found = pl.DataFrame(schema={**PAIRS, "at": pl.String})
    waiting: list[pl.DataFrame] = []
    for run_id, came in _runs(whole, moment).iter_rows():
        query = select(candidate.c.demand_id, candidate.c.achievement_id).where(candidate.c.run_id == run_id)
        waiting.append(read(whole, query, PAIRS).with_columns(at=pl.lit(came)))
        # Put together seldom, so that each row is looked at a few times, however many runs there are.
        if sum(rows.height for rows in waiting) > found.height + _TOGETHER:
            found, waiting = _first_brought(found, waiting), []
    found = pl.concat([found, *waiting])
    for kind in KINDS:
        known = records_then(whole, kind, moment)["record_id"].sort()
        counting = known.alias(ID[kind]).to_frame().with_row_index(_PLACES[kind])
        found = found.join(counting, on=ID[kind], maintain_order="left")
    # Whole numbers are several times faster to sort than ids. Those alike keep their order: the first came first.
    places = list(_PLACES.values())
    ordered = found.sort(places, maintain_order=True)
    begins = [pl.col(name).ne_missing(pl.col(name).shift()) for name in places]
    return ordered.filter(pl.any_horizontal(begins)).drop(places)


def _first_brought(found: pl.DataFrame, later: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Each pair once, as it was first brought."""
    return pl.concat([found, *later]).unique(_PAIR, keep="first", maintain_order=True)


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


def decisions_at(engine: Engine, at: datetime, columns: Sequence[str] = tuple(STANDING)) -> pl.DataFrame:
    """The standing decision of every decided pair, oldest first: columns of `decisions.STANDING`."""
    permit(engine, "read_figures")
    whole, moment = unrestricted(engine), written_by(at)
    taken_back = select(decision.c.corrects).where(decision.c.corrects.is_not(None), decision.c.at <= moment)
    undone = read(whole, taken_back, {"decision_id": pl.Int64()})
    schema = {name: STANDING[name] for name in dict.fromkeys((*_PAIR, "decision_id", *columns))}
    query = select(*(decision.c[name] for name in schema)).where(decision.c.at <= moment, decision.c.verdict != UNDONE)
    valid = read(whole, query, schema, by=decision.c.decision_id).join(undone, on="decision_id", how="anti")
    return valid.sort("decision_id").unique(_PAIR, keep="last", maintain_order=True).select(columns)
