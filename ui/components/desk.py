"""The agent's desk: the list of candidates, a key for every decision, the latest decisions.

It runs in the browser, so that what is pressed shows at once and no key press is lost while the page follows. Every
press is an entry of a log that the browser sends until it is told that the entry is done; see `desk.js`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import streamlit as st

_FOLDER: Final = Path(__file__).parent
KEY: Final = "desk"

Entry = Mapping[str, Any]


def _file(suffix: str) -> str:
    return (_FOLDER / f"desk.{suffix}").read_text(encoding="utf-8")


@st.cache_resource
def _component() -> Callable[..., object]:
    return cast(
        Callable[..., object],
        st.components.v2.component("duijie_desk", html=_file("html"), css=_file("css"), js=_file("js")),
    )


def show_desk(data: Mapping[str, object], on_sent: Callable[[], None]) -> None:
    """Mount the desk; `on_sent` is called when the browser has sent what was pressed (see `sent`)."""
    # In a list: in the values of a mapping Streamlit looks for data frames, for which it loads pandas.
    _component()(data=[dict(data)], key=KEY, on_sent_change=on_sent)


def sent() -> Mapping[str, Any]:
    """What the browser sent last: the entries of the log, the demand in hand, the candidate chosen, those marked."""
    state = st.session_state.get(KEY)
    found = state.get("sent") if state is not None else None
    return cast(Mapping[str, Any], found or {})


def entries() -> Sequence[Entry]:
    """The entries of the log that were sent, oldest first."""
    return cast(Sequence[Entry], sent().get("log") or ())
