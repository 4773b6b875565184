"""What of the ledger's lists a viewer is shown.

Agents and administrators see everything. An institute sees its own achievements, and of demands those of its deals. An
official sees no private demand. Of an anonymous demand nobody but agents learns whose it is before an agent has brought
the two together, which is when their deal is past its first state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl
from sqlalchemy import Connection, Select, select

from matching.errors import NotPermitted, Problem
from matching.intake.organisations import organisation_key
from matching.ledger.anonymity import blotted
from matching.ledger.organisation_names import names_in
from matching.ledger.rights import Viewer
from matching.ledger.tables import (
    RECORD_TABLE,
    achievement,
    deal,
    deal_event,
    demand,
    upload,
    upload_repeat,
    upload_reversal,
)
from matching.ledger.versions import newest_versions
from matching.schema import DEAL_STATES, EXTRAS, Kind

# What tells whose demand it is.
_TELLING: Final = ("enterprise", "contact", "phone", "extras", "keywords")
_EMPTY: Final = {"extras": pl.lit([], EXTRAS), "keywords": pl.lit([], pl.List(pl.String))}
# Texts in which its name is blotted out.
_TEXTS: Final = ("title", "problem", "targets", "expected", "tried", "solution", "city", "field")
# What has to be read of a demand to know whether it may be shown.
NEEDED: Final = ("demand_id", "enterprise", "visibility")


def restricted(viewer: Viewer | None) -> bool:
    """Whether a viewer sees less than everything."""
    return viewer is not None and viewer.role not in ("agent", "admin")


def visible_ids(connection: Connection, viewer: Viewer | None, kind: Kind) -> set[str] | None:
    """Ids of the records of a list that a viewer may see; None for all."""
    if viewer is None or not restricted(viewer):
        return None
    if viewer.role == "institute":
        own = own_achievements(connection, viewer.organisation)
        return own if kind == "achievements" else _demands_of_deals(connection, own)
    if kind == "achievements":
        return None
    rows = connection.execute(newest_demands())
    return {row.demand_id for row in rows if row.visibility != "private"}


def visible(connection: Connection, viewer: Viewer | None, kind: Kind, rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Rows of the records that a viewer may see, by their ids in a column."""
    ids = visible_ids(connection, viewer, kind)
    return rows if ids is None else rows.filter(pl.col(column).is_in(pl.Series(sorted(ids), dtype=pl.String).implode()))


def masked(connection: Connection, viewer: Viewer | None, demands: pl.DataFrame) -> pl.DataFrame:
    """Demands (with the columns of `NEEDED`) without what tells whose they are, where the viewer must not know."""
    if viewer is None or not restricted(viewer):
        return demands
    known = introduced(connection, viewer)
    hidden = (pl.col("visibility") != "public") & ~pl.col("demand_id").is_in(
        pl.Series(sorted(known), dtype=pl.String).implode()
    )
    secret = demands.select(hidden.alias("hidden"))["hidden"]
    if not secret.any():
        return demands
    texts = [name for name in _TEXTS if name in demands.columns]
    demands = blotted(demands, secret, texts, names_in(connection))
    emptied = [
        pl.when(secret).then(_EMPTY.get(name, pl.lit(""))).otherwise(name).alias(name)
        for name in _TELLING
        if name in demands.columns
    ]
    return demands.with_columns(emptied)


def own_achievements(connection: Connection, institute: str) -> set[str]:
    """Ids of an institute's achievements: those that bear its name, however written, and those of its files."""
    if not institute.strip():
        return set()
    names = names_in(connection)
    key = organisation_key(institute, names)
    newest = newest_versions(achievement).subquery()
    listed = select(achievement.c.achievement_id, achievement.c.institute).join(
        newest,
        (achievement.c.achievement_id == newest.c.achievement_id) & (achievement.c.version == newest.c.version),
    )
    rows = connection.execute(listed).all()
    alike = _of_key(names, key, {row.institute for row in rows})
    stands = upload.c.upload_id.not_in(select(upload_reversal.c.upload_id))
    uploads = connection.execute(
        select(upload.c.upload_id, upload.c.institute).where(upload.c.institute != "", stands)
    ).all()
    senders = _of_key(names, key, {row.institute for row in uploads})
    sent = [row.upload_id for row in uploads if row.institute in senders]
    current = {row.achievement_id for row in rows}
    brought = {
        record_id
        for query in (
            select(achievement.c.achievement_id).where(achievement.c.upload_id.in_(sent)),
            select(upload_repeat.c.record_id).where(
                upload_repeat.c.kind == "achievements", upload_repeat.c.upload_id.in_(sent)
            ),
        )
        for (record_id,) in connection.execute(query)
    }
    return {row.achievement_id for row in rows if row.institute in alike} | (brought & current)


def _of_key(names: Mapping[str, str], key: str, written: set[str]) -> set[str]:
    return {each for each in written if organisation_key(each, names) == key}


def _demands_of_deals(connection: Connection, own: set[str]) -> set[str]:
    """Demands of an institute's deals; a private one only once the two were brought together."""
    pairs = connection.execute(select(deal.c.demand_id, deal.c.achievement_id)).all()
    mine = {row.demand_id for row in pairs if row.achievement_id in own}
    private = {row.demand_id for row in connection.execute(newest_demands()) if row.visibility == "private"}
    return mine - (private - _introduced(connection, own))


def introduced(connection: Connection, viewer: Viewer) -> set[str]:
    """Demands whose enterprise a viewer has been brought together with."""
    if viewer.role != "institute":
        return set()
    return _introduced(connection, own_achievements(connection, viewer.organisation))


def _introduced(connection: Connection, own: set[str]) -> set[str]:
    past_first = select(deal.c.demand_id, deal.c.achievement_id).where(
        deal.c.deal_id.in_(select(deal_event.c.deal_id).where(deal_event.c.state.in_(DEAL_STATES[1:])))
    )
    return {row.demand_id for row in connection.execute(past_first) if row.achievement_id in own}


def newest_demands() -> Select[str, str]:
    """Ids of all demands with their visibility."""
    newest = newest_versions(demand).subquery()
    return select(demand.c.demand_id, demand.c.visibility).join(
        newest, (demand.c.demand_id == newest.c.demand_id) & (demand.c.version == newest.c.version)
    )


def refuse_foreign(connection: Connection, viewer: Viewer | None, kind: Kind, record_ids: list[str]) -> None:
    """Raise `NotPermitted` where an institute would change a record that is not its own; new ids are free."""
    if viewer is None or viewer.role != "institute":
        return
    if kind != "achievements":
        raise NotPermitted(Problem("access.not_permitted", values={"account": viewer.account}))
    table = RECORD_TABLE[kind]
    known = {key for (key,) in connection.execute(select(table.c.achievement_id).distinct())}
    foreign = sorted((known & set(record_ids)) - own_achievements(connection, viewer.organisation))
    if foreign:
        raise NotPermitted(Problem("access.foreign_records", values={"identity": foreign[:10], "count": len(foreign)}))


def refuse_institute(viewer: Viewer | None, institute: str) -> None:
    """Raise `NotPermitted` where an institute's account would load another institute's file."""
    if viewer is None or viewer.role != "institute":
        return
    if organisation_key(institute, {}) != organisation_key(viewer.organisation, {}):
        raise NotPermitted(Problem("access.own_file_only", values={"institute": viewer.organisation}))
