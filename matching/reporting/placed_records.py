"""Records with the codes of what they are cut by, from what their files wrote."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from matching.fields.funding import public_funds_of
from matching.fields.ip_kinds import are_invention_patents, ip_kinds_of
from matching.fields.maturity import stage_of
from matching.fields.regions import regions_of
from matching.fields.taxonomies import load_taxonomies
from matching.reporting.codes import UNKNOWN
from matching.schema import ID, Kind


def placed(kind: Kind, records: pl.DataFrame, fields: pl.DataFrame) -> pl.DataFrame:
    """Records as `Facts` has them, of those that `past.records_at` and `past.main_fields_at` read, with their day."""
    for taxonomy in load_taxonomies().values():
        known = {node.code for node in taxonomy.fields}
        main = fields.filter((pl.col("taxonomy") == taxonomy.code) & pl.col("code").is_in(known)).select(
            pl.col("record_id").alias(ID[kind]), pl.col("code").alias(taxonomy.code)
        )
        records = records.join(main, on=ID[kind], how="left", maintain_order="left")
    records = records.with_columns(pl.col(*load_taxonomies()).fill_null(UNKNOWN))
    return _placed_demands(records) if kind == "demands" else _placed_achievements(records)


def named(column: str) -> pl.Expr:
    """An organisation's name, UNKNOWN where nobody stated it."""
    return (
        pl.when(pl.col(column).fill_null("").str.strip_chars() == "")
        .then(pl.lit(UNKNOWN))
        .otherwise(column)
        .alias(column)
    )


def by_value(texts: pl.Series, find: Callable[[str], object], dtype: pl.DataType) -> pl.Series:
    """What is found for each text; each different text is looked at once."""
    return _looked_up(texts, lambda different: pl.Series([find(each) for each in different], dtype=dtype))


def _placed_demands(found: pl.DataFrame) -> pl.DataFrame:
    return found.select(
        "demand_id",
        "day",
        "in_use",
        "into",
        "title",
        "visibility",
        *load_taxonomies(),
        city=regions_of(found["city"]),
        enterprise=named("enterprise"),
    )


def _placed_achievements(found: pl.DataFrame) -> pl.DataFrame:
    return found.select(
        "achievement_id",
        "day",
        "in_use",
        "into",
        "title",
        "funding",
        "conversion_deadline",
        "exempt",
        *load_taxonomies(),
        institute=named("institute"),
        maturity=by_value(found["maturity"], _stage, pl.String()),
        ip_kind=ip_kinds_of(found["ip_kind"]),
        invention_patent=_looked_up(found["ip_kind"], are_invention_patents),
        public_funds=public_funds_of(found["funding"]),
    )


def _stage(written: str) -> str:
    stage = stage_of(written)
    return stage.code if stage else UNKNOWN


def _looked_up(texts: pl.Series, find: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """What is found for the different texts, for each of them where it stands."""
    different = texts.unique()
    found = pl.DataFrame({"text": different, "found": find(different)})
    beside = texts.alias("text").to_frame().join(found, on="text", how="left", nulls_equal=True, maintain_order="left")
    return beside["found"]
