"""What the rules say of a deal, on its page: a fact is stated, a rule is met, a wrong amount is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from agreed import advance, open_deals
from browser import served, settled
from choices import choose_from
from playwright.sync_api import Browser, Locator, Page, expect
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from matching.ledger.database import open_ledger, reading
from matching.ledger.tables import deal_statement

Open = Callable[..., Page]
RULE = "省属院所成果转化奖励"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def signed_ledger(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two deals, of which the second is signed."""
    ledger = f"sqlite:///{tmp_path_factory.mktemp('policy') / 'ledger.sqlite'}"
    engine = open_ledger(ledger)
    open_deals(engine)
    advance(engine, 2, "signed", "甲", seen=2)
    engine.dispose()
    return ledger


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, signed_ledger: str, chromium: Browser) -> Iterator[str]:
    with served(signed_ledger, tmp_path_factory.mktemp("log") / "server.log") as address:
        yield address


def stated(ledger: str) -> list[tuple[str, str]]:
    """Every entry of facts: name and value."""
    engine = open_ledger(ledger)
    with reading(engine) as connection:
        rows = connection.execute(
            select(deal_statement.c.name, deal_statement.c.value).order_by(deal_statement.c.entry_id)
        ).all()
    engine.dispose()
    return [tuple(row) for row in rows]


def rule_of(part: Locator) -> Locator:
    """The rule's name and result, and the lines under it."""
    return part.get_by_test_id("stElementContainer").filter(has_text=RULE).first


def opened(page: Page) -> Locator:
    """What the rules say of deal 2, opened."""
    page.locator(".st-key-deal_board button").filter(has_text="大豆蛋白").press("Enter")
    settled(page)
    part = page.get_by_test_id("stExpander").filter(has_text="政策条款与金额")
    part.locator("summary").click()
    expect(part.get_by_text(RULE)).to_be_visible()
    return part


def test_a_fact_that_is_stated_once_makes_a_rule_met(
    server: str, signed_ledger: str, open_screen: Open, tmp_path: Path
) -> None:
    page = open_screen(f"{server}/deals")
    part = opened(page)
    expect(rule_of(part)).to_contain_text("待填报")
    part.get_by_role("textbox", name="转化净收入（元）").fill("十万")
    part.get_by_role("button", name="保存填报").click()
    settled(page)
    expect(page.get_by_text("“转化净收入（元）”要填金额")).to_be_visible()
    # What is opened while the page is still being drawn is closed by it.
    settled(page)
    assert stated(signed_ledger) == []

    # It is still open.
    choose_from(part.get_by_role("combobox", name="卖方为省属院校院所"), "是")
    part.get_by_role("textbox", name="转化净收入（元）").fill("100000.50")
    part.get_by_role("button", name="保存填报").dblclick()
    settled(page)
    expect(rule_of(part)).to_contain_text("符合")
    expect(part.get_by_text("70,000.35")).to_be_visible()
    assert stated(signed_ledger) == [("seller_provincial", "yes"), ("net_income", "100000.50")]

    with page.expect_download() as waiting:
        part.get_by_role("button", name="下载政策单").click()
    waiting.value.save_as(tmp_path / "policy.xlsx")
    book = CalamineWorkbook.from_path(tmp_path / "policy.xlsx")
    rows = book.get_sheet_by_name(book.sheet_names[1]).to_python()
    assert any(row[0] == RULE and 70000.35 in row for row in rows), rows

    # What is stated is there after the page is opened anew; emptied, it is taken back.
    page.reload()
    settled(page)
    part = opened(page)
    expect(part.get_by_role("textbox", name="转化净收入（元）")).to_have_value("100000.50")
    part.get_by_role("textbox", name="转化净收入（元）").fill("")
    part.get_by_role("button", name="保存填报").click()
    settled(page)
    assert stated(signed_ledger)[2:] == [("net_income", "")]
