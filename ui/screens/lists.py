"""Lists: upload demands or achievements, match, browse, search, filter by field, see why a record has its fields."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
import streamlit as st

from matching import pipeline
from matching.errors import DuijieError
from matching.intake.reading import Reading, read_bytes
from matching.ledger import catalogue, runs
from matching.ledger.catalogue import Difference
from matching.schema import ID, KINDS, ORGANISATION, Kind
from ui.access import language, ledger, settings, t
from ui.catalogue_cache import now, records
from ui.components.corrections import explained, show_fields, show_outcome
from ui.components.filters import choose_field, field_name, with_field, with_words
from ui.components.long_work import LOADING, MATCHING, long_work
from ui.components.moments import local_minute
from ui.components.record import show_record

_PREVIEW_ROWS: Final = 50
_LEFT_OUT_SHOWN: Final = 20
_SENT_WHOLE: Final = 2_000
_LOADED: Final = "lists_loaded"
_UPLOADS: Final = "lists_uploads"


def show() -> None:
    """The screen."""
    st.subheader(t("lists.title"))
    kind = st.segmented_control(
        t("lists.kind"),
        KINDS,
        format_func=lambda each: t(f"kind.{each}"),
        default=KINDS[0],
        required=True,
        key="kind",
        bind="query-params",
        label_visibility="collapsed",
    )
    left, right = st.columns([3, 2], gap="large")
    with left:
        _upload(kind)
    with right:
        _match()
    _browse(kind)


def _upload(kind: Kind) -> None:
    if message := st.session_state.pop(_LOADED, None):
        st.success(message)
    count = st.session_state.get(_UPLOADS, 0)
    file = st.file_uploader(t(f"lists.upload_{kind}"), type=None, key=f"file:{kind}:{count}")
    if file is None:
        return
    try:
        with st.spinner(t("step.read")):
            read = read_bytes(file.name, file.getvalue(), kind, settings())
    except DuijieError as error:
        st.error(error.text(language()))
        return
    _report(read)
    st.button(t("lists.load"), type="primary", key="load", on_click=_load, args=(read,))


def _report(read: Reading) -> None:
    """What was read, what was not, and what loading would change."""
    changes = catalogue.difference(ledger(), read)
    st.text(_counted("lists.read", read, changes))
    for problem in read.left_out[:_LEFT_OUT_SHOWN]:
        st.text(problem.text(language()))
    if len(read.left_out) > _LEFT_OUT_SHOWN:
        st.text(t("cli.more_left_out", file=read.file, count=len(read.left_out) - _LEFT_OUT_SHOWN))
    if read.unread:
        st.text(t("cli.unread", file=read.file, headings=read.unread))
    matched = "；".join(
        f"{found.heading} → {t(f'column.{found.column.name}')}"
        for found in read.heading.found
        if found.heading != t(f"column.{found.column.name}")
    )
    if matched:
        st.caption(t("lists.columns", columns=matched.replace("[", "【").replace("]", "】")))
    present = list(dict.fromkeys(found.column.name for found in read.heading.found))
    preview = _readable(read.frame.head(_PREVIEW_ROWS), present)
    st.dataframe(preview, hide_index=True, height=240, column_config=_formats(present), placeholder="")


def _load(read: Reading) -> None:
    """Write the file that was shown; the uploader is emptied, so that a second press finds nothing to load."""
    try:
        with long_work(LOADING) as progress:
            changes = pipeline.load(ledger(), read, settings().agent, progress)
    except DuijieError as error:
        st.error(error.text(language()))
        return
    st.session_state[_UPLOADS] = st.session_state.get(_UPLOADS, 0) + 1
    st.session_state[_LOADED] = _counted("cli.loaded", read, changes)


def _counted(key: str, read: Reading, changes: Difference) -> str:
    """A wording with the numbers of a file: rows read and left out, records new, changed and unchanged."""
    return t(key, file=read.file, rows=read.rows, left_out=len(read.left_out), **changes.counts)


def _match() -> None:
    run = runs.latest_run(ledger())
    if run is None:
        st.text(t("lists.never_matched"))
    else:
        st.text(
            t(
                "lists.matched",
                at=local_minute(run.at),
                demands=run.demands,
                achievements=run.achievements,
                candidates=run.candidates,
            )
        )
    ready = all(catalogue.count_records(ledger(), kind) for kind in KINDS)
    if not ready:
        st.text(t("lists.both_needed"))
    if st.button(t("lists.match"), key="match", disabled=not ready, type="primary"):
        try:
            with long_work(MATCHING) as progress:
                made = pipeline.match_ledger(ledger(), settings().top, settings().agent, progress)
        except DuijieError as error:
            st.error(error.text(language()))
            return
        st.success(t("lists.match_done", candidates=made.candidates))


def _browse(kind: Kind) -> None:
    listed = records(kind)
    if listed.is_empty():
        st.info(t(f"lists.no_{kind}"))
        return
    search, field = st.columns([2, 3])
    with search:
        text = st.text_input(t("filter.search"), key="q", bind="query-params", placeholder=t("lists.search_hint"))
    with field:
        choice = choose_field()
    found = with_words(with_field(listed, kind, choice), text, (ID[kind], "title", ORGANISATION[kind], "contact"))
    show_outcome()
    st.caption(t("lists.count", shown=found.height, total=listed.height))
    if found.is_empty():
        st.info(t("filter.nothing"))
        return
    table = found.with_columns(
        pl.Series("main_field", [field_name(each) for each in found["main_field"]], dtype=pl.String())
    )
    event = st.dataframe(
        _readable(table, _columns(kind)),
        hide_index=True,
        column_config=_formats(_columns(kind)),
        placeholder="",
        # A long table is sent as it is scrolled.
        lazy=found.height > _SENT_WHOLE,
        height=min(35 * (found.height + 1) + 3, 380),
        # The selection is a position: rows that change must not keep it.
        key=f"browse:{kind}:{now().upload}:{now().field_change}:{choice.taxonomy}:{choice.code}:{text}",
        on_select="rerun",
        selection_mode="single-row",
    )
    rows = event["selection"]["rows"]
    if rows:
        _detail(kind, str(found[ID[kind]][rows[0]]))
    else:
        st.caption(t("lists.select_hint"))


def _columns(kind: Kind) -> list[str]:
    middle = (
        ["city", "investment_yuan", "deadline"] if kind == "demands" else ["maturity", "price_yuan", "completed_on"]
    )
    return [ID[kind], "title", ORGANISATION[kind], "main_field", "confidence", "decided_by", *middle, "status"]


def _readable(table: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """The columns under their headings, codes by their words, lists as texts."""
    shown = table.select(columns)
    for column in ("status", "visibility"):
        if column in columns:
            words = {code: t(f"{column}.{code}") for code in shown[column].unique()}
            shown = shown.with_columns(pl.col(column).replace(words))
    return shown.with_columns(
        pl.col(pl.List(pl.String())).list.join("；"),
        # As text: the browser's table would show a day with its midnight.
        pl.col(pl.Date()).dt.to_string("%Y-%m-%d").fill_null(""),
    ).rename({column: t(f"column.{column}") for column in columns})


def _formats(columns: list[str]) -> dict[str, Any]:
    """Aligned figures: amounts with thousands set off, confidence with two decimals."""
    formats = {"investment_yuan": "localized", "price_yuan": "localized", "confidence": "%.2f"}
    return {
        t(f"column.{column}"): st.column_config.NumberColumn(format=formats[column])
        for column in columns
        if column in formats
    }


def _detail(kind: Kind, record_id: str) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left, st.container(border=True):
        fields, terms = explained(kind, record_id)
        show_record(catalogue.record(ledger(), kind, record_id), kind, terms, "")
    with right, st.container(border=True):
        show_fields(kind, record_id, fields)
