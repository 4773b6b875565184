"""Who is logged in, the way out, and what is shown to those who are not."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Final

import streamlit as st

from matching.errors import NotPermitted
from matching.ledger.rights import Viewer
from matching.wording import say
from ui.access import language, settings, t

_SHEET: Final = Path(__file__).with_name("identity.css")


def show_viewer(who: Viewer | None) -> None:
    """Name, role and the way out; on one's own machine the agent alone."""
    if who is None:
        st.text(t("app.agent", agent=settings().agent))
        return
    st.text(t("app.account", account=who.account, role=t(f"role.{who.role}")))
    if who.organisation:
        st.text(who.organisation)
    _show_logout()


def show_login(why: NotPermitted) -> None:
    """Why nothing else is shown, and the way in."""
    problem = why.problems[0]
    if problem.key == "login.needed":
        st.info(why.text(language()))
    else:
        st.warning(why.text(language()))
    if settings().login == "accounts":
        st.html(f'<a href="/login" target="_self">{escape(t("login.enter"))}</a>')
    elif problem.key == "login.needed":
        st.button(t("login.enter"), type="primary", key="login", on_click=st.login)
    else:
        _show_logout()


def show_refusal(error: Exception) -> bool:
    """Whether an error that ended a run or a callback is that nobody is logged in any more; it is said if so."""
    if not isinstance(error, NotPermitted) or not error.problems[0].key.startswith("login."):
        return False
    show_login(error)
    return True


def _show_logout() -> None:
    if settings().login == "oidc":
        st.button(t("login.leave"), key="logout", on_click=st.logout)
        return
    # A form: a link could be followed by a picture of another site.
    spoken = escape(say("app.language_name", language()))
    st.html(
        f"<style>{_SHEET.read_text(encoding='utf-8')}</style>"
        f'<form method="post" action="/logout?language={spoken}"><button>{escape(t("login.leave"))}</button></form>'
    )
