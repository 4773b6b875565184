"""Upload: a file is understood, corrected where it was not, looked at beside the ledger, and loaded; then matched."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final, cast

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from matching import pipeline
from matching.errors import DuijieError, FileRefused
from matching.intake.columns import Plan
from matching.intake.files import read_sheets
from matching.intake.marked import marked_workbook
from matching.intake.reading import Reading, read_tables
from matching.intake.sheets import Sheet
from matching.intake.templates import template
from matching.ledger import uploads
from matching.ledger.rights import may
from matching.pipeline import Prepared
from matching.schema import Kind
from ui.access import agent, language, ledger, settings, t, viewer
from ui.catalogue_cache import now
from ui.components.differences import chosen_names, show_differences
from ui.components.filters import choose_kind
from ui.components.headings import chosen_columns, chosen_heading_row
from ui.components.last_match import show_match
from ui.components.long_work import CHECKING, LOADING, long_work
from ui.components.problems import show_left_out, show_problems
from ui.components.upload_history import show_history, show_missing, show_near

_LOADED: Final = "upload_loaded"
_COUNT: Final = "upload_count"
_OPENED: Final = "upload_opened"
_READ: Final = "upload_read"
_PREPARED: Final = "upload_prepared"
_NOBODY: Final = ""


@dataclass(frozen=True)
class _File:
    """An uploaded file: what tells it from another, its name and bytes, and its sheets once they were read."""

    identity: str
    name: str
    content: bytes
    sheets: list[Sheet]


def show() -> None:
    """The screen."""
    st.subheader(t("upload.title"))
    who = viewer()
    own = who.organisation if who is not None and who.role == "institute" else None
    kind: Kind = choose_kind() if own is None else "achievements"
    left, right = st.columns([3, 2], gap="large")
    with left:
        institute = _institute(kind) if own is None else own
        if own is not None:
            st.text(t("upload.own_institute", institute=own))
        count = st.session_state.get(_COUNT, 0)
        uploaded = st.file_uploader(t(f"lists.upload_{kind}"), type=None, key=f"file:{kind}:{count}")
    with right:
        _show_template(kind)
        if may(ledger(), "match"):
            show_match()
    if message := st.session_state.pop(_LOADED, None):
        st.success(message)
    if uploaded is None:
        for kept in (_OPENED, _READ, _PREPARED):
            st.session_state.pop(kept, None)
    else:
        _show_file(kind, institute, uploaded)
    st.divider()
    show_missing(kind)
    show_near(kind)
    show_history()


def _show_template(kind: Kind) -> None:
    st.download_button(
        t(f"upload.template_{kind}"),
        partial(template, kind, language()),
        file_name=f"{t(f'kind.{kind}')}.xlsx",
        key="template",
        on_click="ignore",
    )


def _show_file(kind: Kind, institute: str, uploaded: UploadedFile) -> None:
    try:
        file = _opened(f"{uploaded.file_id}:{kind}", uploaded.name, uploaded.getvalue())
        read = _read(file, kind, institute)
    except DuijieError as error:
        st.error(error.text(language()))
        return
    if read is None:
        return
    reading, plan, chosen = read
    good_rows = show_problems(reading, lambda: marked_workbook(reading, file.sheets, language()))
    show_left_out(reading)
    prepared = _prepared(file, reading, institute, plan)
    show_differences(prepared)
    st.button(
        t("lists.load"),
        type="primary",
        key="load",
        disabled=reading.frame.is_empty() or (bool(reading.wrong) and not good_rows),
        on_click=_load,
        args=(prepared, chosen, chosen_names(prepared)),
    )


def _institute(kind: Kind) -> str:
    """Whose file it is: chosen from those that uploaded before, or typed."""
    known = sorted({name for name in uploads.uploads(ledger())["institute"] if name})
    chosen = st.selectbox(
        t(f"upload.institute_{kind}"),
        known,
        index=None,
        accept_new_options=True,
        placeholder=t("upload.institute_hint"),
        key="upload_institute",
    )
    return (cast(str | None, chosen) or _NOBODY).strip()


def _opened(identity: str, name: str, content: bytes) -> _File:
    """The file with its sheets, which are read once for each file and not at each press of a button."""
    known = cast(_File | None, st.session_state.get(_OPENED))
    if known is not None and known.identity == identity:
        return known
    with st.spinner(t("step.read")):
        file = _File(identity, name, content, read_sheets(name, content, settings()))
    st.session_state[_OPENED] = file
    return file


def _read(file: _File, kind: Kind, institute: str) -> tuple[Reading, Plan, dict[str, str]] | None:
    """The file as read, by which plan, and what of it was chosen now; None where the heading is still to be found."""
    remembered = pipeline.remembered_plan(ledger(), kind, institute)
    row = None
    try:
        first = _tables(file, kind, remembered)
        headings = first.headings
    except FileRefused as error:
        if error.problems[0].key != "file.missing_column":
            raise
        st.error(error.text(language()))
        row, headings = chosen_heading_row(file.sheets, kind, file.identity)
        if row is None:
            return None
    chosen = chosen_columns(file.sheets, headings, kind, f"{file.identity}:{institute}:{row}")
    plan = Plan({**remembered.columns, **chosen}, row)
    return _tables(file, kind, plan), plan, chosen


def _tables(file: _File, kind: Kind, plan: Plan) -> Reading:
    """The file by a plan: by the last two it is kept, for a large one takes seconds at each press of a button."""
    known = cast(list[tuple[str, Plan, Reading]], st.session_state.setdefault(_READ, []))
    for identity, by, reading in known:
        if (identity, by) == (file.identity, plan):
            return reading
    reading = read_tables(file.name, file.content, file.sheets, kind, settings(), plan, good_rows=True)
    st.session_state[_READ] = [*known[-1:], (file.identity, plan, reading)]
    return reading


def _prepared(file: _File, reading: Reading, institute: str, plan: Plan) -> Prepared:
    """The file beside the ledger; looked at again when the file is read otherwise or the ledger has changed."""
    at = now()
    key = (file.identity, institute, plan, at.upload, at.mark)
    known = st.session_state.get(_PREPARED)
    if known is not None and known[0] == key:
        return cast(Prepared, known[1])
    with long_work(CHECKING) as progress:
        prepared = pipeline.prepare(ledger(), reading, institute, file.content, progress)
    st.session_state[_PREPARED] = (key, prepared)
    return prepared


def _load(prepared: Prepared, columns: dict[str, str], names: dict[str, str]) -> None:
    """Write the file that was shown; the uploader is emptied, so that a second press finds nothing to load."""
    try:
        with long_work(LOADING) as progress:
            found = pipeline.load(ledger(), prepared, agent(), progress, columns=columns, names=names)
    except DuijieError as error:
        st.error(error.text(language()))
        return
    st.session_state[_COUNT] = st.session_state.get(_COUNT, 0) + 1
    read = prepared.read
    counts = {**found.counts, "refused": read.refused, "left_out": len(read.left_out)}
    st.session_state[_LOADED] = t("cli.loaded", file=read.file, rows=read.rows, **counts)
