"""Whole lists of the ledger, kept between reruns for as long as no upload changes them."""

from __future__ import annotations

from typing import Final

import polars as pl
import streamlit as st

from matching.fields.assignment import believed
from matching.fields.taxonomies import first_taxonomy
from matching.intake.quality import rules_version
from matching.ledger import catalogue, presence, runs
from matching.ledger.revision import Revision, revision
from matching.reporting.statistics import Statistics, main_fields, statistics
from matching.schema import ID, Kind
from ui.access import ledger, settings

# What the screens list; the texts of a record are read when it is opened.
_LISTED: Final[dict[Kind, tuple[str, ...]]] = {
    "demands": (
        "demand_id",
        "title",
        "enterprise",
        "city",
        "investment_yuan",
        "deadline",
        "contact",
        "status",
    ),
    "achievements": (
        "achievement_id",
        "title",
        "institute",
        "maturity",
        "price_yuan",
        "completed_on",
        "contact",
        "status",
    ),
}


@st.cache_resource(max_entries=8, show_spinner=False)
def _fields(kind: Kind, taxonomy: str, upload: int, change: int, mark: int) -> pl.DataFrame:
    return believed(catalogue.current_fields(ledger(), kind, taxonomy))


def fields(kind: Kind, taxonomy: str) -> pl.DataFrame:
    """Fields of all current records in one taxonomy that are sure enough to be shown (`schema.FIELDS`)."""
    at = now()
    return _fields(kind, taxonomy, at.upload, at.field_change, at.mark)


@st.cache_resource(max_entries=2, show_spinner=False)
def _quality(kind: Kind, upload: int, mark: int, run: int) -> pl.DataFrame:
    return catalogue.current_quality(ledger(), kind, rules_version())


def quality(kind: Kind) -> pl.DataFrame:
    """Quality of the records that were scored (`catalogue.QUALITY`)."""
    at = now()
    return _quality(kind, at.upload, at.mark, at.run)


@st.cache_resource(max_entries=4, show_spinner=False)
def _records(kind: Kind, upload: int, change: int, mark: int, run: int) -> pl.DataFrame:
    found = main_fields(fields(kind, first_taxonomy().code))
    main = found.select("record_id", "confidence", main_field="code", decided_by="terms")
    listed = catalogue.current_records(ledger(), kind, _LISTED[kind])
    missing = presence.missing(ledger(), kind).select("record_id", missing=pl.lit(True))
    scored = quality(kind).select("record_id", "quality", "vague")
    for beside in (main, scored, missing):
        listed = listed.join(beside, left_on=ID[kind], right_on="record_id", how="left", maintain_order="left")
    return listed.with_columns(
        pl.col("vague", "missing").fill_null(False), out_of_use=pl.col("status") == presence.OUT_OF_USE[kind]
    )


def records(kind: Kind) -> pl.DataFrame:
    """Current records: what is listed of them, main field (null if unknown), its confidence, the terms that decided.

    Also quality (0–100, null where it was not scored), and whether they are vague, missing from the latest file of
    their institute, and out of use.
    """
    at = now()
    return _records(kind, at.upload, at.field_change, at.mark, at.run)


def now() -> Revision:
    """The revision of the ledger at this moment."""
    return revision(ledger())


@st.cache_resource(max_entries=2, show_spinner=False)
def _queue(at: Revision) -> pl.DataFrame:
    return runs.demand_queue(ledger(), at.run)


def queue() -> pl.DataFrame:
    """Demands of the newest run with counts of their candidates (`runs.QUEUE`)."""
    return _queue(now())


@st.cache_resource(max_entries=2, show_spinner=False)
def _statistics(at: Revision) -> Statistics:
    return statistics(ledger(), settings().timezone)


def figures() -> Statistics:
    """The statistics of the ledger as it is now."""
    return _statistics(now())
