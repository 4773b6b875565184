"""The pages: which there are, and which a role sees (`datasets/access/pages.toml`)."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, Final, Protocol, cast

import streamlit as st

from matching.data_files import data_path
from matching.ledger.rights import Viewer
from ui.access import t
from ui.warming import load


class _Screen(Protocol):
    """A module of `ui.screens`."""

    def show(self) -> None:
        """Draw the screen."""


def _open(module: str) -> None:
    """Run a screen, which is loaded when it is first opened: all of them together take seconds."""
    cast(_Screen, load(f"ui.screens.{module}")).show()


def _screen(module: str) -> Callable[[], None]:
    return partial(_open, module)


# What a page runs, and the family of wordings that has its title, by the page's address.
SCREENS: Final[dict[str, tuple[Callable[[], None], str]]] = {
    "review": (_screen("review"), "review"),
    "matches": (_screen("matches"), "matches"),
    "find": (_screen("find"), "find"),
    "near-misses": (_screen("near_misses"), "near"),
    "upload": (_screen("upload"), "upload"),
    "lists": (_screen("lists"), "lists"),
    "fields": (_screen("fields"), "fields"),
    "deals": (_screen("deals"), "deals"),
    "statistics": (_screen("figures"), "figures"),
    "accounts": (_screen("accounts"), "accounts"),
}
# The address that those of no page are sent to.
NOWHERE: Final = "no-page"
# A page that is seen first stands at the root; Streamlit wants another address for it, which nobody sees.
_ROOT: Final = "first-page"
# Without accounts there is nothing to keep.
_SHARED_ONLY: Final = ("accounts",)
_OWN_FIRST: Final = "review"


def pages_of(who: Viewer | None) -> tuple[str, list[str]]:
    """The page that a viewer sees first, and all that it sees, in the order of the menu."""
    found = _page_roles()
    if who is None:
        return _OWN_FIRST, [name for name in found["pages"] if name not in _SHARED_ONLY]
    return found["first"][who.role], [name for name, roles in found["pages"].items() if who.role in roles]


def pages_at(first: str, shown: Sequence[str]) -> dict[str, st.Page]:
    """A page for every address, and the first one, at the root, by its name; the address with its name leads there.

    An address of none or of another role says so in words, not in the server's own English ones.
    """
    screen, title = SCREENS[first]
    root = st.Page(screen, title=t(f"{title}.title"), url_path=_ROOT, default=True)
    pages = {name: _page(name) if name in shown else _nowhere_at(name) for name in SCREENS if name != first}
    leading = st.Page(partial(_go_to, root), title=t(f"{title}.title"), url_path=first)
    return {**pages, first: root, _ROOT: leading, NOWHERE: _nowhere_at(NOWHERE)}


def pages_of_nobody() -> list[st.Page]:
    """A page for every address, of which none is run, as long as nobody is logged in."""
    return [_nowhere_at(name) for name in (_ROOT, *SCREENS, NOWHERE)]


def _page(name: str) -> st.Page:
    screen, title = SCREENS[name]
    return st.Page(screen, title=t(f"{title}.title"), url_path=name)


def _nowhere_at(name: str) -> st.Page:
    return st.Page(_nowhere, title=t("app.no_page"), url_path=name)


def _nowhere() -> None:
    st.info(t("app.no_page_here"))


def _go_to(page: st.Page) -> None:
    st.switch_page(page, query_params=st.query_params)


@cache
def _page_roles() -> dict[str, dict[str, Any]]:
    with data_path("access", "pages.toml").open("rb") as source:
        return tomllib.load(source)
