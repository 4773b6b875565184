"""What figures are made of: the ledger as it stood at a moment, with everything that it is cut by.

Facts are whole: they count also what their reader is not shown. `veiled` takes away what a viewer must not learn of
demands: whose they are, and of private ones which.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

import polars as pl
from sqlalchemy import Engine

from matching.fields.regions import in_province
from matching.fields.seller_kinds import seller_kinds_of
from matching.ledger import past
from matching.ledger.bulk_reading import together
from matching.ledger.rights import permit, viewer_of
from matching.ledger.scope import restricted
from matching.ledger.statement_kinds import YES
from matching.reporting.codes import HIDDEN, UNKNOWN
from matching.reporting.journeys import DECIDED, journeys
from matching.reporting.merged import as_one
from matching.reporting.period import local_day, local_days
from matching.reporting.placed_records import by_value, named, placed
from matching.schema import ID, Kind

# The taxonomy of the registration of contracts.
CONTRACT_FIELDS: Final = "contract_fields"


@dataclass(frozen=True)
class Facts:
    """The ledger at a moment; what is not known is UNKNOWN.

    demands: demand_id, day (first arrival), in_use, into, title, visibility, a column per taxonomy with the main field,
    city (region), enterprise. achievements: achievement_id, day, in_use, into, title, funding, conversion_deadline,
    exempt, a column per taxonomy, institute, maturity (stage), ip_kind, invention_patent, public_funds. A record that
    was merged `into` another is not in use, has no day, and is otherwise what that one is. pairs: `journeys.JOURNEYS`.
    listed: pairs of the newest run with their level. payments: deal_id, paid_on, amount_fen. contracts: deals from
    signed on, with terms and parties. statements: deal_id, name, value.
    """

    as_of: datetime
    timezone: str
    demands: pl.DataFrame
    achievements: pl.DataFrame
    pairs: pl.DataFrame
    listed: pl.DataFrame
    payments: pl.DataFrame
    contracts: pl.DataFrame
    statements: pl.DataFrame

    @property
    def today(self) -> date:
        """The local day of the moment."""
        return local_day(self.as_of, self.timezone)


def facts(engine: Engine, as_of: datetime, timezone: str) -> Facts:
    """Read the ledger as it stood at a moment; days are those of `timezone`, names those that the viewer may learn."""
    permit(engine, "read_figures")
    # The longest first.
    readings: list[Callable[[], pl.DataFrame]] = [
        lambda: _records(engine, "achievements", as_of, timezone),
        lambda: past.decisions_at(engine, as_of, DECIDED),
        lambda: past.deals_at(engine, as_of, ("state", "agent")),
        lambda: past.brought_at(engine, as_of),
        lambda: _records(engine, "demands", as_of, timezone),
        lambda: past.terms_at(engine, as_of),
        lambda: past.listed_at(engine, as_of),
        lambda: past.payments_at(engine, as_of),
        lambda: past.statements_at(engine, as_of),
    ]
    read = together(readings, engine.pool)
    achievements, decided, deals, brought, demands, terms, listed, payments, statements = read
    pairs = journeys(brought, decided, deals, terms, timezone)
    found = Facts(
        as_of=as_of,
        timezone=timezone,
        demands=demands,
        achievements=achievements,
        pairs=pairs,
        listed=listed,
        payments=payments.select("deal_id", "paid_on", "amount_fen"),
        contracts=_with_stated(_contracts(pairs, terms, deals, payments, demands, achievements), statements),
        statements=statements,
    )
    return veiled(engine, found)


def veiled(engine: Engine, found: Facts) -> Facts:
    """Facts without titles, enterprises and buyers of demands that are not public, and the ids of private ones."""
    if not restricted(viewer_of(engine)):
        return found
    private = found.demands.filter(pl.col("visibility") == "private")["demand_id"]
    ids = dict(zip(private, (f"{HIDDEN}-{number}" for number in range(1, len(private) + 1)), strict=True))
    secret = pl.col("visibility").fill_null("private") != "public"

    def without(rows: pl.DataFrame, *names: str) -> pl.DataFrame:
        told = [pl.when(secret).then(pl.lit(HIDDEN)).otherwise(name).alias(name) for name in names]
        return rows.with_columns(pl.col("demand_id").replace(ids), *told)

    return replace(
        found,
        demands=without(found.demands, "enterprise", "title").with_columns(pl.col("into").replace(ids)),
        contracts=without(found.contracts, "enterprise", "buyer", "demand_title"),
        pairs=found.pairs.with_columns(pl.col("demand_id").replace(ids)),
        listed=found.listed.with_columns(pl.col("demand_id").replace(ids)),
    )


def _records(engine: Engine, kind: Kind, as_of: datetime, timezone: str) -> pl.DataFrame:
    found = past.records_at(engine, kind, as_of)
    found = found.with_columns(day=local_days(pl.col("came"), timezone))
    fields = past.main_fields_at(engine, kind, as_of, found)
    return as_one(placed(kind, found, fields), ID[kind])


def _contracts(
    pairs: pl.DataFrame,
    terms: pl.DataFrame,
    deals: pl.DataFrame,
    payments: pl.DataFrame,
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
) -> pl.DataFrame:
    """Deals from signed on, with what the rules and the registration ask of them."""
    signed = pairs.filter(pl.col("own_signed").is_not_null() | pl.col("signed").is_not_null())
    parties = terms.select(
        "deal_id", "registration_number", *(named(name) for name in ("buyer", "seller", "responsible"))
    )
    paid = payments.group_by("deal_id").agg(paid_fen=pl.col("amount_fen").sum())
    of_demand = demands.select("demand_id", "visibility", "enterprise", demand_title="title", buyer_city="city")
    of_achievement = achievements.select(
        "achievement_id",
        "institute",
        "ip_kind",
        "invention_patent",
        achievement_title="title",
        contract_field=CONTRACT_FIELDS,
    )
    found = signed.select(
        "deal_id",
        "demand_id",
        "achievement_id",
        "contract_kind",
        "total_fen",
        "technical_fen",
        "transfer_institution",
        signed_on="signed",
        registered_on="own_registered",
        industrialised_on="own_industrialised",
    )
    for beside, key in (
        (deals.select("deal_id", "state"), "deal_id"),
        (parties, "deal_id"),
        (paid, "deal_id"),
        (of_demand, "demand_id"),
        (of_achievement, "achievement_id"),
    ):
        found = found.join(beside, on=key, how="left", maintain_order="left")
    # Nobody wrote who buys and who sells: then they are the enterprise and the institute.
    stated = {
        party: pl.when(pl.col(party).is_in([UNKNOWN, ""]) | pl.col(party).is_null()).then(other).otherwise(party)
        for party, other in (("buyer", "enterprise"), ("seller", "institute"))
    }
    found = found.with_columns(**stated, paid_fen=pl.col("paid_fen").fill_null(0)).sort("deal_id")
    return found.with_columns(
        buyer_in_province=by_value(found["buyer_city"].fill_null(UNKNOWN), in_province, pl.Boolean()),
        seller_kind=seller_kinds_of(found["seller"].fill_null("")),
    )


def _with_stated(contracts: pl.DataFrame, statements: pl.DataFrame) -> pl.DataFrame:
    """Contracts with the place of the buyer that people stated, where they did."""
    said = statements.filter(pl.col("name") == "buyer_in_province").select("deal_id", said=pl.col("value") == YES)
    found = contracts.join(said, on="deal_id", how="left", maintain_order="left")
    return found.with_columns(buyer_in_province=pl.coalesce("said", "buyer_in_province")).drop("said")
