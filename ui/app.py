"""Entry of the screens: `duijie serve` runs this file in Streamlit."""

from __future__ import annotations

import streamlit as st

from matching.errors import DuijieError
from ui.access import choose_language, language, ledger, settings, t
from ui.components.style import apply_style
from ui.screens import deals, figures, lists, review


def main() -> None:
    """Frame of every screen: title, pages, language, agent."""
    st.set_page_config(page_title=t("app.title"), layout="wide", initial_sidebar_state="expanded")
    apply_style()
    pages = [
        st.Page(review.show, title=t("review.title"), url_path="review", default=True),
        st.Page(lists.show, title=t("lists.title"), url_path="lists"),
        st.Page(deals.show, title=t("deals.title"), url_path="deals"),
        st.Page(figures.show, title=t("figures.title"), url_path="statistics"),
    ]
    with st.sidebar:
        st.markdown(f"### {t('app.title')}")
        page = st.navigation(pages)
        choose_language()
        st.text(t("app.agent", agent=settings().agent))
    try:
        ledger()
        page.run()
    except DuijieError as error:
        st.error(error.text(language()))


main()
