"""Near misses: pairs that are good otherwise and fail on one thing alone, with what would have to change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any, Final

import polars as pl
import streamlit as st

from matching.ledger import reverse
from matching.ledger.revision import Revision
from matching.ledger.rights import permit
from matching.pipeline.near_misses import undecided, with_verdicts
from matching.ranking.near_misses import CONDITIONS
from matching.ranking.near_rules import load_rules
from matching.reporting.tables import csv_bytes
from ui.access import language, ledger, t, worded_key
from ui.catalogue_cache import now
from ui.components.filters import with_words
from ui.components.moments import today
from ui.components.record import show_current
from ui.components.tables import height_of
from ui.components.why import shared_words

_ALL: Final = ""
# A table in which rows can be chosen is sent to the browser whole: longer ones are cut, and said so.
_LISTED: Final = 1_000
_SEARCHED: Final = (
    "demand_id",
    "demand_title",
    "enterprise",
    "city",
    "achievement_id",
    "achievement_title",
    "institute",
)
_SHOWN: Final = (
    "condition",
    "score",
    "level",
    "demand_title",
    "achievement_title",
    "change",
    "enterprise",
    "institute",
    "verdict",
)


@st.cache_resource(max_entries=4, show_spinner=False)
def _undecided(run: int, upload: int, mark: int, day: date, language: str) -> pl.DataFrame:
    return undecided(ledger(), day, language)


@st.cache_resource(max_entries=4, show_spinner=False)
def _near_misses(at: Revision, day: date, language: str) -> pl.DataFrame:
    return with_verdicts(ledger(), _undecided(at.run, at.upload, at.mark, day, language))


def show() -> None:
    """The screen."""
    st.subheader(t("near.title"))
    # What is kept between reruns is the same for everybody who may see it.
    permit(ledger(), "read_candidates")
    at = now()
    if not at.run:
        st.info(t("review.empty"))
        return
    day = today()
    listed = _near_misses(at, day, language())
    st.caption(t("near.intro"))
    if listed.is_empty():
        st.info(t("near.none"))
        return
    found, condition, text = _filtered(listed)
    if found.is_empty():
        st.info(t("filter.nothing"))
        return
    shown = _listed(found)
    event = st.dataframe(
        _readable(shown, _SHOWN),
        hide_index=True,
        column_config=_widths(),
        placeholder="",
        height=height_of(shown.height, 380),
        # The selection is a position: rows that change must not keep it.
        key=f"near:{at}:{day}:{language()}:{condition}:{text}",
        on_select="rerun",
        selection_mode="single-row",
    )
    rows = event["selection"]["rows"]
    if rows:
        _detail(at.run, shown.row(rows[0], named=True))
    else:
        st.caption(t("near.select_hint"))


def _filtered(listed: pl.DataFrame) -> tuple[pl.DataFrame, str, str]:
    """Search, export and condition; the rows they leave, the condition's code, the words searched for."""
    search, download, counted = st.columns([5, 1.5, 3], vertical_alignment="bottom")
    with search:
        hint = t("near.search_hint")
        text = st.text_input(t("filter.search"), key="q", bind="query-params", placeholder=hint)
    searched = with_words(listed, text, _SEARCHED)
    counts = dict(searched.group_by("condition").len().iter_rows())
    condition = st.segmented_control(
        t("near.condition"),
        (_ALL, *CONDITIONS),
        format_func=lambda code: _counted(code, counts, searched.height),
        default=_ALL,
        required=True,
        key=worded_key("near_condition"),
        label_visibility="collapsed",
    )
    found = searched if condition == _ALL else searched.filter(pl.col("condition") == condition)
    counted.caption(t("near.count", shown=f"{found.height:,}", total=f"{listed.height:,}"))
    with download:
        table = _readable(found, [name for name in listed.columns if name != "rank"])
        st.download_button(
            t("near.download"),
            # Written when it is asked for.
            partial(csv_bytes, table),
            file_name="near-misses.csv",
            mime="text/csv",
            key="near_download",
            on_click="ignore",
            width="stretch",
        )
    return found, condition, text


def _listed(found: pl.DataFrame) -> pl.DataFrame:
    """The best of many rows, in the order they had."""
    if found.height <= _LISTED:
        return found
    st.caption(t("near.list_cut", shown=f"{_LISTED:,}", total=f"{found.height:,}"))
    best = found.with_row_index("place").sort("score", "place", descending=[True, False]).head(_LISTED)
    return best.sort("place").drop("place")


def _counted(code: str, counts: Mapping[str, int], total: int) -> str:
    name, count = (t("near.all"), total) if code == _ALL else (t(f"condition.{code}"), counts.get(code, 0))
    return t("near.counted", name=name, count=f"{count:,}")


def _readable(found: pl.DataFrame, columns: tuple[str, ...] | list[str]) -> pl.DataFrame:
    """The columns under their headings, codes by their words."""
    words = {
        "condition": {code: t(f"condition.{code}") for code in CONDITIONS},
        "verdict": {code: t(f"verdict.{code}") for code in found["verdict"].drop_nulls().unique()},
        "level": {level: t(f"level.{level}") for level in found["level"].drop_nulls().unique()},
    }
    return (
        found.select(columns)
        .with_columns(
            pl.col(name).replace_strict(known, default="", return_dtype=pl.String())
            for name, known in words.items()
            if name in columns
        )
        .rename({name: _heading(name) for name in columns})
    )


def _heading(name: str) -> str:
    return t("compare.level") if name == "level" else t(f"column.{name}")


def _widths() -> dict[str, Any]:
    columns = {
        "condition": st.column_config.TextColumn(width=104),
        "score": st.column_config.NumberColumn(format="%.3f", width=58),
        "level": st.column_config.TextColumn(width=64),
        "demand_title": st.column_config.TextColumn(width=230),
        "achievement_title": st.column_config.TextColumn(width=230),
        "change": st.column_config.TextColumn(width=420),
    }
    return {_heading(name): column for name, column in columns.items()}


def _detail(run_id: int, row: Mapping[str, object]) -> None:
    """The two records, and what would have to change."""
    demand_id, achievement_id = str(row["demand_id"]), str(row["achievement_id"])
    candidates = reverse.demands_of(ledger(), run_id, achievement_id).filter(demand_id=demand_id)
    terms = [term for candidate in candidates.iter_rows(named=True) for term, _ in shared_words(candidate)]
    _change(row)
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        show_current("demands", demand_id, terms)
    with right, st.container(border=True):
        show_current("achievements", achievement_id, terms)


def _change(row: Mapping[str, object]) -> None:
    """What each side says and what would have to change; where the rules come from."""
    with st.container(border=True):
        st.markdown(f"**{t('near.has_to_change')}**")
        st.text(str(row["change"]))
        st.text(t("near.demand_says", said=row["demand_says"]))
        st.text(t("near.achievement_says", said=row["achievement_says"]))
        st.caption(t("near.source", source=load_rules().source(language())))
