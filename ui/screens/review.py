"""Review: one demand, its candidates, why each has its score, and the agent's decision at one press of a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast
from uuid import uuid4

import polars as pl
import streamlit as st

from matching.errors import DuijieError
from matching.ledger import catalogue, decisions, runs
from matching.ledger.runs import Run
from matching.ranking.candidates import field_names
from matching.schema import REJECT_REASONS, Kind
from ui.access import language, ledger, settings, t
from ui.catalogue_cache import queue, records
from ui.components.filters import choose_field, with_field, with_words
from ui.components.plain import plain
from ui.components.record import show_record
from ui.components.why import shared_words, show_why

# A choice list is sent to the browser whole at every rerun: longer ones are cut, and said so.
_DEMANDS_LISTED: Final = 300
_DEMAND: Final = "demand"
_CHOSEN: Final = "review_chosen"
_MESSAGE: Final = "review_message"
_OPEN_ONLY: Final = "review_open_only"

Row = Mapping[str, object]


def show() -> None:
    """The screen."""
    run = runs.latest_run(ledger())
    if run is None or not run.candidates:
        st.subheader(t("review.title"))
        st.info(t("review.empty"))
        return
    waiting = queue()
    demand_id = _choose_demand(waiting)
    if demand_id is None:
        return
    rows = runs.candidates_of(ledger(), run.run_id, demand_id)
    _last_decision()
    chosen = _choose_candidate(demand_id, rows, run)
    _show_pair(demand_id, chosen)


def _choose_demand(waiting: pl.DataFrame) -> str | None:
    """Filters, the list of demands, progress; the chosen demand's id, None when the filters leave nothing."""
    top = st.columns([2.2, 1.4, 1.2, 1.6, 1.0], vertical_alignment="bottom")
    with top[0]:
        text = st.text_input(t("filter.search"), key="q", bind="query-params", placeholder=t("review.search_hint"))
    with top[1]:
        code = choose_field("field")
    with top[2]:
        open_only = st.toggle(t("review.open_only"), key=_OPEN_ONLY)
    listed = _filtered(waiting, text, code, open_only)
    with top[3]:
        _progress(waiting)
    if listed.is_empty():
        st.info(t("review.nothing_left") if open_only else t("filter.nothing"))
        return None
    with top[4]:
        _step_demand(listed["demand_id"].to_list())
    return _demand_list(listed)


def _filtered(waiting: pl.DataFrame, text: str, code: str, open_only: bool) -> pl.DataFrame:
    known = records("demands").select("demand_id", "title", "enterprise", "city", "main_field")
    listed = waiting.join(known, on="demand_id", maintain_order="left")
    listed = with_words(with_field(listed, code), text, ("demand_id", "title", "enterprise", "city"))
    kept = pl.col("demand_id") == st.session_state.get(_DEMAND, "")
    # The demand in hand stays in view when its last candidate is decided; the next step leaves it.
    return listed.filter(kept | (pl.col("decided") < pl.col("candidates"))) if open_only else listed


def _progress(waiting: pl.DataFrame) -> None:
    decided, total = int(waiting["decided"].sum()), int(waiting["candidates"].sum())
    later = int(waiting["later"].sum())
    st.progress(decided / max(total, 1), text=t("review.progress", decided=decided, total=total, later=later))


def _step_demand(ids: list[str]) -> None:
    place = ids.index(st.session_state[_DEMAND]) if st.session_state.get(_DEMAND) in ids else 0
    back, forward = st.columns(2)
    with back:
        st.button(
            t("review.previous_demand"),
            key="previous_demand",
            shortcut="P",
            disabled=place == 0,
            on_click=_go_to,
            args=(ids[max(place - 1, 0)],),
            width="stretch",
        )
    with forward:
        st.button(
            t("review.next_demand"),
            key="next_demand",
            shortcut="N",
            disabled=place == len(ids) - 1,
            on_click=_go_to,
            args=(ids[min(place + 1, len(ids) - 1)],),
            width="stretch",
        )


def _go_to(demand_id: str) -> None:
    st.session_state[_DEMAND] = demand_id


def _demand_list(listed: pl.DataFrame) -> str:
    ids = listed["demand_id"].to_list()
    current = st.session_state.get(_DEMAND)
    shown = ids[:_DEMANDS_LISTED]
    if current in ids and current not in shown:
        shown = [current, *shown]
    if current not in shown:
        st.session_state[_DEMAND] = shown[0]
    rows = {row["demand_id"]: row for row in listed.iter_rows(named=True)}

    def label(demand_id: str) -> str:
        row = rows[demand_id]
        done = t("review.demand_done", decided=row["decided"], total=row["candidates"])
        return f"{row['title']}  ·  {row['enterprise']}  ·  {done}"

    demand_id = st.selectbox(
        t("review.demand", count=len(ids)),
        shown,
        format_func=label,
        key=_DEMAND,
        bind="query-params",
        label_visibility="collapsed",
    )
    if len(ids) > len(shown):
        st.caption(t("review.list_cut", shown=len(shown), total=len(ids)))
    return cast(str, demand_id)


def _choose_candidate(demand_id: str, rows: pl.DataFrame, run: Run) -> Row:
    """The list of candidates and the buttons that decide; the chosen candidate."""
    by_id = {row["achievement_id"]: row for row in rows.iter_rows(named=True)}
    ids = list(by_id)
    key = f"candidate:{demand_id}"
    wanted = st.session_state.get(_CHOSEN, {}).get(demand_id)
    start = wanted if wanted in by_id else _first_open(rows)
    if st.session_state.get(key) not in by_id:
        st.session_state[key] = start

    def label(achievement_id: str) -> str:
        row = by_id[achievement_id]
        verdict = t("verdict." + row["verdict"]) if row["verdict"] else ""
        state = f"　:blue[{verdict}]" if verdict else ""
        return f"{row['rank']:>2}　{row['score']:.3f}　{plain(row['title'])}　:gray[{plain(row['institute'])}]{state}"

    chosen = st.radio(t("review.candidates"), ids, format_func=label, key=key, label_visibility="collapsed")
    _buttons(demand_id, by_id[chosen], rows, key, run)
    return cast(Row, by_id[chosen])


def _first_open(rows: pl.DataFrame) -> str:
    undecided = rows.filter(pl.col("verdict").is_null())
    put_off = rows.filter(pl.col("verdict") == "later")
    return str(pl.concat([undecided, put_off, rows])["achievement_id"][0])


def _buttons(demand_id: str, row: Row, rows: pl.DataFrame, key: str, run: Run) -> None:
    pair = f"{demand_id}:{row['achievement_id']}"
    # One nonce per shown state of a pair: a key pressed twice before the page follows is one decision.
    nonce = cast(str, st.session_state.setdefault(f"nonce:{pair}:{row['decision_id']}", uuid4().hex))
    after = _next_open(rows, str(row["achievement_id"]))

    def button(name: str, shortcut: str, verdict: str, reason: str = "", primary: bool = False) -> None:
        st.button(
            t(name),
            key=f"{name}:{pair}",
            shortcut=shortcut,
            type="primary" if primary else "secondary",
            on_click=_decide,
            args=(
                demand_id,
                str(row["achievement_id"]),
                run.run_id,
                verdict,
                reason,
                nonce,
                row["decision_id"],
            ),
            kwargs={"key": key, "after": after},
        )

    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        button("review.accept", "A", "accept", primary=True)
        button("review.later", "L", "later")
        for number, reason in enumerate(REJECT_REASONS, start=1):
            button(f"reason.{reason}", str(number), "reject", reason)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        ids = rows["achievement_id"].to_list()
        place = ids.index(row["achievement_id"])
        st.button(
            t("review.previous"), key="previous", shortcut="K", disabled=place == 0,
            on_click=_choose, args=(key, ids[max(place - 1, 0)]),
        )  # fmt: skip
        st.button(
            t("review.next"), key="next", shortcut="J", disabled=place == len(ids) - 1,
            on_click=_choose, args=(key, ids[min(place + 1, len(ids) - 1)]),
        )  # fmt: skip
        st.text_input(t("review.note"), key=f"note:{pair}", placeholder=t("review.note"), label_visibility="collapsed")


def _next_open(rows: pl.DataFrame, achievement_id: str) -> str | None:
    """The next candidate without a decision below this one, else above it; None when all are decided."""
    ids = rows["achievement_id"].to_list()
    place = ids.index(achievement_id)
    undecided = set(rows.filter(pl.col("verdict").is_null())["achievement_id"])
    return next((each for each in (*ids[place + 1 :], *ids[:place]) if each in undecided), None)


def _choose(key: str, achievement_id: str) -> None:
    st.session_state[key] = achievement_id


def _decide(
    demand_id: str,
    achievement_id: str,
    run_id: int,
    verdict: str,
    reason: str,
    nonce: str,
    seen: int | None,
    *,
    key: str,
    after: str | None,
) -> None:
    """Write the decision at the click: what the session holds would not survive a reload."""
    try:
        decisions.decide(
            ledger(),
            demand_id=demand_id,
            achievement_id=achievement_id,
            run_id=run_id,
            verdict=verdict,
            agent=settings().agent,
            nonce=nonce,
            seen=seen,
            reason=reason,
            note=str(st.session_state.get(f"note:{demand_id}:{achievement_id}", "")),
        )
    except DuijieError as error:
        st.session_state[_MESSAGE] = error.text(language())
        return
    st.session_state.pop(_MESSAGE, None)
    if after is not None:
        st.session_state[key] = after


def _last_decision() -> None:
    """What was decided last, with the button that takes it back; and what went wrong, if anything did."""
    if message := st.session_state.get(_MESSAGE):
        st.warning(message)
    latest = decisions.recent(ledger(), settings().agent, 1)
    if not latest:
        return
    last = latest[0]
    verdict = t(f"verdict.{last.verdict}")
    if last.reason:
        verdict = t("review.with_reason", verdict=verdict, reason=t(f"reason.{last.reason}"))
    title = str(catalogue.record(ledger(), "achievements", last.achievement_id)["title"])
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            t("review.undo"),
            key=f"undo:{last.decision_id}",
            shortcut="Z",
            on_click=_undo,
            args=(last.decision_id, last.demand_id, last.achievement_id),
        )
        st.text(t("review.last", verdict=verdict, title=title), width="stretch")


def _undo(decision_id: int, demand_id: str, achievement_id: str) -> None:
    try:
        decisions.undo(ledger(), decision_id, settings().agent, f"undo:{decision_id}")
    except DuijieError as error:
        st.session_state[_MESSAGE] = error.text(language())
        return
    st.session_state.pop(_MESSAGE, None)
    # A new nonce for the pair: after an undo the same press is a new decision.
    for name in [name for name in st.session_state if str(name).startswith(f"nonce:{demand_id}:{achievement_id}:")]:
        del st.session_state[name]
    st.session_state[_DEMAND] = demand_id
    st.session_state[f"candidate:{demand_id}"] = achievement_id


def _show_pair(demand_id: str, row: Row) -> None:
    terms = [term for term, _ in shared_words(row)]
    left, middle, right = st.columns([5, 5, 4], gap="medium")
    with left, st.container(border=True):
        _show_side("demands", demand_id, terms)
    with middle, st.container(border=True):
        _show_side("achievements", str(row["achievement_id"]), terms)
    with right, st.container(border=True):
        st.markdown(f"**{t('why.title')}**")
        show_why(row)
        if row["verdict"]:
            _show_standing(row)


def _show_side(kind: Kind, record_id: str, terms: list[str]) -> None:
    record = catalogue.record(ledger(), kind, record_id)
    fields = catalogue.fields_of(ledger(), kind, record_id)
    codes = [f"{taxonomy}:{code}" for taxonomy, code in fields.select("taxonomy", "code").iter_rows()]
    names = list(dict.fromkeys(field_names(codes, language())))
    show_record(record, kind, terms, t("record.fields", names="、".join(names)) if names else "")


def _show_standing(row: Row) -> None:
    verdict = t(f"verdict.{row['verdict']}")
    if row["reason"]:
        verdict = t("review.with_reason", verdict=verdict, reason=t(f"reason.{row['reason']}"))
    st.text(t("review.standing", verdict=verdict, agent=row["agent"], at=str(row["at"])[:10]))
    if row["note"]:
        st.text(t("review.standing_note", note=row["note"]))
