"""Who uses the screens, in which language, and on which ledger.

On one's own machine: one agent, all rights. Shared: the account that is logged in, with the role that the ledger holds.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final, cast

import streamlit as st
from sqlalchemy import Engine
from streamlit.runtime.scriptrunner import get_script_run_ctx

from matching.errors import NotPermitted, Problem
from matching.ledger.database import open_ledger
from matching.ledger.logins import viewer_of_email, viewer_of_session
from matching.ledger.passwords import login_rules
from matching.ledger.rights import Viewer, as_viewer
from matching.settings import Settings
from matching.wording import DEFAULT_LANGUAGE, LANGUAGES, say
from ui.session_cookie import token_of

_LANGUAGE: Final = "language"
_VIEWER: Final = "viewer_of_this_run"
# Seconds for which a part of the screen that runs by itself need not ask again.
_KNOWN_FOR: Final = 1.0


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    """The settings of this server."""
    return Settings()


@st.cache_resource(show_spinner=False)
def _engine() -> Engine:
    """The ledger, opened once for all sessions."""
    return open_ledger(settings().database_url)


def ledger() -> Engine:
    """The ledger as this session may see it. Raises `NotPermitted` where nobody is logged in."""
    who = viewer()
    return _engine() if who is None else as_viewer(_engine(), who)


def viewer() -> Viewer | None:
    """Who is logged in; None on one's own machine. Raises `NotPermitted` where nobody is, or the account is disabled.

    The ledger is asked in every run of the script, and by the callbacks that run before it.
    """
    if not settings().shared:
        return None
    known = cast(tuple[Viewer, float] | None, st.session_state.get(_VIEWER))
    if known is None or known[1] < time.monotonic() - _KNOWN_FOR:
        found = _asked()
        known = st.session_state[_VIEWER] = (found, time.monotonic())
    return known[0]


def forget_viewer() -> None:
    """Have the ledger asked again who is logged in: when a run of the script begins, and when it has ended."""
    st.session_state.pop(_VIEWER, None)


def agent() -> str:
    """The name of whoever acts, as the ledger keeps it: the account, on one's own machine the agent of the settings."""
    who = viewer()
    return settings().agent if who is None else who.account


def language() -> str:
    """The language that this session reads."""
    return cast(str, st.session_state.get(_LANGUAGE) or settings().language)


def t(key: str, /, **values: object) -> str:
    """The wording of a key in this session's language."""
    return say(key, language(), **values)


def worded_key(name: str) -> str:
    """Key of a choice list, one per language: a browser keeps the label of a chosen option as it first saw it."""
    return name if language() == DEFAULT_LANGUAGE else f"{name}_{language()}"


def choose_language() -> None:
    """The switch between the languages; it lives in the address, so that a link opens in the same one."""
    st.segmented_control(
        say("app.language", language()),
        LANGUAGES,
        format_func=lambda code: say("app.language_name", code),
        default=language(),
        required=True,
        key=_LANGUAGE,
        bind="query-params",
        label_visibility="collapsed",
    )


def _asked() -> Viewer:
    try:
        return _viewer_of_email() if settings().login == "oidc" else _viewer_of_cookie()
    except NotPermitted:
        context = get_script_run_ctx()
        if context is not None and context.fragment_ids_this_run:
            # Only a part of the screen runs: the whole of it is to say what happened.
            st.rerun()
        raise


def _viewer_of_cookie() -> Viewer:
    token = token_of(st.context.cookies, settings())
    if not token:
        raise NotPermitted(Problem("login.needed"))
    return viewer_of_session(_engine(), token)


def _viewer_of_email() -> Viewer:
    """The account of the address that the identity provider vouches for.

    The provider's cookie is good for a month: a session of ours is not longer for it.
    """
    if not st.user.is_logged_in:
        raise NotPermitted(Problem("login.needed"))
    claims = st.user.to_dict()
    lasts = timedelta(hours=login_rules().session_hours).total_seconds()
    issued = claims.get("iat")
    if not isinstance(issued, int | float) or issued + lasts <= time.time():
        raise NotPermitted(Problem("login.over"))
    email = str(claims.get("email") or "")
    if claims.get("email_verified") in (False, "false"):
        raise NotPermitted(Problem("login.email_not_verified", values={"email": email}))
    return viewer_of_email(_engine(), email)
