"""A day of every role, logged in: what each sees, what each does, and that a change of role takes effect at once."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from browser import settled
from choices import choose_from
from playwright.sync_api import Page, expect
from sqlalchemy import select

from matching.ledger.accounts import change_role
from matching.ledger.database import open_ledger, reading
from matching.ledger.tables import decision

Enter = Callable[..., Page]

pytestmark = pytest.mark.browser


def menu(page: Page) -> list[str]:
    settled(page)
    return page.get_by_test_id("stPageLink").all_inner_texts()


def test_an_agent_reviews_a_pair_in_its_own_name_and_goes(shared_server: str, shared_ledger: str, enter: Enter) -> None:
    page = enter(f"{shared_server}/?q=XQ2026012", "甲经理")
    assert "账号" not in menu(page)
    page.keyboard.press("a")
    expect(page.get_by_text("已接受").first).to_be_visible()
    settled(page)
    engine = open_ledger(shared_ledger)
    with reading(engine) as connection:
        made = connection.execute(select(decision.c.demand_id, decision.c.agent, decision.c.verdict)).all()
    engine.dispose()
    assert [tuple(row) for row in made] == [("XQ2026012", "甲经理", "accept")]
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_label("密码")).to_be_visible()


def test_an_institute_sees_its_pages_alone(shared_server: str, enter: Enter) -> None:
    page = enter(shared_server, "示例研究所")
    assert menu(page) == ["上传", "清单", "成交"]
    expect(page.get_by_text("账号：示例研究所（院所）")).to_be_visible()
    for path in ("review", "fields", "statistics", "accounts", "审阅"):
        page.goto(f"{shared_server}/{path}")
        settled(page)
        expect(page.get_by_text("没有这一页。")).to_be_visible()
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_an_official_sees_figures_first(shared_server: str, enter: Enter) -> None:
    page = enter(shared_server, "主管处")
    assert menu(page) == ["清单", "领域", "统计"]
    expect(page.get_by_test_id("stMain").get_by_text("漏斗", exact=True).first).to_be_visible()
    page.goto(f"{shared_server}/upload")
    settled(page)
    expect(page.get_by_text("没有这一页。")).to_be_visible()
    page.goto(f"{shared_server}/statistics")
    settled(page)
    expect(page.get_by_test_id("stMain").get_by_text("漏斗", exact=True).first).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_an_admin_adds_an_account_that_can_log_in_and_disables_it(shared_server: str, enter: Enter) -> None:
    page = enter(f"{shared_server}/accounts", "管理员")
    settled(page)
    page.get_by_role("textbox", name="账号").fill("新人")
    page.get_by_role("textbox", name="账号").press("Tab")
    settled(page)
    page.get_by_role("button", name="添加账号").click()
    expect(page.get_by_text("已添加账号“新人”。")).to_be_visible()
    settled(page)
    password = page.get_by_test_id("stCode").inner_text().strip()
    newcomer = enter(shared_server, "新人", password)
    settled(newcomer)
    expect(newcomer.get_by_text("账号：新人（技术经理人）")).to_be_visible()

    choose_from(page.get_by_role("combobox", name="账号"), "新人", exact=False)
    expect(page.get_by_test_id("stCode")).to_have_count(0)
    page.get_by_role("button", name="停用").click()
    expect(page.get_by_text("已停用账号“新人”")).to_be_visible()
    newcomer.get_by_test_id("stSidebar").get_by_role("link", name="清单").click()
    expect(newcomer.get_by_text("该账号已停用。")).to_be_visible()


def test_a_changed_role_takes_effect_at_the_next_step(shared_server: str, shared_ledger: str, enter: Enter) -> None:
    page = enter(f"{shared_server}/lists", "乙经理")
    assert "审阅" in menu(page)
    engine = open_ledger(shared_ledger)
    change_role(engine, "乙经理", "official", "示例")
    engine.dispose()
    page.get_by_test_id("stSidebar").get_by_role("link", name="领域").click()
    expect(page.get_by_text(re.compile("主管部门"))).to_be_visible()
    assert menu(page) == ["清单", "领域", "统计"]
