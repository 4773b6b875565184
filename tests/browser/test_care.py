"""What goes wrong in a day: the wrong file, the key pressed twice, two windows on one pair."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from browser import settled
from places import SAMPLES
from playwright.sync_api import Page, expect

Open = Callable[..., Page]

pytestmark = pytest.mark.browser

WRONG = {
    "notes.docx": (b"PK\x03\x04", "不认识的文件类型“.docx”"),
    "empty.csv": (b"", "文件是空的"),
    "no-title.csv": ("编号,单位名称\n1,示例甲公司\n".encode(), "第 1 行“需求名称”列：找不到这一列"),
    "no-rows.csv": ("需求名称,单位名称\n".encode(), "第 1 行表头之后没有数据"),
    "long.csv": (f"需求名称,主要问题\n示例,{'长' * 20_001}\n".encode(), "1 行中有 1 处有误"),
    "not-a-workbook.xlsx": (b"<html></html>", "内容是网页"),
}


def test_wrong_files_are_refused_and_change_nothing(empty_server: str, open_screen: Open, tmp_path: Path) -> None:
    page = open_screen(f"{empty_server}/upload")
    for name, (content, message) in WRONG.items():
        path = tmp_path / name
        path.write_bytes(content)
        page.locator("input[type=file]").set_input_files(path)
        expect(page.get_by_test_id("stAlert").filter(has_text=message)).to_be_visible()
        # A file of which no row can be taken is shown with its wrong places; there is nothing to load.
        expect(page.locator("button:enabled", has_text="载入台账")).to_have_count(0)
        settled(page)
    expect(page.get_by_text("还没有上传过文件。")).to_be_visible()


def test_loading_twice_changes_nothing(empty_server: str, open_screen: Open) -> None:
    page = open_screen(f"{empty_server}/upload")
    for expected in ("新增 60，更新 0，未变 0", "新增 0，更新 0，未变 60"):
        page.locator("input[type=file]").set_input_files(SAMPLES / "demands.csv")
        expect(page.get_by_text(f"载入后：{expected}")).to_be_visible()
        settled(page)
        page.get_by_role("button", name="载入台账").dblclick()
        expect(page.get_by_text(f"读到 60 行；{expected}")).to_be_visible()
        settled(page)


def test_a_key_pressed_twice_decides_one_pair_at_a_time(sample_server: str, open_screen: Open) -> None:
    page = open_screen(f"{sample_server}/?q=XQ2026010")
    listed = page.get_by_role("listbox", name="候选成果")
    # Before the list is drawn there is nothing that a key could decide.
    expect(listed.get_by_role("option", selected=True)).to_have_count(1)
    page.keyboard.press("1")
    page.keyboard.press("1")
    settled(page)
    # The second press goes to the next pair; it never doubles one.
    expect(listed.get_by_text("已拒绝")).to_have_count(2)
    expect(listed.get_by_role("option", selected=True)).to_have_count(1)
    expect(listed.get_by_role("option", selected=True)).not_to_contain_text("已拒绝")
    expect(page.get_by_text("已审 2 / 10")).to_be_visible()


def test_two_windows_on_one_pair(sample_server: str, open_screen: Open) -> None:
    first, second = (open_screen(f"{sample_server}/?q=XQ2026011") for _ in range(2))
    first.keyboard.press("a")
    expect(first.locator(".recent .plain").first).to_contain_text("已接受：")
    # The latest decisions are buttons as well, and one of them may name this reason.
    second.locator(".bar").get_by_role("button", name="问题不同").click()
    expect(second.get_by_text("你的决定没有写入")).to_be_visible()
    expect(second.get_by_role("listbox", name="候选成果").get_by_text("已接受")).to_be_visible()


def test_markup_in_a_catalogue_is_shown_as_text(empty_server: str, open_screen: Open, tmp_path: Path) -> None:
    requests: list[str] = []
    page = open_screen(f"{empty_server}/upload")
    page.on("request", lambda request: requests.append(request.url))
    title = '<img src="http://example.invalid/a.png"> ![x](http://example.invalid/b.png) 轴承'
    for name, heading in (("demands", "需求名称"), ("achievements", "成果名称")):
        path = tmp_path / f"{name}.csv"
        path.write_text(f'{heading}\n"{title.replace(chr(34), chr(34) * 2)}"\n', encoding="utf-8")
        page.goto(f"{empty_server}/upload" + ("" if name == "demands" else "?kind=科技成果"))
        settled(page)
        page.locator("input[type=file]").set_input_files(path)
        page.get_by_role("button", name="载入台账").click()
        expect(page.get_by_text("读到 1 行；新增 1")).to_be_visible()
        settled(page)
    page.get_by_role("button", name="开始匹配").click()
    expect(page.get_by_text("匹配完成：1 个候选")).to_be_visible(timeout=60_000)
    page.goto(empty_server)
    settled(page)
    expect(page.locator(".record h4").first).to_contain_text("<img src=")
    expect(page.get_by_role("listbox", name="候选成果")).to_contain_text("<img src=")
    expect(page.get_by_role("listbox", name="候选成果")).to_contain_text("![x](http")
    expect(page.locator("img")).to_have_count(0)
    assert not [url for url in requests if "example.invalid" in url]
