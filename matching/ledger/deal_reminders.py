"""What deals wait for: those without movement, contracts to be registered, contracts whose record was withdrawn."""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl
from sqlalchemy import Connection, Engine, Select, func, select, union_all

from matching.ledger.database import reading
from matching.ledger.deal_log import CONTRACTS, SIGNED
from matching.ledger.deal_rules import deal_rules
from matching.ledger.deal_terms import current_terms
from matching.ledger.deals import all_deals
from matching.ledger.frames import frame
from matching.ledger.rights import permit
from matching.ledger.tables import deal_document, deal_event, deal_payment, deal_terms
from matching.ledger.withdrawal import out_of_use_among
from matching.schema import ID, KINDS

REMINDERS: Final[dict[str, pl.DataType]] = {
    "deal_id": pl.Int64(),
    "why": pl.String(),
    "state": pl.String(),
    "days": pl.Int64(),
    "over": pl.Int64(),
    "record_id": pl.String(),
}
WHYS: Final = ("withdrawn", "still", "registration")
_MOVED: Final[dict[str, pl.DataType]] = {"deal_id": pl.Int64(), "moved_at": pl.String()}


def reminders(engine: Engine, today: date, timezone: str = "UTC") -> pl.DataFrame:
    """Deals that somebody should look at (`REMINDERS`), by why, the longest over first; days are those of `timezone`.

    `still`: no entry for longer than the state allows; days since the newest one. `registration`: signed and not
    registered; days since the signing. `withdrawn`: a contract whose record, `record_id`, is out of use. `over` is the
    days above what the rules allow, null for the last.
    """
    permit(engine, "read_deals")
    deals = all_deals(engine).select("deal_id", *ID.values(), "state")
    signed = current_terms(engine).select("deal_id", "signed_on")
    with reading(engine) as connection:
        moved = frame(connection, _newest_entries(), _MOVED)
        withdrawn = _withdrawn(connection, deals)
    found = [withdrawn, _still(deals, moved, today, timezone), _to_register(deals, signed, today)]
    listed = pl.concat([each.select(REMINDERS.keys()).cast(REMINDERS) for each in found])  # type: ignore[arg-type]
    order = pl.col("why").replace_strict(WHYS, range(len(WHYS)), return_dtype=pl.Int64)
    return listed.sort(order, pl.col("over").neg(), "deal_id", "record_id")


def moved_on(at: pl.Expr, timezone: str) -> pl.Expr:
    """The day of a moment of the ledger in a time zone."""
    return at.str.to_datetime("%Y-%m-%dT%H:%M:%S%.3f%:z", time_zone="UTC").dt.convert_time_zone(timezone).dt.date()


def _newest_entries() -> Select[tuple[int, str]]:
    """Every deal's newest moment of any entry."""
    entries = union_all(
        *(select(each.c.deal_id, each.c.at) for each in (deal_event, deal_terms, deal_payment, deal_document))
    ).subquery()
    return select(entries.c.deal_id, func.max(entries.c.at)).group_by(entries.c.deal_id)


def _still(deals: pl.DataFrame, moved: pl.DataFrame, today: date, timezone: str) -> pl.DataFrame:
    allowed = deal_rules().days_without_movement
    most = pl.col("state").replace_strict(list(allowed), list(allowed.values()), default=None, return_dtype=pl.Int64)
    days = (pl.lit(today) - moved_on(pl.col("moved_at"), timezone)).dt.total_days()
    return (
        deals.join(moved, on="deal_id")
        .with_columns(days=days, why=pl.lit("still"), record_id=pl.lit(""))
        .with_columns(over=pl.col("days") - most)
        .filter(pl.col("over") > 0)
    )


def _to_register(deals: pl.DataFrame, signed: pl.DataFrame, today: date) -> pl.DataFrame:
    days = (pl.lit(today) - pl.col("signed_on")).dt.total_days()
    return (
        deals.filter(pl.col("state") == SIGNED)
        .join(signed.drop_nulls("signed_on"), on="deal_id")
        .with_columns(days=days, why=pl.lit("registration"), record_id=pl.lit(""))
        .with_columns(over=pl.col("days") - deal_rules().registration_due_after_days)
        .filter(pl.col("over") >= 0)
    )


def _withdrawn(connection: Connection, deals: pl.DataFrame) -> pl.DataFrame:
    contracts = deals.filter(pl.col("state").is_in(CONTRACTS))
    found = []
    for kind in KINDS:
        out = out_of_use_among(connection, kind, contracts[ID[kind]].to_list())
        found.append(contracts.filter(pl.col(ID[kind]).is_in(out)).with_columns(record_id=ID[kind]))
    empty = pl.lit(None, dtype=pl.Int64)
    return pl.concat(found).with_columns(why=pl.lit("withdrawn"), days=empty, over=empty)
