"""Whole lists of the ledger, kept between reruns for as long as no upload changes them."""

from __future__ import annotations

import polars as pl
import streamlit as st

from matching.ledger import catalogue, runs
from matching.ledger.revision import Revision, revision
from matching.reporting.statistics import Statistics, main_fields, statistics
from matching.schema import ID, Kind
from ui.access import ledger, settings


@st.cache_resource(max_entries=4, show_spinner=False)
def _records(kind: Kind, upload: int) -> pl.DataFrame:
    fields = catalogue.current_fields(ledger(), kind)
    main = main_fields(fields).select("record_id", "confidence", main_field="code", decided_by="terms")
    listed = catalogue.current_records(ledger(), kind)
    return listed.join(main, left_on=ID[kind], right_on="record_id", how="left", maintain_order="left")


def records(kind: Kind) -> pl.DataFrame:
    """Current records with their main field (null if unknown), its confidence and the terms that decided."""
    return _records(kind, now().upload)


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
