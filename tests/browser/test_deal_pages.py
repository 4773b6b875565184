"""The deals screen: a deal is signed, paid, documented; what is missing is told; the board and the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from agreed import advance, open_deals
from browser import served, settled
from choices import choose_from
from playwright.sync_api import Browser, Page, expect

from matching.ledger.database import open_ledger
from matching.ledger.withdrawal import withdraw

Open = Callable[..., Page]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[str]:
    """The screens on two deals, of which the second is signed."""
    folder = tmp_path_factory.mktemp("deals")
    ledger = f"sqlite:///{folder / 'ledger.sqlite'}"
    engine = open_ledger(ledger)
    open_deals(engine)
    advance(engine, 2, "signed", "甲", seen=2)
    withdraw(engine, "achievements", "A2", "甲", "专利失效")
    engine.dispose()
    with served(ledger, folder / "server.log") as address:
        yield address


def field(page: Page, label: str, text: str) -> None:
    page.get_by_role("textbox", name=label, exact=True).first.fill(text)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()
    settled(page)


def choose(page: Page, label: str, option: str) -> None:
    choose_from(page.get_by_role("combobox", name=label).first, option)


def count(page: Page, state: str) -> str:
    box = page.get_by_test_id("stMetric").filter(has_text=state)
    return box.get_by_test_id("stMetricValue").inner_text()


def test_a_deal_is_signed_with_what_it_needs(server: str, open_screen: Open) -> None:
    page = open_screen(f"{server}/deals")
    expect(page.get_by_text("提醒 2 项")).to_be_visible()
    assert (count(page, "已推荐"), count(page, "已签约")) == ("1", "1")
    page.locator(".st-key-deal_board button").filter(has_text="碳纤维板").press("Enter")
    settled(page)
    choose(page, "下一状态", "已签约")
    field(page, "合同总额（万元）", "十来万")
    press(page, "记录")
    expect(page.get_by_text("“十来万”不是一个确定的金额")).to_be_visible()
    field(page, "合同总额（万元）", "12.345678")
    press(page, "记录")
    expect(page.get_by_text("这个状态需要合同类型")).to_be_visible()
    expect(page.get_by_text("这个状态需要签约日期")).to_be_visible()
    choose(page, "合同类型", "技术许可")
    day = page.get_by_test_id("stDateInput").filter(has_text="签约日期").first
    day.get_by_role("spinbutton").first.click()
    page.keyboard.type("20260301")
    page.keyboard.press("Tab")
    press(page, "记录")
    expect(page.get_by_text("已记录。")).to_be_visible()
    assert (count(page, "已推荐"), count(page, "已签约")) == ("0", "2")
    expect(page.locator(".deal-timeline")).to_contain_text("合同总额（万元）为 12.345678")

    field(page, "到款金额（万元）", "5000.55元")
    press(page, "记到款")
    expect(page.get_by_text("到款：1 笔，合计 0.500055 万元")).to_be_visible()
    field(page, "到款金额（万元）", "13")
    press(page, "记到款")
    expect(page.get_by_text("到款合计将超过合同总额")).to_be_visible()

    field(page, "文件名称", '<img src="http://example.invalid/a.png"> 合同')
    field(page, "链接或共享路径", "javascript:alert(1)")
    press(page, "加入文件")
    expect(page.get_by_text("链接要以")).to_be_visible()
    field(page, "链接或共享路径", "https://example.invalid/a.pdf")
    press(page, "加入文件")
    expect(page.get_by_role("link", name="打开")).to_have_attribute("href", "https://example.invalid/a.pdf")
    expect(page.locator(".deal-timeline")).to_contain_text("<img src=")


def test_the_table_and_the_filters_in_english(server: str, open_screen: Open) -> None:
    page = open_screen(f"{server}/deals?language=English")
    expect(page.get_by_text("Reminders: ")).to_be_visible()
    page.get_by_role("radio", name="Table").click()
    settled(page)
    expect(page.get_by_test_id("stDataFrame").nth(1)).to_be_visible()
    field(page, "Search", "大豆")
    page.keyboard.press("Enter")
    settled(page)
    expect(page.get_by_text("No. 2: 大豆蛋白 — 蛋白").last).to_be_visible()
    expect(page.get_by_text("A2 withdrawn")).to_be_visible()
    field(page, "Search", "没有这个")
    page.keyboard.press("Enter")
    settled(page)
    expect(page.get_by_test_id("stAlert")).to_be_visible()
