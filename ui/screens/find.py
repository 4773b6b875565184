"""Find: a demand that is typed, the achievements that fit it, and why; nothing of it is kept in the ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import polars as pl
import streamlit as st

from matching import pipeline
from matching.ledger.catalogue import count_records
from matching.ledger.rights import permit
from matching.ranking.finding import Catalogue
from matching.ranking.weights import load_weights
from ui.access import ledger, settings, t
from ui.catalogue_cache import now
from ui.components.filters import choose_field, with_field
from ui.components.record import show_current
from ui.components.tables import chosen_row
from ui.components.why import level_name, shared_words, show_why

_ALL: Final = ""
# Shared terms that the table tells of a candidate.
_TERMS: Final = 5
_PROBLEM_HEIGHT: Final = 108
_COLUMNS: Final = ("rank", "score", "level", "achievement_title", "institute", "shared_terms")


@st.cache_resource(max_entries=1, show_spinner=False)
def _loaded(upload: int, change: int, mark: int) -> Catalogue:
    return pipeline.loaded(ledger(), index=settings().index)


def show() -> None:
    """The screen."""
    st.subheader(t("find.title"))
    # What is kept between reruns is the same for everybody who may find.
    permit(ledger(), "find")
    if not count_records(ledger(), "achievements"):
        st.info(t("find.empty"))
        return
    st.caption(t("find.intro"))
    text = _typed()
    choice = choose_field()
    catalogue = _catalogue()
    if not text.strip():
        st.info(t("find.hint"))
        return
    top = settings().top
    # A filter takes from all that were considered, not from the few that are shown.
    asked = top if choice.code == _ALL else max(top, load_weights().retrieved)
    found = pipeline.find(catalogue, text, asked)
    found = with_field(found, "achievements", choice).head(top)
    if found.is_empty():
        st.info(t("find.nothing") if choice.code == _ALL else t("find.nothing_of_field"))
        return
    chosen = chosen_row(_readable(found), _widths(), 380, key=f"found:{now()}:{text}:{choice}")
    if chosen is not None:
        _show_candidate(found.row(chosen, named=True))
    else:
        st.caption(t("find.select_hint"))


def _typed() -> str:
    """The title and, after a line break, the problem: read as the title is typed, and when the problem is left."""
    left, right = st.columns(2)
    with left:
        title = st.text_input(
            t("find.demand_title"),
            key="find_title",
            placeholder=t("find.demand_title_hint"),
            live=True,
            persist_state="session",
        )
        # To press it leaves the field in which was typed, which is what makes the list anew.
        st.button(t("find.find"), key="find_press", type="primary")
    with right:
        problem = st.text_area(
            t("find.demand_problem"),
            key="find_problem",
            height=_PROBLEM_HEIGHT,
            placeholder=t("find.demand_problem_hint"),
            persist_state="session",
        )
    return f"{title}\n{problem}"


def _catalogue() -> Catalogue:
    """What is found against, as the ledger stands, with the level model that counts now."""
    at = now()
    with st.spinner(t("find.loading")):
        # Nothing of the screen is called in it: where somebody types meanwhile, it goes on and is kept.
        found = _loaded(at.upload, at.field_change, at.mark)
    return replace(found, model=pipeline.current_model(ledger()))


def _readable(found: pl.DataFrame) -> pl.DataFrame:
    """The columns under their headings, codes by their words."""
    rows = list(found.select("level", "shared_terms").iter_rows(named=True))
    terms = [t("list.separator").join(term for term, _ in shared_words(row)[:_TERMS]) for row in rows]
    return (
        found.with_columns(rank=pl.int_range(1, pl.len() + 1))
        .select(_COLUMNS)
        .with_columns(
            pl.Series("level", [level_name(row) for row in rows], dtype=pl.String()),
            pl.Series("shared_terms", terms, dtype=pl.String()),
        )
        .rename({name: _heading(name) for name in _COLUMNS})
    )


def _heading(name: str) -> str:
    return t("compare.level") if name == "level" else t(f"column.{name}")


def _widths() -> dict[str, Any]:
    columns = {
        "rank": st.column_config.NumberColumn(width=52),
        "score": st.column_config.NumberColumn(format="%.3f", width=58),
        "level": st.column_config.TextColumn(width=64),
        "achievement_title": st.column_config.TextColumn(width=380),
        "institute": st.column_config.TextColumn(width=200),
        "shared_terms": st.column_config.TextColumn(width=360),
    }
    return {_heading(name): column for name, column in columns.items()}


def _show_candidate(row: dict[str, Any]) -> None:
    """The achievement, the shared terms marked, and why it has its score."""
    terms = [term for term, _ in shared_words(row)]
    left, right = st.columns([5, 4], gap="medium")
    with left, st.container(border=True):
        show_current("achievements", str(row["achievement_id"]), terms)
    with right, st.container(border=True):
        st.markdown(f"**{t('why.title')}**")
        show_why(row, {})
