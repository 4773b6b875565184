"""Matches: one achievement, the demands that it is a candidate of, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl
import streamlit as st

from matching.ledger import reverse
from matching.ledger.rights import permit
from ui.access import ledger, t
from ui.catalogue_cache import now, records
from ui.components.filters import with_words
from ui.components.judged import judged_in_words
from ui.components.record import show_current
from ui.components.tables import chosen_row
from ui.components.why import level_name, shared_words, show_why

# A choice list is sent to the browser whole at every rerun: longer ones are cut, and said so.
_LISTED: Final = 300
_ACHIEVEMENT: Final = "achievement"
_SEARCHED: Final = ("achievement_id", "title", "institute")
_COLUMNS: Final = (
    "rank",
    "score",
    "level",
    "title",
    "enterprise",
    "city",
    "investment_yuan",
    "deadline",
    "verdict",
)


@st.cache_resource(max_entries=2, show_spinner=False)
def _queue(run: int, upload: int, mark: int) -> pl.DataFrame:
    best = reverse.best_achievements(ledger(), run)
    listed = records("achievements").filter(~pl.col("out_of_use")).select(*_SEARCHED)
    return (
        listed.join(best, on="achievement_id", how="left")
        .with_columns(pl.col("demands").fill_null(0))
        .sort("best", "achievement_id", descending=[True, False], nulls_last=True)
    )


def show() -> None:
    """The screen."""
    st.subheader(t("matches.title"))
    # What is kept between reruns is the same for everybody who may see it.
    permit(ledger(), "read_candidates")
    at = now()
    if not at.run:
        st.info(t("review.empty"))
        return
    achievement_id = _choose(_queue(at.run, at.upload, at.mark))
    if achievement_id is None:
        st.info(t("filter.nothing"))
        return
    rows = reverse.demands_of(ledger(), at.run, achievement_id)
    if rows.is_empty():
        st.info(t("matches.no_demand"))
        with st.container(border=True):
            show_current("achievements", achievement_id, ())
        return
    chosen = chosen_row(_readable(rows), _formats(), 300, key=f"matches:{at}:{achievement_id}")
    if chosen is not None:
        _show_pair(rows.row(chosen, named=True))
    else:
        st.caption(t("matches.select_hint"))


def _choose(queue: pl.DataFrame) -> str | None:
    """The achievement that is chosen out of those that the search leaves; None where it leaves none."""
    search, choice, told = st.columns([3, 6, 2.2], vertical_alignment="bottom")
    with search:
        hint = t("matches.search_hint")
        text = st.text_input(t("filter.search"), key="q", bind="query-params", placeholder=hint)
    found = with_words(queue, text, _SEARCHED)
    if found.is_empty():
        return None
    shown = {row["achievement_id"]: row for row in found.head(_LISTED).iter_rows(named=True)}
    if st.session_state.get(_ACHIEVEMENT) not in shown:
        st.session_state[_ACHIEVEMENT] = next(iter(shown))
    with choice:
        chosen = st.selectbox(
            t("matches.achievement", count=f"{found.height:,}"),
            list(shown),
            format_func=lambda key: f"{shown[key]['title']}  ·  {shown[key]['institute']}",
            key=_ACHIEVEMENT,
        )
    row = shown[chosen]
    # The label of a chosen option is not drawn anew when its text changes, so what changes is said beside it.
    told.text(t("matches.best", demands=row["demands"], best=row["best"]) if row["demands"] else t("matches.none"))
    if found.height > _LISTED:
        st.caption(t("matches.list_cut", shown=_LISTED, total=f"{found.height:,}"))
    return str(chosen)


def _readable(rows: pl.DataFrame) -> pl.DataFrame:
    """The columns under their headings, codes by their words."""
    levels = [level_name(row) for row in rows.select("level").iter_rows(named=True)]
    verdicts = {code: t(f"verdict.{code}") for code in rows["verdict"].drop_nulls().unique()}
    return (
        rows.select(_COLUMNS)
        .with_columns(
            pl.Series("level", levels, dtype=pl.String()),
            pl.col("verdict").replace_strict(verdicts, default="", return_dtype=pl.String()),
            # As text: the browser's table would show a day with its midnight.
            pl.col("deadline").dt.to_string("%Y-%m-%d").fill_null(""),
        )
        .rename({name: _heading(name) for name in _COLUMNS})
    )


def _heading(name: str) -> str:
    return t(f"matches.{name}") if name in ("rank", "level", "verdict") else t(f"column.{name}")


def _formats() -> dict[str, Any]:
    columns = {
        "rank": st.column_config.NumberColumn(width=76),
        "score": st.column_config.NumberColumn(format="%.3f", width=58),
        "level": st.column_config.TextColumn(width=64),
        "title": st.column_config.TextColumn(width=330),
        "enterprise": st.column_config.TextColumn(width=200),
        "city": st.column_config.TextColumn(width=76),
        "investment_yuan": st.column_config.NumberColumn(format="localized", width=118),
        "deadline": st.column_config.TextColumn(width=90),
    }
    return {_heading(name): column for name, column in columns.items()}


def _show_pair(row: Mapping[str, object]) -> None:
    """Both records, the shared terms marked, and why the pair has its score."""
    terms = [term for term, _ in shared_words(row)]
    left, middle, right = st.columns([5, 5, 4], gap="medium")
    with left, st.container(border=True):
        show_current("achievements", str(row["achievement_id"]), terms)
    with middle, st.container(border=True):
        show_current("demands", str(row["demand_id"]), terms)
    with right, st.container(border=True):
        st.markdown(f"**{t('why.title')}**")
        show_why(row, judged_in_words(row, {}, ()))
