"""A working day: upload two lists, match, read why, decide, undo, see the deal, the figures and the report."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from browser import settled
from places import SAMPLES
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from python_calamine import CalamineWorkbook

Open = Callable[..., Page]

pytestmark = pytest.mark.browser


def go(page: Page, name: str) -> None:
    page.get_by_test_id("stSidebar").get_by_role("link", name=name, exact=True).click()
    settled(page)


def press(page: Page, key: str) -> None:
    """A key, once the page has come to rest: a press while it runs is lost, as it is for a person."""
    settled(page)
    page.keyboard.press(key)


def upload(page: Page, path: Path) -> None:
    page.locator("input[type=file]").set_input_files(path)


def switch_to_achievements(page: Page) -> None:
    """Choose the other list. Just after a load a click is now and then lost on a busy machine: it is made again."""
    shown = page.get_by_text("上传成果目录").first
    for _ in range(3):
        page.get_by_role("radio", name="科技成果").click()
        try:
            shown.wait_for(timeout=10_000)
            break
        except PlaywrightTimeout:
            settled(page)
    expect(shown).to_be_visible()
    settled(page)


def metric(page: Page, name: str) -> int:
    box = page.get_by_test_id("stMetric").filter(has_text=re.compile(f"^{name}"))
    return int(box.get_by_test_id("stMetricValue").inner_text().replace(",", ""))


def test_a_working_day(empty_server: str, open_screen: Open, tmp_path: Path) -> None:
    page = open_screen(empty_server)
    expect(page.get_by_text("还没有可审阅的候选")).to_be_visible()

    go(page, "上传")
    upload(page, SAMPLES / "demands.xlsx")
    expect(page.get_by_text("载入后：新增 60")).to_be_visible()
    page.get_by_role("button", name="载入台账").click()
    expect(page.get_by_text("读到 60 行；新增 60")).to_be_visible()
    settled(page)
    switch_to_achievements(page)
    upload(page, SAMPLES / "achievements.csv")
    expect(page.get_by_text("载入后：新增 200")).to_be_visible()
    page.get_by_role("button", name="载入台账").click()
    expect(page.get_by_text("读到 200 行；新增 200")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="开始匹配").click()
    expect(page.get_by_text("匹配完成：600 个候选")).to_be_visible(timeout=60_000)

    go(page, "统计")
    assert metric(page, "候选") == 600
    assert metric(page, "已审阅") == 0

    go(page, "审阅")
    expect(page.get_by_text("已审 0 / 600")).to_be_visible()
    expect(page.locator(".record mark").first).to_be_visible()
    tables = page.locator("table.why")
    assert tables.count() == 2, "the score's parts and the similarity's"
    for table in tables.all():
        numbers = [float(cell) for cell in table.locator("td.number").all_inner_texts()]
        assert sum(numbers[:-1]) == pytest.approx(numbers[-1], abs=0.0001 * len(numbers))
    expect(page.get_by_role("option").first).to_have_attribute("aria-selected", "true")

    press(page, "a")
    latest = page.locator(".recent .plain").first
    expect(latest).to_contain_text("已接受：")
    expect(page.get_by_text("已审 1 / 600")).to_be_visible()
    press(page, "2")
    expect(latest).to_contain_text("已拒绝（对象或材料不符）：")
    expect(page.get_by_text("已审 2 / 600")).to_be_visible()
    press(page, "z")
    expect(page.get_by_text("已审 1 / 600")).to_be_visible()
    expect(latest).to_contain_text("已接受：")

    go(page, "成交")
    assert metric(page, "已推荐") == 1
    expect(page.get_by_text("1 号：")).to_be_visible()
    page.get_by_role("button", name="记录").click()
    expect(page.get_by_test_id("stMetric").filter(has_text="已联系").get_by_text("1")).to_be_visible()

    go(page, "统计")
    assert metric(page, "已审阅") == 1
    assert metric(page, "已接受") == 1
    with page.expect_download() as waiting:
        page.get_by_role("button", name="工作簿").click()
    report = tmp_path / "report.xlsx"
    waiting.value.save_as(report)
    rows = CalamineWorkbook.from_path(str(report)).get_sheet_by_name("漏斗").to_python()[1:]
    funnel = {step: count for step, count, *_ in rows}
    assert funnel["需求"] == metric(page, "需求") == 60
    assert funnel["候选"] == metric(page, "候选") == 600
    assert funnel["已审阅"] == 1
    assert funnel["已接受"] == 1
    assert funnel["已联系"] == 1
