"""The pages: which there are, and which a role sees (`datasets/access/pages.toml`)."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import streamlit as st

from matching.data_files import data_path
from matching.ledger.rights import Viewer
from ui.access import t
from ui.screens import accounts, deals, fields, figures, lists, matches, near_misses, review, upload

# What a page runs, and the family of wordings that has its title, by the page's address.
SCREENS: Final[dict[str, tuple[Callable[[], None], str]]] = {
    "review": (review.show, "review"),
    "matches": (matches.show, "matches"),
    "near-misses": (near_misses.show, "near"),
    "upload": (upload.show, "upload"),
    "lists": (lists.show, "lists"),
    "fields": (fields.show, "fields"),
    "deals": (deals.show, "deals"),
    "statistics": (figures.show, "figures"),
    "accounts": (accounts.show, "accounts"),
}
# Without accounts there is nothing to keep.
_SHARED_ONLY: Final = ("accounts",)
_OWN_FIRST: Final = "review"


def pages_of(who: Viewer | None) -> tuple[str, list[str]]:
    """The page that a viewer sees first, and all that it sees, in the order of the menu."""
    found = _page_roles()
    if who is None:
        return _OWN_FIRST, [name for name in found["pages"] if name not in _SHARED_ONLY]
    return found["first"][who.role], [name for name, roles in found["pages"].items() if who.role in roles]


def nowhere() -> None:
    """The page of an address that the viewer has no page at."""
    st.info(t("app.no_page_here"))


@cache
def _page_roles() -> dict[str, dict[str, Any]]:
    with data_path("access", "pages.toml").open("rb") as source:
        return tomllib.load(source)
