"""The facts behind the figures, kept between reruns for as long as nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import streamlit as st

from matching.ledger.moments import settled
from matching.ledger.revision import Revision
from matching.ledger.rights import permit, unrestricted
from matching.reporting.facts import Facts, facts, veiled
from matching.reporting.sheets import Sheet
from matching.reporting.small_counts import hides
from ui.access import language, ledger, settings
from ui.catalogue_cache import now
from ui.components.moments import today

_KEPT: Final = 4
_SHEETS_KEPT: Final = 64


@st.cache_resource(max_entries=_KEPT, show_spinner=False)
def _facts(at: Revision, day: str, as_of: datetime | None) -> Facts:
    whole = unrestricted(ledger())
    return facts(whole, as_of or settled(whole), settings().timezone)


def facts_shown(as_of: datetime | None) -> Facts:
    """The ledger at a moment, None for now, without the names that the viewer must not learn."""
    permit(ledger(), "read_figures")
    return veiled(ledger(), _facts(now(), f"{today()}", as_of))


@st.cache_resource(max_entries=_SHEETS_KEPT, show_spinner=False)
def _sheet(
    at: Revision, as_of: datetime, language_: str, hide: bool, parts: tuple[object, ...], _make: Callable[[], Sheet]
) -> Sheet:
    return _make()


def kept(found: Facts, parts: tuple[object, ...], make: Callable[[], Sheet]) -> Sheet:
    """A sheet, made once for the same facts, language and reader, and `parts`, which is all else that it depends on."""
    return _sheet(now(), found.as_of, language(), hides(ledger()), parts, make)
