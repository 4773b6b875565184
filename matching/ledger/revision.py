"""Which state the ledger is in: what was read at one revision is still true at the same revision."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, func, select

from matching.ledger.database import reading
from matching.ledger.tables import deal_event, decision, field_change, pair_level, run, upload


@dataclass(frozen=True)
class Revision:
    """The newest upload, change of fields, run, decision, level set by hand and deal event; 0 where there is none."""

    upload: int
    field_change: int
    run: int
    decision: int
    level: int
    event: int


def revision(engine: Engine) -> Revision:
    """The ledger's state at this moment."""
    newest = (
        upload.c.upload_id,
        field_change.c.change_id,
        run.c.run_id,
        decision.c.decision_id,
        pair_level.c.entry_id,
        deal_event.c.event_id,
    )
    query = select(*(select(func.coalesce(func.max(column), 0)).scalar_subquery() for column in newest))
    with reading(engine) as connection:
        return Revision(*connection.execute(query).one())
