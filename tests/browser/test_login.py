"""Logging in to the shared screens: local accounts, the way out, and an identity provider."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from browser import open_page, settled
from playwright.sync_api import Browser, Page, expect

from matching.errors import NotPermitted
from matching.ledger.accounts import reset_password, set_disabled
from matching.ledger.database import open_ledger
from matching.ledger.logins import log_in
from matching.ledger.passwords import login_rules

Enter = Callable[..., Page]
PASSWORD = "a password of tests"  # noqa: S105

pytestmark = pytest.mark.browser


def test_the_screens_ask_for_a_login_and_go_on_to_what_was_asked_for(shared_server: str, enter: Enter) -> None:
    page = enter(f"{shared_server}/lists?q=轴承", "甲经理")
    settled(page)
    expect(page).to_have_url(re.compile(r"/lists\?"))
    expect(page.get_by_text(re.compile(r"^\d+ / 60 条$"))).to_be_visible()
    expect(page.get_by_text("账号：甲经理（技术经理人）")).to_be_visible()


def test_the_login_speaks_english_too(shared_server: str, chromium: Browser) -> None:
    page = open_page(chromium, shared_server)
    page.get_by_role("link", name="English").click()
    page.get_by_label("Account").fill("甲经理")
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong. Try again.")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    settled(page)
    expect(page.get_by_text("Account: 甲经理 (Transfer agent)")).to_be_visible()
    page.context.close()


def test_the_login_works_without_scripts(shared_server: str, chromium: Browser) -> None:
    context = chromium.new_context(locale="zh-CN", java_script_enabled=False)
    page = context.new_page()
    page.goto(shared_server)
    page.get_by_label("账号").fill("甲经理")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    [cookie] = [each for each in context.cookies() if each["name"] == "duijie"]
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
    context.close()


def test_a_locked_name_is_told_so(shared_server: str, shared_ledger: str, enter: Enter) -> None:
    engine = open_ledger(shared_ledger)
    for _ in range(login_rules().failures):
        with pytest.raises(NotPermitted):
            log_in(engine, "乙经理", PASSWORD + "?")
    engine.dispose()
    page = enter(shared_server, "乙经理")
    expect(page.get_by_role("alert")).to_contain_text("该账号名输错次数过多，请过 15 分钟再试。")


def test_logging_out_ends_the_session_for_every_window(shared_server: str, enter: Enter) -> None:
    page = enter(shared_server, "甲经理")
    settled(page)
    token = next(each["value"] for each in page.context.cookies() if each["name"] == "duijie")
    other = page.context.new_page()
    other.goto(f"{shared_server}/lists")
    settled(other)
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_role("button", name="登录")).to_be_visible()
    assert [each for each in page.context.cookies() if each["name"] == "duijie"] == []
    # The other window still runs: its next step finds no session.
    other.get_by_text("English", exact=True).click()
    expect(other.get_by_text("The login has ended. Please log in again.")).to_be_visible()
    # Nor is the token good for anything once more.
    page.context.add_cookies([{"name": "duijie", "value": token, "url": shared_server}])
    page.goto(shared_server)
    expect(page.get_by_role("alert")).to_have_text("登录已结束，请重新登录。")


def test_a_disabled_account_sees_nothing_at_its_next_action(
    shared_server: str, shared_ledger: str, enter: Enter
) -> None:
    page = enter(shared_server, "示例研究所")
    settled(page)
    engine = open_ledger(shared_ledger)
    try:
        set_disabled(engine, "示例研究所", "示例", disabled=True)
        page.get_by_test_id("stSidebar").get_by_role("link", name="清单").click()
        expect(page.get_by_text("该账号已停用。")).to_be_visible()
        settled_without_menu(page)
        expect(page.get_by_test_id("stPageLink")).to_have_count(0)
        page.get_by_role("link", name="登录").click()
        expect(page.get_by_role("alert")).to_contain_text("该账号已停用。")
    finally:
        set_disabled(engine, "示例研究所", "示例", disabled=False)
        engine.dispose()
    # Enabled again, but its old session has ended.
    page.goto(shared_server)
    expect(page.get_by_role("alert")).to_have_text("登录已结束，请重新登录。")


def test_a_new_password_ends_the_sessions(shared_server: str, shared_ledger: str, enter: Enter) -> None:
    page = enter(shared_server, "主管处")
    settled(page)
    engine = open_ledger(shared_ledger)
    reset_password(engine, "主管处", PASSWORD + " 2", "示例")
    page.goto(shared_server)
    expect(page.get_by_role("alert")).to_have_text("登录已结束，请重新登录。")
    reset_password(engine, "主管处", PASSWORD, "示例")
    engine.dispose()


def settled_without_menu(page: Page) -> None:
    page.wait_for_function("""() => document.querySelector("[data-testid=stApp]")
        .getAttribute("data-test-script-state") === "notRunning\"""")


def through_provider(chromium: Browser, address: str, user: str) -> Page:
    page = open_page(chromium, address)
    expect(page.get_by_text("请先登录。")).to_be_visible()
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(re.compile("/oauth2/authorize"))
    page.locator(f"button[name=sub][value={user}]").click()
    return page


def test_an_identity_provider_names_the_account_by_its_address(oidc_server: str, chromium: Browser) -> None:
    page = through_provider(chromium, oidc_server, "known")
    settled(page)
    expect(page.get_by_text("账号：甲经理（技术经理人）")).to_be_visible()
    page.get_by_role("button", name="退出登录").click()
    # The provider is told as well.
    page.get_by_role("button", name="End session").click()
    expect(page.get_by_text("请先登录。")).to_be_visible()
    page.context.close()


@pytest.mark.parametrize(
    ("user", "said"),
    [("stranger", "没有对应的账号。请联系本单位的对接管理员"), ("unverified", "还没有经过身份认证服务验证")],
)
def test_whom_the_provider_does_not_vouch_for_sees_whom_to_ask(
    oidc_server: str, chromium: Browser, user: str, said: str
) -> None:
    page = through_provider(chromium, oidc_server, user)
    expect(page.get_by_text(said)).to_be_visible()
    expect(page.get_by_test_id("stPageLink")).to_have_count(0)
    page.context.close()
