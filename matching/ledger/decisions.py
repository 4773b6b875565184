"""Decisions of transfer agents on pairs: written once, undone by another entry, never changed.

The *standing* decision of a pair is its newest one that was not undone. A decision that opens or ends a deal
does so in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl
from sqlalchemy import Connection, Engine, Select, exists, func, insert, select

from matching.errors import CallError, DecidedMeanwhile, LedgerError, Problem
from matching.ledger import deals
from matching.ledger.database import now, reading, writing
from matching.ledger.frames import frame
from matching.ledger.rights import permit
from matching.ledger.tables import UNDONE, decision
from matching.ledger.withdrawal import out_of_use_among, refuse_out_of_use
from matching.schema import ID, REJECT_REASONS, VERDICTS

STANDING: Final[dict[str, pl.DataType]] = {
    "demand_id": pl.String(),
    "achievement_id": pl.String(),
    "decision_id": pl.Int64(),
    "verdict": pl.String(),
    "reason": pl.String(),
    "note": pl.String(),
    "agent": pl.String(),
    "at": pl.String(),
}


@dataclass(frozen=True)
class Decision:
    """A decision as it stands in the ledger; `at` is UTC in ISO form."""

    decision_id: int
    demand_id: str
    achievement_id: str
    run_id: int
    verdict: str
    reason: str
    note: str
    corrects: int | None
    agent: str
    nonce: str
    at: str


def standing_decisions(demand_id: str | None = None) -> Select[tuple[object, ...]]:
    """Query of the standing decision of every decided pair, or of one demand's pairs (`STANDING`)."""
    undone = select(decision.c.corrects).where(decision.c.corrects.is_not(None))
    valid = select(func.max(decision.c.decision_id)).where(
        decision.c.verdict != UNDONE, decision.c.decision_id.not_in(undone)
    )
    if demand_id is not None:
        valid = valid.where(decision.c.demand_id == demand_id)
    newest = valid.group_by(decision.c.demand_id, decision.c.achievement_id)
    return select(*(decision.c[name] for name in STANDING)).where(decision.c.decision_id.in_(newest))


def standing(engine: Engine) -> pl.DataFrame:
    """The standing decision of every decided pair, oldest first (`STANDING`)."""
    permit(engine, "read_candidates")
    with reading(engine) as connection:
        return frame(connection, standing_decisions().order_by(decision.c.decision_id), STANDING)


def standing_of(engine: Engine, demand_id: str, achievement_id: str) -> Decision | None:
    """The decision that stands on a pair, if there is one."""
    permit(engine, "read_candidates")
    with reading(engine) as connection:
        return _standing(connection, demand_id, achievement_id)


def decide(
    engine: Engine,
    *,
    demand_id: str,
    achievement_id: str,
    run_id: int,
    verdict: str,
    agent: str,
    nonce: str,
    seen: int | None,
    reason: str = "",
    note: str = "",
) -> Decision:
    """Write a decision on a pair; accepting opens its deal, taking an acceptance back ends it.

    `nonce` names the click: the same one again gives the decision that it already made. `seen` is the id of the
    standing decision that the agent saw, None for an undecided pair; if the pair has another one by now,
    `DecidedMeanwhile` says whose and nothing is written. A rejection needs a reason. Raises `LedgerError` for a record
    that is no longer in use.
    """
    permit(engine, "decide", agent)
    _check(verdict, reason)
    with writing(engine) as connection:
        made = _by_nonce(connection, demand_id, achievement_id, agent, nonce)
        if made is not None:
            return made
        before = _standing(connection, demand_id, achievement_id)
        if (before.decision_id if before else None) != seen:
            raise _meanwhile(before)
        refuse_out_of_use(connection, demand_id, achievement_id)
        if before is not None and before.verdict == "accept" and verdict != "accept":
            _check_not_under_way(connection, before)
        entry = _write(
            connection,
            demand_id=demand_id,
            achievement_id=achievement_id,
            run_id=run_id,
            verdict=verdict,
            reason=reason if verdict == "reject" else "",
            note=note,
            corrects=None,
            agent=agent,
            nonce=nonce,
        )
        _follow(connection, before, entry)
    return entry


def decide_all(
    engine: Engine,
    pairs: pl.DataFrame,
    *,
    run_id: int,
    verdict: str,
    agent: str,
    nonce: str,
    reason: str = "",
    note: str = "",
) -> int:
    """Write one decision on every pair in use that has none, in one transaction; how many were written.

    `pairs` has the columns demand_id and achievement_id. The same nonce again writes nothing, for by then the pairs
    are decided. Raises as `decide` does.
    """
    permit(engine, "decide", agent)
    _check(verdict, reason)
    with writing(engine) as connection:
        taken = frame(connection, standing_decisions(), STANDING).select("demand_id", "achievement_id")
        free = pairs.join(taken, on=taken.columns, how="anti", maintain_order="left").unique(
            ["demand_id", "achievement_id"], maintain_order=True
        )
        for kind, identity in ID.items():
            out = out_of_use_among(connection, kind, free[identity].to_list())
            free = free.filter(~pl.col(identity).is_in(pl.Series(sorted(out), dtype=pl.String).implode()))
        common = {
            "run_id": run_id,
            "verdict": verdict,
            "reason": reason if verdict == "reject" else "",
            "note": note,
            "corrects": None,
            "agent": agent,
            "nonce": nonce,
        }
        entries = [{**common, **pair} for pair in free.select("demand_id", "achievement_id").iter_rows(named=True)]
        if verdict == "accept":
            for entry in entries:
                _follow(connection, None, _write(connection, **entry))
        elif entries:
            at = now()
            connection.execute(insert(decision), [{**entry, "at": at} for entry in entries])
    return free.height


def undo(engine: Engine, decision_id: int, agent: str, nonce: str) -> Decision:
    """Take a standing decision back; what stood before it stands again.

    Raises `DecidedMeanwhile` when it no longer stands, `LedgerError` when its deal is already under way.
    """
    permit(engine, "decide", agent)
    with writing(engine) as connection:
        return _undo(connection, decision_id, agent, nonce)


def undo_all(engine: Engine, nonce: str, agent: str) -> int:
    """Take back what one `decide_all` of the agent decided and still stands, in one transaction; how many they were.

    Raises `LedgerError` when a deal of one of them is already under way: then nothing is taken back.
    """
    permit(engine, "decide", agent)
    with writing(engine) as connection:
        standing_ids = standing_decisions().with_only_columns(decision.c.decision_id)
        made = select(decision.c.decision_id).where(
            decision.c.agent == agent, decision.c.nonce == nonce, decision.c.decision_id.in_(standing_ids)
        )
        ids = [key for (key,) in connection.execute(made)]
        for key in ids:
            _undo(connection, key, agent, f"undo:{key}")
    return len(ids)


def _undo(connection: Connection, decision_id: int, agent: str, nonce: str) -> Decision:
    row = connection.execute(select(decision).where(decision.c.decision_id == decision_id)).one_or_none()
    if row is None:
        raise LedgerError(Problem("decision.unknown", values={"decision": decision_id}))
    taken_back = Decision(**row._mapping)
    pair = taken_back.demand_id, taken_back.achievement_id
    made = _by_nonce(connection, *pair, agent, nonce)
    if made is not None:
        return made
    before = _standing(connection, *pair)
    if before is None or before.decision_id != decision_id:
        raise _meanwhile(before)
    if before.verdict == "accept":
        _check_not_under_way(connection, before)
    entry = _write(
        connection,
        demand_id=taken_back.demand_id,
        achievement_id=taken_back.achievement_id,
        run_id=taken_back.run_id,
        verdict=UNDONE,
        reason="",
        note="",
        corrects=decision_id,
        agent=agent,
        nonce=nonce,
    )
    restored = _standing(connection, *pair)
    if restored is not None and restored.verdict == "accept":
        deals.reopen_deal(connection, *pair, entry.decision_id, agent)
    elif before.verdict == "accept":
        deals.close_deal(connection, *pair, entry.decision_id, agent)
    return entry


def recent(engine: Engine, agent: str, count: int) -> Sequence[Decision]:
    """An agent's newest decisions that still stand, newest first."""
    permit(engine, "read_candidates")
    undone = select(decision.c.corrects).where(decision.c.corrects.is_not(None))
    later = decision.alias("later")
    outdone = exists().where(
        later.c.demand_id == decision.c.demand_id,
        later.c.achievement_id == decision.c.achievement_id,
        later.c.decision_id > decision.c.decision_id,
        later.c.verdict != UNDONE,
        later.c.decision_id.not_in(undone),
    )
    query = (
        select(decision)
        .where(
            decision.c.agent == agent,
            decision.c.verdict != UNDONE,
            decision.c.decision_id.not_in(undone),
            ~outdone,
        )
        .order_by(decision.c.decision_id.desc())
        .limit(count)
    )
    with reading(engine) as connection:
        return [Decision(**row._mapping) for row in connection.execute(query)]


def _check(verdict: str, reason: str) -> None:
    if verdict not in VERDICTS:
        raise CallError(Problem("decision.unknown_verdict", values={"verdict": verdict}))
    if verdict == "reject" and reason not in REJECT_REASONS:
        raise CallError(Problem("decision.no_reason", values={"reason": reason}))


def _check_not_under_way(connection: Connection, accepted: Decision) -> None:
    state = deals.state_of_pair(connection, accepted.demand_id, accepted.achievement_id)
    if state not in (None, deals.FIRST, deals.ENDED):
        raise LedgerError(Problem("decision.deal_under_way"))


def _meanwhile(before: Decision | None) -> DecidedMeanwhile:
    if before is None:
        return DecidedMeanwhile(Problem("decision.undone_meanwhile"))
    return DecidedMeanwhile(Problem("decision.decided_meanwhile", values={"agent": before.agent, "at": before.at[:16]}))


def _by_nonce(connection: Connection, demand_id: str, achievement_id: str, agent: str, nonce: str) -> Decision | None:
    row = connection.execute(
        select(decision).where(
            decision.c.demand_id == demand_id,
            decision.c.achievement_id == achievement_id,
            decision.c.agent == agent,
            decision.c.nonce == nonce,
        )
    ).one_or_none()
    return Decision(**row._mapping) if row else None


def _standing(connection: Connection, demand_id: str, achievement_id: str) -> Decision | None:
    ids = standing_decisions(demand_id).with_only_columns(decision.c.decision_id)
    row = connection.execute(
        select(decision).where(decision.c.decision_id.in_(ids), decision.c.achievement_id == achievement_id)
    ).one_or_none()
    return Decision(**row._mapping) if row else None


def _write(connection: Connection, **values: object) -> Decision:
    at = now()
    key = connection.execute(insert(decision).values(**values, at=at).returning(decision.c.decision_id)).scalar_one()
    return Decision(decision_id=key, at=at, **values)  # type: ignore[arg-type]


def _follow(connection: Connection, before: Decision | None, entry: Decision) -> None:
    """Open the deal of a new acceptance, or end that of one which no longer stands."""
    was = before is not None and before.verdict == "accept"
    if entry.verdict == "accept" and not was:
        deals.open_deal(connection, entry.demand_id, entry.achievement_id, entry.decision_id, entry.agent)
    elif was and entry.verdict != "accept":
        deals.close_deal(connection, entry.demand_id, entry.achievement_id, entry.decision_id, entry.agent)
