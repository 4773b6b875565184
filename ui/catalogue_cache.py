"""Whole lists of the ledger, kept between reruns for as long as no upload changes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import polars as pl
import streamlit as st

from matching.fields.believed import believed, main_fields
from matching.fields.taxonomies import first_taxonomy
from matching.intake.quality import rules_version
from matching.ledger import assignments, catalogue, decisions, presence, review_queue
from matching.ledger.revision import Revision, revision
from matching.ledger.rights import permit, unrestricted, viewer_of
from matching.ledger.scope import restricted
from matching.schema import ID, Kind
from ui.access import ledger

# Role, institute, and the newest event of a deal, for deals make enterprises known.
Scope = tuple[str, str, int]

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


def scope_of(at: Revision) -> Scope:
    """What tells the lists of one viewer from those of another: nothing among those who see everything."""
    viewer = viewer_of(ledger())
    return (viewer.role, viewer.organisation, at.event) if viewer is not None and restricted(viewer) else ("", "", 0)


@st.cache_resource(max_entries=8, show_spinner=False)
def _fields(scope: Scope, kind: Kind, taxonomy: str, upload: int, change: int, mark: int) -> pl.DataFrame:
    return believed(catalogue.current_fields(ledger(), kind, taxonomy))


def fields(kind: Kind, taxonomy: str) -> pl.DataFrame:
    """Fields of all current records in one taxonomy that are sure enough to be shown (`schema.FIELDS`)."""
    at = now()
    return _fields(scope_of(at), kind, taxonomy, at.upload, at.field_change, at.mark)


@st.cache_resource(max_entries=2, show_spinner=False)
def _quality(scope: Scope, kind: Kind, upload: int, mark: int, run: int) -> pl.DataFrame:
    return catalogue.current_quality(ledger(), kind, rules_version())


def quality(kind: Kind) -> pl.DataFrame:
    """Quality of the records that were scored (`catalogue.QUALITY`)."""
    at = now()
    return _quality(scope_of(at), kind, at.upload, at.mark, at.run)


@st.cache_resource(max_entries=4, show_spinner=False)
def _listed(scope: Scope, kind: Kind, upload: int, mark: int) -> pl.DataFrame:
    found = catalogue.current_records(ledger(), kind, _LISTED[kind])
    return found.with_columns(out_of_use=pl.col("status") == presence.OUT_OF_USE[kind])


def listed(kind: Kind) -> pl.DataFrame:
    """Current records: what is listed of them, and whether they are out of use."""
    at = now()
    return _listed(scope_of(at), kind, at.upload, at.mark)


@st.cache_resource(max_entries=4, show_spinner=False)
def _arrivals(scope: Scope, kind: Kind, upload: int, mark: int) -> pl.DataFrame:
    return catalogue.arrivals(ledger(), kind)


def arrivals(kind: Kind) -> pl.DataFrame:
    """When each record first came (`catalogue.arrivals`)."""
    at = now()
    return _arrivals(scope_of(at), kind, at.upload, at.mark)


@st.cache_resource(max_entries=4, show_spinner=False)
def _records(scope: Scope, kind: Kind, upload: int, change: int, mark: int, run: int) -> pl.DataFrame:
    best = main_fields(fields(kind, first_taxonomy().code))
    main = best.select("record_id", "confidence", main_field="code", decided_by="terms")
    found = listed(kind).drop("out_of_use")
    missing = presence.missing(ledger(), kind).select("record_id", missing=pl.lit(True))
    scored = quality(kind).select("record_id", "quality", "vague")
    for beside in (main, scored, missing, arrivals(kind)):
        found = found.join(beside, left_on=ID[kind], right_on="record_id", how="left", maintain_order="left")
    return found.with_columns(
        pl.col("vague", "missing").fill_null(False), out_of_use=pl.col("status") == presence.OUT_OF_USE[kind]
    )


def records(kind: Kind) -> pl.DataFrame:
    """Current records: what is listed of them, main field (null if unknown), its confidence, the terms that decided.

    Also quality (0–100, null where it was not scored), when they came (UTC in ISO form), and whether they are vague,
    missing from the latest file of their institute, and out of use.
    """
    at = now()
    return _records(scope_of(at), kind, at.upload, at.field_change, at.mark, at.run)


def now() -> Revision:
    """The revision of the ledger at this moment."""
    return revision(ledger())


@st.cache_resource(max_entries=2, show_spinner=False)
def _run_pairs(run: int, upload: int, mark: int) -> pl.DataFrame:
    return review_queue.run_pairs(unrestricted(ledger()), run)


@st.cache_resource(max_entries=2, show_spinner=False)
def _review_pairs(run: int, upload: int, mark: int, decision: int, hour: datetime) -> pl.DataFrame:
    return review_queue.with_standing(_run_pairs(run, upload, mark), decisions.standing(ledger()), hour)


def review_pairs() -> pl.DataFrame:
    """Pairs of the newest run (`review_queue.with_standing`); what was put off is of this hour."""
    permit(ledger(), "read_candidates")
    at = now()
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return _review_pairs(at.run, at.upload, at.mark, at.decision, hour)


@st.cache_resource(max_entries=2, show_spinner=False)
def _holders(assignment: int) -> pl.DataFrame:
    return assignments.holders(ledger())


def holders() -> pl.DataFrame:
    """Demands that somebody holds (`assignments.HOLDERS`)."""
    return _holders(now().assignment)
