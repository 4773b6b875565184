"""What of deals a viewer is shown: an institute its own, without what tells whose a demand is before it may know.

Everybody else who may read deals is shown all of them.
"""

from __future__ import annotations

from typing import Final

import polars as pl
from sqlalchemy import Connection, Engine, select

from matching.ledger.rights import viewer_of
from matching.ledger.scope import introduced, newest_demands, own_achievements
from matching.ledger.tables import deal

# Texts of a deal in which people may have named the enterprise.
_TELLING: Final = ("buyer", "note", "why", "name", "link")


def shown(engine: Engine, connection: Connection, found: pl.DataFrame) -> pl.DataFrame:
    """Rows of a frame with a column deal_id that the viewer of the ledger is shown."""
    viewer = viewer_of(engine)
    if viewer is None or viewer.role != "institute":
        return found
    own = own_achievements(connection, viewer.organisation)
    mine = [row for row in connection.execute(select(deal)) if row.achievement_id in own]
    visibility = {row.demand_id: row.visibility for row in connection.execute(newest_demands())}
    known = introduced(connection, viewer)
    hidden = {row.deal_id: visibility.get(row.demand_id, "private") for row in mine if row.demand_id not in known}
    seen = [row.deal_id for row in mine if hidden.get(row.deal_id) != "private"]
    blotted = [deal_id for deal_id, visible in hidden.items() if visible != "public"]
    return found.filter(_is_one_of(seen)).with_columns(
        pl.when(_is_one_of(blotted)).then(pl.lit("")).otherwise(name).alias(name)
        for name in _TELLING
        if name in found.columns
    )


def _is_one_of(deal_ids: list[int]) -> pl.Expr:
    return pl.col("deal_id").is_in(pl.Series(deal_ids, dtype=pl.Int64).implode())
