"""Entry of the screens: `duijie serve` runs this file in Streamlit."""

from __future__ import annotations

import streamlit as st

from matching.errors import DuijieError
from ui.access import choose_language, language, ledger, settings, t
from ui.components.style import apply_style
from ui.screens import deals, fields, figures, lists, review, upload


def main() -> None:
    """Frame of every screen: title, pages, language, agent."""
    menu, foot = st.sidebar.container(), st.sidebar.container()
    with foot:
        # First of all: everything after it is worded in the language that it gives.
        choose_language()
        st.text(t("app.agent", agent=settings().agent))
    st.set_page_config(page_title=t("app.title"), layout="wide", initial_sidebar_state="expanded")
    apply_style()
    pages = [
        st.Page(review.show, title=t("review.title"), url_path="review", default=True),
        st.Page(upload.show, title=t("upload.title"), url_path="upload"),
        st.Page(lists.show, title=t("lists.title"), url_path="lists"),
        st.Page(fields.show, title=t("fields.title"), url_path="fields"),
        st.Page(deals.show, title=t("deals.title"), url_path="deals"),
        st.Page(figures.show, title=t("figures.title"), url_path="statistics"),
    ]
    page = st.navigation(pages, position="hidden")
    with menu:
        st.markdown(f"## {t('app.title')}")
        for each in pages:
            st.page_link(each)
    try:
        ledger()
        page.run()
    except DuijieError as error:
        st.error(error.text(language()))


main()
