"""Whose session ends, or whose account is disabled, in the middle of something: a calm line, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser import settled
from playwright.sync_api import Page, expect
from review_desk import written

from matching.ledger.accounts import reset_password, set_disabled
from matching.ledger.database import open_ledger

Enter = Callable[..., Page]
PASSWORD = "a password of tests"  # noqa: S105
DISABLED = "该账号已停用。如需继续使用，请联系管理员。"
OVER = "登录已结束，请重新登录。"

pytestmark = pytest.mark.browser


@contextmanager
def disabled(ledger: str, name: str) -> Iterator[None]:
    engine = open_ledger(ledger)
    set_disabled(engine, name, "示例", disabled=True)
    try:
        yield
    finally:
        set_disabled(engine, name, "示例", disabled=False)
        engine.dispose()


def end_sessions(ledger: str, name: str) -> None:
    engine = open_ledger(ledger)
    reset_password(engine, name, PASSWORD, "示例")
    engine.dispose()


def says_so_alone(page: Page, told: str) -> None:
    """The line and the way in stand there, and nothing of what the screen showed; no error, no word of the server."""
    expect(page.get_by_test_id("stMain").get_by_text(told)).to_be_visible()
    expect(page.get_by_role("option")).to_have_count(0)
    expect(page.get_by_test_id("stPageLink")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlert")).to_have_count(1)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_test_id("stMain").get_by_role("link", name="登录")).to_be_visible()


def path_of(ledger: str) -> Path:
    return Path(ledger.removeprefix("sqlite:///"))


@pytest.mark.parametrize("key", ["a", "j"])
def test_at_the_desk(shared_server: str, shared_ledger: str, enter: Enter, key: str) -> None:
    """The desk runs by itself: a decision is refused in its callback, a step when it is drawn."""
    page = enter(f"{shared_server}/?q=XQ2026020", "甲经理")
    settled(page)
    with disabled(shared_ledger, "甲经理"):
        page.keyboard.press(key)
        says_so_alone(page, DISABLED)
    assert written(path_of(shared_ledger), "XQ2026020") == []


def test_in_a_menu_of_the_desk(shared_server: str, shared_ledger: str, enter: Enter) -> None:
    page = enter(f"{shared_server}/?q=XQ2026021", "甲经理")
    settled(page)
    page.get_by_role("button", name="需求 1 条").click()
    claim = page.get_by_role("button", name="领取 1 条")
    expect(claim).to_be_enabled()
    settled(page)
    end_sessions(shared_ledger, "甲经理")
    claim.click()
    says_so_alone(page, OVER)
    again = enter(f"{shared_server}/?q=XQ2026021", "甲经理")
    settled(again)
    expect(again.get_by_text("由 甲经理 负责")).to_have_count(0)


def test_in_a_form_of_a_whole_page(shared_server: str, shared_ledger: str, enter: Enter) -> None:
    page = enter(f"{shared_server}/accounts", "管理员")
    settled(page)
    page.get_by_role("textbox", name="账号").fill("没有这个人")
    page.get_by_role("textbox", name="账号").press("Tab")
    settled(page)
    end_sessions(shared_ledger, "管理员")
    page.get_by_role("button", name="添加账号").click()
    says_so_alone(page, OVER)
    again = enter(f"{shared_server}/accounts", "管理员")
    settled(again)
    again.get_by_role("combobox", name="账号").click()
    expect(again.get_by_role("option", name="甲经理")).to_be_visible()
    expect(again.get_by_role("option", name="没有这个人")).to_have_count(0)
