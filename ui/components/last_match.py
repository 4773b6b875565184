"""Ranking the whole ledger: what was ranked last, and the key that ranks it anew."""

from __future__ import annotations

import streamlit as st

from matching import pipeline
from matching.errors import DuijieError, Problem
from matching.ledger import catalogue, runs
from matching.schema import KINDS
from ui.access import agent, language, ledger, settings, t
from ui.components.long_work import MATCHING, long_work
from ui.components.moments import local_minute
from ui.components.plain import plain


def show_match() -> None:
    """The last match with how far its weights are behind, and a key; what stands above the key is what it left."""
    last = st.container()
    ready = all(catalogue.count_records(ledger(), kind) for kind in KINDS)
    if not ready:
        st.text(t("lists.both_needed"))
    if st.button(t("lists.match"), key="match", disabled=not ready, type="primary"):
        _match()
    with last:
        _show_last()


def _show_last() -> None:
    run = runs.latest_run(ledger())
    if run is None:
        st.text(t("lists.never_matched"))
    else:
        counts = {"demands": run.demands, "achievements": run.achievements, "candidates": run.candidates}
        st.text(t("lists.matched", at=local_minute(run.at), **counts))
    found = pipeline.behind(pipeline.index_folder(ledger().url, settings().index))
    if found is not None and found.since:
        st.text(t("index.behind", **found.said(settings().timezone)))


def _match() -> None:
    said: list[Problem] = []
    try:
        with long_work(MATCHING) as progress:
            made = pipeline.match_ledger(
                ledger(),
                settings().top,
                agent(),
                progress,
                index=settings().index,
                notice=said.append,
                ranked_by=settings().engine,
            )
    except DuijieError as error:
        st.error(error.text(language()))
        return
    for problem in said:
        st.info(plain(problem.text(language())))
    st.success(t("lists.match_done", candidates=made.candidates))
