"""Review: one demand, its candidates, why each has its score, and the agent's decision at one press of a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

import polars as pl
import streamlit as st

from matching import pipeline
from matching.errors import DuijieError
from matching.ledger import catalogue, judgements, runs
from matching.ledger.runs import Run
from ui.access import forget_viewer, language, ledger, t
from ui.catalogue_cache import quality, review_pairs
from ui.components.comparison import Side, show_comparison
from ui.components.desk import sent, show_desk
from ui.components.desk_log import AT, DEMAND, MESSAGE, take_log
from ui.components.desk_view import desk_data
from ui.components.judged import judged_in_words
from ui.components.moments import local_minute, today
from ui.components.record import show_current
from ui.components.review_bulk import show_bulk
from ui.components.review_filters import Filters, choose_filters, filtered
from ui.components.why import shared_words, show_why
from ui.components.words import verdict_words

# A choice list is sent to the browser whole at every rerun: longer ones are cut, and said so.
_DEMANDS_LISTED: Final = 300

Row = Mapping[str, object]


def show() -> None:
    """The screen."""
    run = runs.latest_run(ledger())
    if run is None or not run.candidates:
        st.subheader(t("review.title"))
        st.info(t("review.empty"))
        return
    chosen = choose_filters()
    _review(run, chosen)


@st.fragment
def _review(run: Run, chosen: Filters) -> None:
    """The desk and what it shows; it runs anew by itself at each press, and asks anew who is logged in."""
    forget_viewer()
    try:
        _show_desk(run, chosen)
    except DuijieError as error:
        st.error(error.text(language()))
    finally:
        forget_viewer()


def _show_desk(run: Run, chosen: Filters) -> None:
    pairs = review_pairs()
    found = filtered(pairs, chosen)
    show_bulk(run, found, pairs)
    listed = found.demands
    if listed.is_empty():
        st.info(t("review.nothing_left") if chosen.waiting else t("filter.nothing"))
        return
    demand_id = _choose_demand(listed)
    rows = pipeline.review_list(ledger(), run.run_id, demand_id)
    ids = rows["achievement_id"].to_list()
    failed = pipeline.conditions_of(ledger(), demand_id, ids, today(), language())
    at = _candidate_in_hand(demand_id, rows)
    if message := st.session_state.get(MESSAGE):
        st.warning(message)
    show_desk(desk_data(demand_id, rows, failed, at), lambda: take_log(run.run_id, listed["demand_id"].to_list()))
    marked = [each for each in sent().get("marked") or () if sent().get("demand") == demand_id]
    both = [row for row in rows.iter_rows(named=True) if row["achievement_id"] in marked]
    if len(both) == 2:
        sides = [_side(row, failed) for row in both]
        show_comparison(catalogue.record(ledger(), "demands", demand_id), *sides)
        return
    by_id = {row["achievement_id"]: row for row in rows.iter_rows(named=True)}
    _show_pair(demand_id, by_id[at or rows["achievement_id"][0]], rows)


def _choose_demand(listed: pl.DataFrame) -> str:
    """The list of demands; the chosen demand's id."""
    ids = listed["demand_id"].to_list()
    if st.session_state.get(DEMAND) not in ids:
        st.session_state[DEMAND] = ids[0]
    current = str(st.session_state[DEMAND])
    shown = ids[:_DEMANDS_LISTED]
    if current not in shown:
        shown = [current, *shown]
    # The label of a chosen option is not drawn anew when its text changes, so what changes is said beside it.
    rows = {row["demand_id"]: row for row in listed.filter(pl.col("demand_id").is_in(shown)).iter_rows(named=True)}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        st.selectbox(
            t("review.demand", count=len(ids)),
            shown,
            format_func=lambda demand_id: f"{rows[demand_id]['title']}  ·  {rows[demand_id]['enterprise']}",
            key=DEMAND,
            label_visibility="collapsed",
        )
        done, total = rows[current]["decided"], rows[current]["candidates"]
        st.text(t("review.demand_done", decided=done, total=total, place=ids.index(current) + 1, count=len(ids)))
        if holder := rows[current]["holder"]:
            st.text(t("review.held_by", agent=holder), width="content")
    if len(ids) > len(shown):
        st.caption(t("review.list_cut", shown=len(shown), total=len(ids)))
    return current


def _candidate_in_hand(demand_id: str, rows: pl.DataFrame) -> str | None:
    """The candidate that the desk stands at: where it was put, else the first that waits; None when all are decided."""
    ids = rows["achievement_id"].to_list()
    place = st.session_state.get(AT)
    if place is not None and place[0] == demand_id and (place[1] is None or place[1] in ids):
        return cast(str | None, place[1])
    undecided = rows.filter(pl.col("verdict").is_null())
    put_off = rows.filter(pl.col("verdict") == "later")
    return str(pl.concat([undecided, put_off, rows])["achievement_id"][0])


def _side(row: Row, failed: pl.DataFrame) -> Side:
    """A candidate as it is compared."""
    achievement_id = str(row["achievement_id"])
    scored = quality("achievements").filter(pl.col("record_id") == achievement_id)["quality"].to_list()
    changes = failed.filter(pl.col("achievement_id") == achievement_id)["change"].to_list()
    record = catalogue.record(ledger(), "achievements", achievement_id)
    return Side(row, record, scored[0] if scored else None, changes)


def _show_pair(demand_id: str, row: Row, rows: pl.DataFrame) -> None:
    terms = [term for term, _ in shared_words(row)]
    left, middle, right = st.columns([5, 5, 4], gap="medium")
    with left, st.container(border=True):
        show_current("demands", demand_id, terms)
    with middle, st.container(border=True):
        show_current("achievements", str(row["achievement_id"]), terms)
    with right, st.container(border=True):
        st.markdown(f"**{t('why.title')}**")
        decided = {each["achievement_id"]: each["verdict"] for each in rows.iter_rows(named=True)}
        by_hand = set(judgements.set_levels(ledger(), demand_id)["achievement_id"])
        show_why(row, judged_in_words(row, decided, by_hand))
        if row["verdict"]:
            _show_standing(row)


def _show_standing(row: Row) -> None:
    verdict = verdict_words(str(row["verdict"]), str(row["reason"]))
    st.text(t("review.standing", verdict=verdict, agent=row["agent"], at=local_minute(str(row["at"]))))
    if row["note"]:
        st.text(t("review.standing_note", note=row["note"]))
