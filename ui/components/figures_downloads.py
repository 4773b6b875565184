"""The whole report to download: as a workbook, as a page that prints, as an archive of CSV files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import streamlit as st
from sqlalchemy import Engine

from matching.reporting.csv_files import csv_files, zip_of
from matching.reporting.facts import Facts
from matching.reporting.page import page
from matching.reporting.period import Period
from matching.reporting.sheets import Report
from matching.reporting.whole_report import whole_report
from matching.reporting.workbook import workbook
from ui.access import language, ledger, t

_FORMS: Final[dict[str, tuple[str, str, Callable[[Report], bytes]]]] = {
    "workbook": ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", workbook),
    "page": ("html", "text/html", page),
    "archive": ("zip", "application/zip", lambda report: zip_of(csv_files(report), report.as_of)),
}


def show_downloads(found: Facts, period: Period) -> None:
    """A button for each form; the file is made when it is pressed."""
    engine, words = ledger(), language()
    line = st.container(horizontal=True, vertical_alignment="center")
    line.text(t("figures.report"), width="content")
    for form, (ending, kind, make) in _FORMS.items():
        line.download_button(
            t(f"figures.{form}"),
            # Made in a thread of its own, where the session's ledger and language cannot be asked for.
            partial(_made, make, engine, found, period, words),
            file_name=f"duijie-{found.today:%Y%m%d}.{ending}",
            mime=kind,
            key=f"report:{form}",
            on_click="ignore",
        )


def _made(make: Callable[[Report], bytes], engine: Engine, found: Facts, period: Period, words: str) -> bytes:
    return make(whole_report(engine, found, period, words))
