"""Review: one demand, its candidates, why each has its score, and the agent's decision at one press of a key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast
from uuid import uuid4

import polars as pl
import streamlit as st

from matching import pipeline
from matching.errors import DuijieError
from matching.ledger import catalogue, decisions, judgements, runs
from matching.ledger.runs import Run
from matching.ranking.candidates import field_names
from matching.ranking.levels import LEVELS
from matching.schema import REJECT_REASONS, Kind
from ui.access import language, ledger, settings, t, worded_key
from ui.catalogue_cache import queue, records
from ui.components.filters import FieldChoice, choose_field, with_field, with_words
from ui.components.moments import local_minute
from ui.components.plain import plain
from ui.components.record import show_record
from ui.components.why import Pair, aligned_level, shared_words, show_why

# A choice list is sent to the browser whole at every rerun: longer ones are cut, and said so.
_DEMANDS_LISTED: Final = 300
_DEMAND: Final = "demand"
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
    listed = _choose_filter(queue())
    if listed.is_empty():
        return
    demand_id = _choose_demand(listed)
    rows = pipeline.review_list(ledger(), run.run_id, demand_id)
    if message := st.session_state.get(_MESSAGE):
        st.warning(message)
    left, right = st.columns([6, 5], gap="medium")
    with left:
        chosen = _choose_candidate(demand_id, rows)
    with right:
        _decision_buttons(demand_id, chosen, rows, run)
    _show_pair(demand_id, chosen, rows)


def _choose_filter(waiting: pl.DataFrame) -> pl.DataFrame:
    """Filters and progress; the demands that the filters leave, of all that wait."""
    places = st.columns([1.8, 2.6, 1.0, 1.8], vertical_alignment="bottom")
    with places[0]:
        hint = t("review.search_hint")
        text = st.text_input(t("filter.search"), key="q", bind="query-params", placeholder=hint)
    with places[1]:
        choice = choose_field()
    with places[2]:
        open_only = st.toggle(t("review.open_only"), key=_OPEN_ONLY)
    with places[3]:
        _progress(waiting)
    listed = _filtered(waiting, text, choice, open_only)
    if listed.is_empty():
        st.info(t("review.nothing_left") if open_only else t("filter.nothing"))
    return listed


def _filtered(waiting: pl.DataFrame, text: str, choice: FieldChoice, open_only: bool) -> pl.DataFrame:
    known = records("demands").select("demand_id", "title", "enterprise", "city")
    listed = waiting.join(known, on="demand_id", maintain_order="left")
    listed = with_words(with_field(listed, "demands", choice), text, ("demand_id", "title", "enterprise", "city"))
    kept = pl.col("demand_id") == st.session_state.get(_DEMAND, "")
    # The demand in hand stays in view when its last candidate is decided; the next step leaves it.
    return listed.filter(kept | (pl.col("decided") < pl.col("candidates"))) if open_only else listed


def _progress(waiting: pl.DataFrame) -> None:
    decided, total = int(waiting["decided"].sum()), int(waiting["candidates"].sum())
    later = int(waiting["later"].sum())
    st.progress(decided / max(total, 1), text=t("review.progress", decided=decided, total=total, later=later))


def _choose_demand(listed: pl.DataFrame) -> str:
    """The list of demands with a step back and a step forward; the chosen demand's id."""
    ids = listed["demand_id"].to_list()
    if st.session_state.get(_DEMAND) not in ids:
        st.session_state[_DEMAND] = ids[0]
    current = st.session_state[_DEMAND]
    shown = ids[:_DEMANDS_LISTED]
    if current not in shown:
        shown = [current, *shown]
    # The label of a chosen option is not drawn anew when its text changes, so what changes is said beside it.
    rows = {row["demand_id"]: row for row in listed.filter(pl.col("demand_id").is_in(shown)).iter_rows(named=True)}
    place = ids.index(current)
    before, after = ids[max(place - 1, 0)], ids[min(place + 1, len(ids) - 1)]
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        _step("review.previous_demand", "P", _DEMAND, before, disabled=place == 0)
        _step("review.next_demand", "N", _DEMAND, after, disabled=place == len(ids) - 1)
        st.selectbox(
            t("review.demand", count=len(ids)),
            shown,
            format_func=lambda demand_id: f"{rows[demand_id]['title']}  ·  {rows[demand_id]['enterprise']}",
            key=_DEMAND,
            label_visibility="collapsed",
        )
        done, total = rows[current]["decided"], rows[current]["candidates"]
        st.text(t("review.demand_done", decided=done, total=total), width="content")
    if len(ids) > len(shown):
        st.caption(t("review.list_cut", shown=len(shown), total=len(ids)))
    return str(current)


def _step(name: str, shortcut: str, key: str, target: str, *, disabled: bool) -> None:
    """A button that moves the choice kept under a key of the session."""
    st.button(t(name), key=name, shortcut=shortcut, disabled=disabled, on_click=_choose, args=(key, target))


def _choose(key: str, target: str) -> None:
    st.session_state[key] = target


def _choose_candidate(demand_id: str, rows: pl.DataFrame) -> Row:
    """The list of candidates; the chosen one's row."""
    by_id = {row["achievement_id"]: row for row in rows.iter_rows(named=True)}
    key = _candidate_key(demand_id)
    if st.session_state.get(key) not in by_id:
        st.session_state[key] = _first_open(rows)
    chosen = st.radio(
        t("review.candidates"),
        list(by_id),
        format_func=lambda achievement_id: _candidate_label(by_id[achievement_id]),
        key=key,
        label_visibility="collapsed",
    )
    return cast(Row, by_id[chosen])


def _candidate_key(demand_id: str) -> str:
    return f"candidate:{demand_id}"


def _candidate_label(row: Row) -> str:
    state = "　:blue[{}]".format(t(f"verdict.{row['verdict']}")) if row["verdict"] else ""
    institute = plain(str(row["institute"]))
    figures = f"{row['rank']:0>2}　{row['score']:.3f}　{aligned_level(row)}"
    return f"{figures}　{plain(str(row['title']))}　:gray[{institute}]{state}"


def _first_open(rows: pl.DataFrame) -> str:
    undecided = rows.filter(pl.col("verdict").is_null())
    put_off = rows.filter(pl.col("verdict") == "later")
    return str(pl.concat([undecided, put_off, rows])["achievement_id"][0])


def _decision_buttons(demand_id: str, row: Row, rows: pl.DataFrame, run: Run) -> None:
    """Accept, later, reject for a reason; the note that goes with it; the step to the next; the last decision."""
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
            args=(demand_id, str(row["achievement_id"]), run.run_id, verdict, reason, nonce, row["decision_id"]),
            kwargs={"after": after},
        )

    ids = rows["achievement_id"].to_list()
    place = ids.index(row["achievement_id"])
    key = _candidate_key(demand_id)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        button("review.accept", "A", "accept", primary=True)
        button("review.later", "L", "later")
        _step("review.previous", "K", key, ids[max(place - 1, 0)], disabled=place == 0)
        _step("review.next", "J", key, ids[min(place + 1, len(ids) - 1)], disabled=place == len(ids) - 1)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.text(t("review.reject_because"), width="content")
        for number, reason in enumerate(REJECT_REASONS, start=1):
            button(f"reason.{reason}", str(number), "reject", reason)
    note = t("review.note")
    st.text_input(note, key=f"note:{pair}", placeholder=note, label_visibility="collapsed")
    _level_by_hand(demand_id, str(row["achievement_id"]))
    _last_decision()


def _next_open(rows: pl.DataFrame, achievement_id: str) -> str | None:
    """The next candidate without a decision below this one, else above it; None when all are decided."""
    ids = rows["achievement_id"].to_list()
    place = ids.index(achievement_id)
    undecided = set(rows.filter(pl.col("verdict").is_null())["achievement_id"])
    return next((each for each in (*ids[place + 1 :], *ids[:place]) if each in undecided), None)


def _decide(
    demand_id: str,
    achievement_id: str,
    run_id: int,
    verdict: str,
    reason: str,
    nonce: str,
    seen: int | None,
    *,
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
        st.session_state[_candidate_key(demand_id)] = after


def _level_by_hand(demand_id: str, achievement_id: str) -> None:
    """The level that an agent says a pair has; pressed again, it is taken back."""
    standing = judgements.set_levels(ledger(), demand_id).filter(achievement_id=achievement_id)["level"].to_list()
    said = standing[0] if standing else None
    # A key for each state: after a change, here or by someone else, the control shows what now stands.
    key = worded_key(f"level:{demand_id}:{achievement_id}:{said}")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.text(t("review.level_by_hand"), width="content")
        st.segmented_control(
            t("review.level_by_hand"),
            tuple(reversed(LEVELS)),
            format_func=lambda level: t(f"level.{level}"),
            default=said,
            key=key,
            on_change=_set_level,
            args=(demand_id, achievement_id, key),
            label_visibility="collapsed",
        )


def _set_level(demand_id: str, achievement_id: str, key: str) -> None:
    level = cast(int | None, st.session_state[key])
    try:
        # What already stands is not written again, so that a press that comes twice needs no name of its own.
        judgements.set_level(ledger(), demand_id, achievement_id, level, settings().agent, uuid4().hex)
    except DuijieError as error:
        st.session_state[_MESSAGE] = error.text(language())


def _last_decision() -> None:
    """What the agent decided last, with the button that takes it back."""
    latest = decisions.recent(ledger(), settings().agent, 1)
    if not latest:
        st.caption(t("review.no_decision"))
        return
    last = latest[0]
    title = str(catalogue.record(ledger(), "achievements", last.achievement_id)["title"])
    with st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="small"):
        st.button(
            t("review.undo"),
            key=f"undo:{last.decision_id}",
            shortcut="Z",
            on_click=_undo,
            args=(last.decision_id, last.demand_id, last.achievement_id),
        )
        st.text(t("review.last", verdict=_verdict(last.verdict, last.reason), title=title), width="stretch")


def _verdict(verdict: str, reason: str) -> str:
    words = t(f"verdict.{verdict}")
    return t("review.with_reason", verdict=words, reason=t(f"reason.{reason}")) if reason else words


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
    st.session_state[_candidate_key(demand_id)] = achievement_id


def _show_pair(demand_id: str, row: Row, rows: pl.DataFrame) -> None:
    terms = [term for term, _ in shared_words(row)]
    left, middle, right = st.columns([5, 5, 4], gap="medium")
    with left, st.container(border=True):
        _show_side("demands", demand_id, terms)
    with middle, st.container(border=True):
        _show_side("achievements", str(row["achievement_id"]), terms)
    with right, st.container(border=True):
        st.markdown(f"**{t('why.title')}**")
        show_why(row, _judged_in_words(row, rows))
        if row["verdict"]:
            _show_standing(row)


def _judged_in_words(row: Row, rows: pl.DataFrame) -> dict[Pair, str]:
    """Of each pair whose judgement moved a candidate, what was judged and of what."""
    demand_id = str(row["demand_id"])
    decided = {each["achievement_id"]: each["verdict"] for each in rows.iter_rows(named=True)}
    by_hand = set(judgements.set_levels(ledger(), demand_id)["achievement_id"])
    told: dict[Pair, str] = {}
    for part in cast(Sequence[Mapping[str, object]], row["learned"] or ()):
        pair = str(part["demand_id"]), str(part["achievement_id"])
        title = str(catalogue.record(ledger(), "achievements", pair[1])["title"])
        verdict = decided.get(pair[1]) if pair[0] == demand_id and pair[1] not in by_hand else None
        key = f"why.judged_{verdict}" if verdict in ("accept", "reject") else "why.judged_level"
        told[pair] = t(key, title=title, level=t(f"level.{part['level']}"))
    return told


def _show_side(kind: Kind, record_id: str, terms: list[str]) -> None:
    record = catalogue.record(ledger(), kind, record_id)
    fields = catalogue.fields_of(ledger(), kind, record_id).unique("taxonomy", keep="first", maintain_order=True)
    codes = [f"{taxonomy}:{code}" for taxonomy, code in fields.select("taxonomy", "code").iter_rows()]
    names = list(dict.fromkeys(field_names(codes, language())))
    show_record(record, kind, terms, t("record.fields", names=names) if names else "")


def _show_standing(row: Row) -> None:
    verdict = _verdict(str(row["verdict"]), str(row["reason"]))
    st.text(t("review.standing", verdict=verdict, agent=row["agent"], at=local_minute(str(row["at"]))))
    if row["note"]:
        st.text(t("review.standing_note", note=row["note"]))
