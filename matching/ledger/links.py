"""The chain's end as it was at a moment: what a report names, so that it can be told from what ledger it was made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select

from matching.ledger.database import reading
from matching.ledger.past_versions import written_by
from matching.ledger.rights import permit
from matching.ledger.tables import link


@dataclass(frozen=True)
class Seal:
    """A link of the chain, and its hash."""

    link_id: int
    hash: str


def sealed_at(engine: Engine, at: datetime) -> Seal | None:
    """The newest link that was written by a moment; None where there was none yet."""
    permit(engine, "read_figures")
    newest = (
        select(link.c.link_id, link.c.hash).where(link.c.at <= written_by(at)).order_by(link.c.link_id.desc()).limit(1)
    )
    with reading(engine) as connection:
        row = connection.execute(newest).one_or_none()
    return Seal(row.link_id, row.hash) if row else None
