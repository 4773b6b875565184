"""Demands for an achievement, and near misses: found, opened, narrowed down, taken away as a file."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from pathlib import Path
from shutil import copyfile, copytree
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from browser import _environment, _wait, free_port, settled
from places import ROOT
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from matching.ledger import reverse
from matching.ledger.database import open_ledger
from matching.pipeline.near_misses import near_misses
from matching.wording import say

Open = Callable[..., Page]

pytestmark = pytest.mark.browser

SCRIPT: Final = """
import streamlit as st
from ui.access import choose_language
from ui.components.style import apply_style
from ui.screens import matches, near_misses

st.set_page_config(layout="wide")
with st.sidebar:
    choose_language()
apply_style()
pages = [st.Page(matches.show, url_path="matches", default=True), st.Page(near_misses.show, url_path="near-misses")]
page = st.navigation(pages, position="hidden")
with st.sidebar:
    for each in pages:
        st.page_link(each)
page.run()
"""


@contextmanager
def two_screens(ledger: str, folder: Path) -> Iterator[str]:
    """These two screens alone, with the look of all."""
    script, log, port = folder / "screens.py", folder / "server.log", free_port()
    script.write_text(SCRIPT, encoding="utf-8")
    copytree(ROOT / "ui" / ".streamlit", folder / ".streamlit")
    place = ["--server.address", "127.0.0.1", "--server.port", str(port)]
    command = [sys.executable, "-m", "streamlit", "run", str(script), *place]
    with log.open("wb") as output:
        environment = _environment(ledger, {})
        server = subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=output)
        try:
            _wait(f"http://127.0.0.1:{port}", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=20)


@pytest.fixture(scope="module")
def ledger_url(tmp_path_factory: pytest.TempPathFactory, sample_ledger: Path) -> str:
    path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    copyfile(sample_ledger, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="module")
def screens(tmp_path_factory: pytest.TempPathFactory, ledger_url: str, chromium: Browser) -> Iterator[str]:
    with two_screens(ledger_url, tmp_path_factory.mktemp("served")) as address:
        yield address


@pytest.fixture(scope="module")
def engine(ledger_url: str) -> Iterator[Engine]:
    opened = open_ledger(ledger_url)
    yield opened
    opened.dispose()


def choose_row(page: Page, row: int) -> None:
    """Tick the box of a row of the table, counted from 0; the table is a picture to the browser."""
    page.wait_for_timeout(700)
    box = page.get_by_test_id("stDataFrame").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 14, box["y"] + 32 + 31 * row + 15)
    settled(page)


def search(page: Page, name: str, words: str) -> None:
    field = page.get_by_role("textbox", name=name)
    field.fill(words)
    field.press("Enter")
    settled(page)


def test_an_achievement_shows_its_best_demands_and_why(screens: str, engine: Engine, open_screen: Open) -> None:
    best = reverse.best_achievements(engine, 1)
    achievement_id, demands, score = best.row(0)
    rows = reverse.demands_of(engine, 1, achievement_id)
    page = open_screen(screens)
    expect(page.get_by_text(say("matches.best", demands=demands, best=score))).to_be_visible()
    expect(page.get_by_text(f"{rows['demand_id'][0]} ·")).to_be_visible()
    expect(page.get_by_text(f"{achievement_id} ·")).to_be_visible()
    expect(page.get_by_text(f"{score:.4f}", exact=True)).to_be_visible()
    choose_row(page, 1)
    expect(page.get_by_text(f"{rows['demand_id'][1]} ·")).to_be_visible()
    expect(page.get_by_text(f"{rows['score'][1]:.4f}", exact=True)).to_be_visible()


def test_an_achievement_is_found_by_words(screens: str, engine: Engine, open_screen: Open) -> None:
    chosen = reverse.best_achievements(engine, 1)["achievement_id"][20]
    demand_id = reverse.demands_of(engine, 1, chosen)["demand_id"][0]
    page = open_screen(f"{screens}/?language=English")
    search(page, "Search", chosen.lower())
    expect(page.get_by_text("Achievements (1)")).to_be_visible()
    expect(page.get_by_text(f"{demand_id} ·")).to_be_visible()
    search(page, "Search", "no such achievement")
    expect(page.get_by_text(say("filter.nothing", "en"))).to_be_visible()


def test_an_achievement_without_demands_says_so(screens: str, engine: Engine, open_screen: Open) -> None:
    listed = reverse.best_achievements(engine, 1)["achievement_id"]
    without = next(each for each in (f"CG2026{number:03}" for number in range(1, 201)) if each not in listed)
    page = open_screen(screens)
    search(page, "查找", without)
    expect(page.get_by_text(say("matches.no_demand"))).to_be_visible()
    expect(page.get_by_text(f"{without} ·")).to_be_visible()


def expected(engine: Engine, language: str = "zh_CN") -> pl.DataFrame:
    return near_misses(engine, datetime.now(ZoneInfo("Asia/Shanghai")).date(), language)


def test_near_misses_are_counted_narrowed_down_and_opened(screens: str, engine: Engine, open_screen: Open) -> None:
    found = expected(engine)
    dear = found.filter(condition="price")
    page = open_screen(f"{screens}/near-misses")
    conditions = page.get_by_test_id("stButtonGroup").filter(has_text="全部")
    expect(conditions.get_by_text(f"全部 {found.height} 对")).to_be_visible()
    conditions.get_by_text(re.compile(rf"^价格.* {dear.height} 对$")).click()
    settled(page)
    expect(page.get_by_text(say("near.count", shown=dear.height, total=found.height))).to_be_visible()
    choose_row(page, 2)
    row = dear.row(2, named=True)
    expect(page.get_by_test_id("stText").get_by_text(row["change"], exact=True)).to_be_visible()
    expect(page.get_by_text(say("near.demand_says", said=row["demand_says"]), exact=True)).to_be_visible()
    expect(page.get_by_text(f"{row['demand_id']} ·")).to_be_visible()
    expect(page.get_by_text(f"{row['achievement_id']} ·")).to_be_visible()
    search(page, "查找", row["achievement_id"])
    left = dear.filter(achievement_id=row["achievement_id"]).height
    expect(page.get_by_text(say("near.count", shown=left, total=found.height))).to_be_visible()


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_the_file_has_all_of_the_filter(screens: str, engine: Engine, open_screen: Open, language: str) -> None:
    found = expected(engine, language)
    page = open_screen(f"{screens}/near-misses?language={'English' if language == 'en' else '中文'}")
    search(page, say("filter.search", language), found["institute"][0])
    with page.expect_download() as download:
        page.get_by_role("button", name=say("near.download", language)).click()
    content = Path(download.value.path()).read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    table = pl.read_csv(BytesIO(content))
    left = found.filter(institute=found["institute"][0])
    assert table[say("column.change", language)].to_list() == left["change"].to_list()
    assert table[say("column.achievement_id", language)].to_list() == left["achievement_id"].to_list()


def test_an_empty_ledger_says_what_to_do(tmp_path: Path, chromium: Browser, open_screen: Open) -> None:
    with two_screens(f"sqlite:///{tmp_path / 'empty.sqlite'}", tmp_path) as address:
        for screen in ("", "near-misses"):
            page = open_screen(f"{address}/{screen}")
            expect(page.get_by_text(say("review.empty"))).to_be_visible()
