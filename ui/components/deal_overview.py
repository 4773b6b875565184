"""All deals as the screen lists them, and the filters that narrow the list."""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl
import streamlit as st

from matching.ledger import deals
from matching.ledger.deal_payments import paid
from matching.ledger.deal_reminders import moved_on
from matching.ledger.deal_terms import current_terms
from matching.ledger.revision import Revision
from ui.access import ledger, settings, t, worded_key
from ui.catalogue_cache import Scope, now, records, scope_of
from ui.components.filters import with_words
from ui.components.moments import today

_ALL: Final = ""
_SEARCHED: Final = (
    "demand_title",
    "achievement_title",
    "enterprise",
    "institute",
    "demand_id",
    "achievement_id",
    "registration_number",
)


def overview() -> pl.DataFrame:
    """Every deal, newest movement first: `deals.DEALS`, titles and organisations, days in its state, its amounts.

    `who` is the responsible agent, else the one who moved it last.
    """
    at = now()
    return _overview(scope_of(at), at, today())


@st.cache_resource(max_entries=4, show_spinner=False)
def _overview(scope: Scope, at: Revision, day: date) -> pl.DataFrame:
    demands = records("demands").select("demand_id", "enterprise", demand_title="title")
    achievements = records("achievements").select("achievement_id", "institute", achievement_title="title")
    terms = current_terms(ledger()).select("deal_id", "total_fen", "registration_number", "responsible")
    days = (pl.lit(day) - moved_on(pl.col("at"), settings().timezone)).dt.total_days()
    listed = deals.all_deals(ledger())
    for beside, key in (
        (demands, "demand_id"),
        (achievements, "achievement_id"),
        (terms, "deal_id"),
        (paid(ledger()), "deal_id"),
    ):
        listed = listed.join(beside, on=key, how="left", maintain_order="left")
    responsible = pl.col("responsible").fill_null("")
    return listed.with_columns(
        pl.col("demand_title", "achievement_title", "enterprise", "institute", "registration_number").fill_null(""),
        days=days,
        who=pl.when(responsible == "").then("agent").otherwise(responsible),
    )


def narrowed(listed: pl.DataFrame) -> pl.DataFrame:
    """The deals that the filters leave; the filters are in a row."""
    search, agent, institute = st.columns([2, 1, 1])
    with search:
        words = st.text_input(t("deals.search"), placeholder=t("deals.search_hint"), key="deals_search")
    with agent:
        listed = _chosen(listed, "who", t("deals.filter_agent"), t("deals.all_agents"))
    with institute:
        listed = _chosen(listed, "institute", t("deals.filter_institute"), t("deals.all_institutes"))
    return with_words(listed, words or "", _SEARCHED)


def _chosen(listed: pl.DataFrame, column: str, label: str, every: str) -> pl.DataFrame:
    names = sorted(set(listed[column]) - {_ALL})
    name = st.selectbox(
        label,
        [_ALL, *names],
        format_func=lambda each: every if each == _ALL else each,
        key=worded_key(f"deals_{column}"),
    )
    return listed if name == _ALL else listed.filter(pl.col(column) == name)
