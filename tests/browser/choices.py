"""A list of choices as one chooses from it by hand: where the page that is drawn anew closes it, it is opened again."""

from __future__ import annotations

from typing import Final

from browser import settled
from playwright.sync_api import Locator
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

_OPENINGS: Final = 4
_OPEN_FOR: Final = 5_000


def choose_from(box: Locator, option: str, *, exact: bool = True) -> None:
    """Choose an option of a combobox and wait until the page has run.

    What is typed brings the option into a long list, of which a part is shown. Raises Playwright's `TimeoutError` when
    the option was not to be pressed however often the list was opened.
    """
    for opening in range(_OPENINGS):
        settled(box.page)
        box.fill(option)
        try:
            box.page.get_by_role("option", name=option, exact=exact).click(timeout=_OPEN_FOR)
            break
        except PlaywrightTimeoutError:
            if opening == _OPENINGS - 1:
                raise
            box.press("Escape")
    settled(box.page)
