"""A demand is typed on the screen, and what fits it listed, opened and narrowed down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from browser import served, settled
from playwright.sync_api import Browser, Page, expect
from records import listed

from matching.ledger.database import open_ledger
from matching.pipeline import find, load, loaded
from matching.ranking.finding import Catalogue
from matching.wording import say

Open = Callable[..., Page]

pytestmark = pytest.mark.browser

TITLE: Final = "大豆蛋白低温提取"
PROBLEM: Final = "得率低，蛋白易变性"


@pytest.fixture(scope="module")
def catalogue(sample_ledger: Path) -> Catalogue:
    engine = open_ledger(f"sqlite:///{sample_ledger}")
    found = loaded(engine)
    engine.dispose()
    return found


def write(page: Page, title: str) -> None:
    """Type a title as a person does, and leave it at that."""
    page.get_by_role("textbox", name=say("find.demand_title")).press_sequentially(title)


def test_the_list_follows_what_is_typed(sample_server: str, catalogue: Catalogue, open_screen: Open) -> None:
    page = open_screen(f"{sample_server}/find")
    expect(page.get_by_text(say("find.hint"))).to_be_visible()
    write(page, TITLE)
    alone = find(catalogue, TITLE, 10).row(0, named=True)
    expect(page.get_by_text(f"{alone['achievement_id']} ·")).to_be_visible()
    expect(page.get_by_text(f"{alone['score']:.4f}", exact=True)).to_be_visible()
    page.get_by_role("textbox", name=say("find.demand_problem")).fill(PROBLEM)
    page.get_by_role("button", name=say("find.find"), exact=True).click()
    whole = find(catalogue, f"{TITLE}\n{PROBLEM}", 10).row(0, named=True)
    expect(page.get_by_text(f"{whole['score']:.4f}", exact=True)).to_be_visible()
    expect(page.locator("mark").first).to_be_visible()
    assert f"{alone['score']:.4f}" != f"{whole['score']:.4f}"


def test_another_row_is_opened(sample_server: str, catalogue: Catalogue, open_screen: Open) -> None:
    page = open_screen(f"{sample_server}/find")
    write(page, TITLE)
    found = find(catalogue, TITLE, 10)
    expect(page.get_by_text(f"{found['achievement_id'][0]} ·")).to_be_visible()
    settled(page)
    page.wait_for_timeout(500)
    box = page.get_by_test_id("stDataFrame").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 16, box["y"] + 32 + 31 * 2 + 15)
    expect(page.get_by_text(f"{found['achievement_id'][2]} ·")).to_be_visible()


def test_what_says_nothing_is_told_so_in_english(sample_server: str, open_screen: Open) -> None:
    page = open_screen(f"{sample_server}/find?language=English")
    page.get_by_role("textbox", name=say("find.demand_title", "en")).press_sequentially("？！")
    expect(page.get_by_text(say("find.nothing", "en"))).to_be_visible()


def test_an_empty_ledger_says_what_to_load(empty_server: str, open_screen: Open) -> None:
    page = open_screen(f"{empty_server}/find")
    expect(page.get_by_text(say("find.empty"))).to_be_visible()


HOSTILE: Final = "![x](https://example.invalid/x.png) <img src=x onerror=alert(1)> 大豆 **蛋白** 提取"


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[str]:
    """The screens on three achievements, one of them with a hostile title."""
    folder = tmp_path_factory.mktemp("three")
    engine = open_ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
    titles = (HOSTILE, "寒区混凝土外加剂", "碳纤维复合材料板")
    rows = ({"achievement_id": f"A{place}", "title": title, "institute": "甲所"} for place, title in enumerate(titles))
    load(engine, listed("achievements", *rows), "甲")
    engine.dispose()
    with served(f"sqlite:///{folder / 'ledger.sqlite'}", folder / "server.log") as address:
        yield address


def test_three_achievements_are_enough_and_titles_stay_text(three: str, open_screen: Open) -> None:
    page = open_screen(f"{three}/find")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    write(page, "大豆蛋白")
    expect(page.locator(".record h4")).to_have_text(HOSTILE)
    assert [url for url in asked if "example.invalid" in url] == []
