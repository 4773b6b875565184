"""What the first page needs is loaded and read while the server starts and the browser loads; the rest after it."""

from __future__ import annotations

import gc
import inspect
import sys
import time
from importlib import import_module
from threading import Event, Lock, Thread
from typing import Final

from matching.errors import DuijieError
from matching.fields.taxonomies import load_taxonomies
from matching.wording import LANGUAGES, catalogue
from ui import catalogue_cache
from ui.access import settings

# The other screens, but for those that rank: the compiler that these bring would take memory that uploads need.
_LATER: Final = tuple(f"ui.screens.{name}" for name in ("matches", "lists", "deals", "upload", "fields", "accounts"))
# The page that is shown first, and what Streamlit loads only when it draws.
_FIRST: Final = ("ui.screens.review", "streamlit.emojis")
# The browser still fetches what it draws the first page with.
_PAUSE_SECONDS: Final = 3
# Two that load at once what needs each other would each wait for the other.
_LOADING: Final = Lock()
_SHOWN: Final = Event()


def load(module: str) -> object:
    """A module, loaded if it is not there yet.

    What it brings stays as long as the process: after every run of the script Streamlit has all objects looked
    through for garbage, for every session, which takes a tenth of a second if these are among them.
    """
    with _LOADING:
        known = module in sys.modules
        loaded = import_module(module)
        if not known:
            gc.freeze()
        return loaded


def begin() -> None:
    """Begin to load and read, in a thread of its own, which ends with the process."""
    Thread(target=_warm, name="warming", daemon=True).start()


def page_shown() -> None:
    """Say that a page has been shown: what it did not need may be loaded now."""
    _SHOWN.set()


def _warm() -> None:
    for module in _FIRST:
        load(module)
    # Once, when it first draws, Streamlit has the files of all modules looked up; what is found is kept.
    inspect.getmodule(inspect.currentframe())
    for code in LANGUAGES:
        catalogue(code)
    _read()
    _SHOWN.wait()
    time.sleep(_PAUSE_SECONDS)
    for module in _LATER:
        load(module)
    # What was read stays too, and so does what drawing the first page brought.
    gc.freeze()


def _read() -> None:
    """Have the lists of the review kept; what is wrong with files or the ledger is said by the screens."""
    try:
        load_taxonomies()
        if settings().shared:
            # What is read of the ledger is read for somebody who has logged in.
            return
        catalogue_cache.review_pairs()
        catalogue_cache.listed("demands")
        catalogue_cache.holders()
    except DuijieError:
        return
