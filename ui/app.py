"""The script of the screens: Streamlit runs it for every session, behind `ui.server`."""

from __future__ import annotations

import streamlit as st

from matching.errors import DuijieError, NotPermitted
from ui.access import choose_language, forget_viewer, language, ledger, t, viewer
from ui.components.identity import show_login, show_refusal, show_viewer
from ui.components.style import apply_style
from ui.pages import pages_at, pages_of, pages_of_nobody
from ui.warming import page_shown


def main() -> None:
    """Frame of every screen: title, pages, language, who is logged in."""
    menu, foot = st.sidebar.container(), st.sidebar.container()
    with foot:
        # First of all: everything after it is worded in the language that it gives.
        choose_language()
    st.set_page_config(page_title=t("app.title"), layout="wide", initial_sidebar_state="expanded")
    apply_style()
    try:
        who = viewer()
    except NotPermitted as error:
        with menu:
            st.markdown(f"## {t('app.title')}")
        st.navigation(pages_of_nobody(), position="hidden")
        show_login(error)
        return
    with foot:
        show_viewer(who)
    first, shown = pages_of(who)
    pages = pages_at(first, shown)
    page = st.navigation(list(pages.values()), position="hidden")
    with menu:
        st.markdown(f"## {t('app.title')}")
        for name in shown:
            st.page_link(pages[name])
    try:
        ledger()
        page.run()
    except DuijieError as error:
        if not show_refusal(error):
            st.error(error.text(language()))


forget_viewer()
try:
    main()
finally:
    forget_viewer()
    page_shown()
