"""Eight agents review at once against one server: nobody's decision is lost, doubled or written in another's name."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import pytest
from browser import served, settled
from playwright.sync_api import Browser, Page, expect
from review_desk import Press, chosen, presses, watch, written

from matching.intake.reading import Reading
from matching.ledger.accounts import add_account
from matching.ledger.database import open_ledger
from matching.pipeline import load, match_ledger

Enter = Callable[..., Page]

PASSWORD = "a password of tests"  # noqa: S105

pytestmark = [pytest.mark.browser, pytest.mark.alone]

AGENTS = tuple(f"经理{number}" for number in "一二三四五六七八")
EACH = 15
# Two at one demand begin at either end of its candidates, so that they do not meet.
CANDIDATES = 40
# Four have a demand of their own, two and two share one; from which candidate on.
PLACES = (
    ("XQ2026001", 0),
    ("XQ2026002", 0),
    ("XQ2026003", 0),
    ("XQ2026004", 0),
    ("XQ2026005", 0),
    ("XQ2026005", 20),
    ("XQ2026006", 0),
    ("XQ2026006", 20),
)
# What an agent presses; seconds between two presses of one agent.
KEYS = ("1", "l", "a", "2", "3")
PACE = 2.0
VISIBLE = 1500
SHARE = 0.95
LONGEST = 90


class Shared(NamedTuple):
    address: str
    ledger: Path
    log: Path


@pytest.fixture(scope="module")
def office(
    tmp_path_factory: pytest.TempPathFactory,
    sample_demands: Reading,
    sample_achievements: Reading,
    chromium: Browser,
) -> Iterator[Shared]:
    """Shared screens with eight agents."""
    folder = tmp_path_factory.mktemp("office")
    path, log = folder / "ledger.sqlite", folder / "server.log"
    engine = open_ledger(f"sqlite:///{path}")
    load(engine, sample_demands, "周某")
    load(engine, sample_achievements, "周某")
    match_ledger(engine, CANDIDATES, "周某")
    for name in AGENTS:
        add_account(engine, name, "agent", "示例", institute="", email="", password=PASSWORD)
    add_account(engine, "管理员", "admin", "示例", institute="", email="", password=PASSWORD)
    engine.dispose()
    options = {"DUIJIE_LOGIN": "accounts", "DUIJIE_ALLOWED_HOSTS": "127.0.0.1"}
    with served(f"sqlite:///{path}", log, "--shared", **options) as address:
        yield Shared(address, path, log)


def test_eight_review_at_once(office: Shared, enter: Enter, record_property: Callable[[str, object], None]) -> None:
    opened = time.monotonic()
    pages = {}
    for name, (demand_id, place) in zip(AGENTS, PLACES, strict=True):
        page = enter(f"{office.address}/?q={demand_id}", name)
        settled(page)
        expect(page.get_by_role("option")).to_have_count(CANDIDATES)
        page.get_by_role("option").nth(place).click()
        watch(page)
        pages[name] = page
    begun = time.monotonic()
    for number in range(EACH):
        round_begun = time.monotonic()
        for place, page in enumerate(pages.values()):
            page.keyboard.press(KEYS[(number + place) % len(KEYS)])
            ahead = round_begun + (place + 1) * PACE / len(pages) - time.monotonic()
            page.wait_for_timeout(max(0.0, ahead) * 1000)
    for page in pages.values():
        page.wait_for_function("() => window.presses.every((each) => each.done !== undefined)", timeout=30_000)
    taken = time.monotonic() - begun

    pressed = {name: presses(page) for name, page in pages.items()}
    found = written(office.ledger)
    refused = 0
    for (name, own), (demand_id, _) in zip(pressed.items(), PLACES, strict=True):
        meant = [(demand_id, press.candidate, verdict_of(press)) for press in own]
        mine = [(entry.demand_id, entry.achievement_id, entry.verdict) for entry in found if entry.agent == name]
        # A press that was refused brings the desk back to its pair, so that the same press may follow and count.
        lost = []
        presses_left = iter(meant)
        for entry in mine:
            lost += takewhile(lambda press, entry=entry: press != entry, presses_left)
        lost += presses_left
        assert len(meant) - len(lost) == len(mine), "each press once, in order"
        others = {(entry.demand_id, entry.achievement_id) for entry in found if entry.agent != name}
        assert {pair[:2] for pair in lost} <= others, "only what a colleague decided meanwhile is refused"
        refused += len(lost)
        if not lost:
            expect(pages[name].get_by_test_id("stAlert")).to_have_count(0)
        expect(pages[name].get_by_test_id("stException")).to_have_count(0)
        assert chosen(pages[name]) is not None
    assert len(found) == EACH * len(AGENTS) - refused
    pairs = {(entry.demand_id, entry.achievement_id) for entry in found}
    record_property("refused_because_a_colleague_decided", refused)
    record_property("changed_after_a_colleague_decided", len(found) - len(pairs))
    assert "Traceback" not in office.log.read_text(encoding="utf-8", errors="replace")

    shown = percentile([press.shown for own in pressed.values() for press in own])
    record_property("visible_ms_95", round(shown))
    record_property("in_the_ledger_ms_95", round(percentile([press.done for own in pressed.values() for press in own])))
    record_property("seconds", round(taken))
    record_property("seconds_to_open", round(begun - opened))
    assert shown < VISIBLE
    assert taken < LONGEST


def verdict_of(press: Press) -> str:
    return {"a": "accept", "l": "later"}.get(press.key, "reject")


def percentile(values: list[float | None]) -> float:
    """The value below which the share of them lies; what never came lies above all."""
    known = sorted(math.inf if each is None else each for each in values)
    return known[math.ceil(SHARE * len(known)) - 1]
