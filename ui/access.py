"""Who uses the screens, in which language, and on which ledger. On one's own machine: one agent, all rights."""

from __future__ import annotations

from typing import cast

import streamlit as st
from sqlalchemy import Engine

from matching.ledger.database import open_ledger
from matching.settings import Settings
from matching.wording import DEFAULT_LANGUAGE, LANGUAGES, say

_LANGUAGE = "language"


@st.cache_resource
def settings() -> Settings:
    """The settings of this server."""
    return Settings()


@st.cache_resource
def ledger() -> Engine:
    """The ledger, opened once for all sessions."""
    return open_ledger(settings().database_url)


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
