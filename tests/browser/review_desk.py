"""The desk of the review as tests see it: what stands chosen, what was pressed and when it showed, what is written."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, cast

from playwright.sync_api import Locator, Page

# Of each key press: the candidate that was chosen, milliseconds until the page showed it and until no entry waits.
_WATCH = """() => {
    const host = [...document.querySelectorAll("*")].find((each) => each.shadowRoot?.querySelector(".desk"));
    const root = host.shadowRoot;
    window.presses = [];
    window.addEventListener("keydown", (event) => {
        const at = root.querySelector("[role=option][aria-selected=true]");
        window.presses.push({ key: event.key, id: at?.dataset.id ?? null, start: performance.now() });
    }, true);
    new MutationObserver(() => {
        requestAnimationFrame(() => setTimeout(() => {
            const waits = root.querySelector(".row.waits");
            for (const press of window.presses) {
                press.shown ??= performance.now() - press.start;
                if (!waits) press.done ??= performance.now() - press.start;
            }
        }, 0));
    }).observe(root, { subtree: true, childList: true, characterData: true, attributes: true });
}"""


class Entry(NamedTuple):
    """An entry of the table of decisions."""

    demand_id: str
    achievement_id: str
    verdict: str
    reason: str
    note: str
    agent: str


class Press(NamedTuple):
    """A key press; milliseconds, None for what has not happened."""

    key: str
    candidate: str | None
    shown: float | None
    done: float | None


def watch(page: Page) -> None:
    """Note from now on what is pressed and when it shows."""
    page.locator(".desk").first.wait_for()
    page.evaluate(_WATCH)


def presses(page: Page) -> list[Press]:
    """What was pressed since the page is watched."""
    found = cast(list[dict[str, object]], page.evaluate("() => window.presses"))
    return [Press(each["key"], each["id"], each.get("shown"), each.get("done")) for each in found]  # type: ignore[arg-type]


def chosen(page: Page) -> str | None:
    """The candidate that the desk stands at."""
    found = page.locator("[role=option][aria-selected=true]")
    return found.get_attribute("data-id") if found.count() else None


def candidate(page: Page, achievement_id: str) -> Locator:
    """A candidate's line."""
    return page.locator(f'[role=option][data-id="{achievement_id}"]')


def candidates(page: Page) -> list[str]:
    """The candidates as they are listed."""
    lines = page.get_by_role("option").all()
    return [line.get_attribute("data-id") or "" for line in lines]


def written(ledger: Path, demand_id: str | None = None) -> list[Entry]:
    """Decisions in the order in which they were written, of one demand or of all."""
    query = "SELECT demand_id, achievement_id, verdict, reason, note, agent FROM decision ORDER BY decision_id"
    with closing(sqlite3.connect(ledger)) as connection:
        found = [Entry(*row) for row in connection.execute(query)]
    return [entry for entry in found if demand_id in (None, entry.demand_id)]


def levels(ledger: Path, demand_id: str) -> list[tuple[str, int | None]]:
    """Levels that were set by hand, in order."""
    query = "SELECT achievement_id, level FROM pair_level WHERE demand_id = ? ORDER BY entry_id"
    with closing(sqlite3.connect(ledger)) as connection:
        return connection.execute(query, (demand_id,)).fetchall()


def wait_for(ledger: Path, count: int, demand_id: str) -> list[Entry]:
    """Decisions of a demand once there are so many, or after half a minute what there is."""
    deadline = time.monotonic() + 30
    while len(found := written(ledger, demand_id)) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    return found
