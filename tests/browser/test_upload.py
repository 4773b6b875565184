"""The upload screen: every kept file in turn, columns corrected by hand, good rows alone, taking back, settling."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from browser import settled
from choices import choose_from
from places import ROOT, SAMPLES
from playwright.sync_api import Page, Position, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

Open = Callable[..., Page]
FILES = ROOT / "tests" / "files"
KIND = {"demands": "技术需求", "achievements": "科技成果"}
MOST_MEGABYTES = 500
# Once in a thousand times on a busy machine the uploader shows a file and the server is not told of it. Why is not
# known; the file chosen again is answered. More often than this it would be another fault.
MOST_PUT_AGAIN = 1

pytestmark = pytest.mark.browser


def memory_of_server(address: str) -> int:
    """Resident megabytes of the process that serves an address, the most it ever had."""
    port = address.rsplit(":", 1)[1]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (process / "cmdline").read_bytes().split(b"\0")
            if b"serve" in arguments and port.encode() in arguments:
                peak = re.search(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
                return int(peak[1]) // 1024 if peak else 0
        except (FileNotFoundError, ProcessLookupError):
            continue
    raise AssertionError(f"no server at {address}")


def choose(page: Page, kind: str) -> None:
    page.get_by_role("radio", name=KIND[kind]).click()
    settled(page)


def put(page: Page, path: Path) -> None:
    page.locator("input[type=file]").set_input_files(path)


def test_every_kept_file_is_answered_and_the_server_stays_small(
    empty_server: str, open_screen: Open, record_property: Callable[[str, object], None]
) -> None:
    kept = tomllib.loads((FILES / "outcomes.toml").read_text(encoding="utf-8"))["file"]
    assert len(kept) >= 60
    page = open_screen(f"{empty_server}/upload")
    main = page.get_by_test_id("stMain")
    wrong_answers = []
    put_again = []
    for kind in ("demands", "achievements"):
        choose(page, kind)
        for file in (each for each in kept if each["kind"] == kind):
            put(page, FILES / file["name"])
            # Every answer begins with the file's name, and where it is refused with its place.
            answer = main.get_by_text(re.compile(f"^{re.escape(file['name'])}( 第| 工作表|：)")).first
            try:
                answer.wait_for(timeout=30_000)
            except PlaywrightTimeoutError:
                put_again.append(file["name"])
                put(page, FILES / file["name"])
            expect(answer).to_be_visible(timeout=60_000)
            settled(page)
            read = answer.inner_text().startswith(f"{file['name']}：读到")
            if read == (file["outcome"] == "refused"):
                wrong_answers.append((file["name"], answer.inner_text()))
    peak = memory_of_server(empty_server)
    record_property("peak_megabytes", peak)
    record_property("put_again", put_again)
    sys.stdout.write(f"{len(kept)} files uploaded in turn: the server's memory was at most {peak} MB\n")
    assert wrong_answers == []
    assert len(put_again) <= MOST_PUT_AGAIN
    assert peak < MOST_MEGABYTES


def test_a_column_is_corrected_and_remembered(empty_server: str, open_screen: Open, tmp_path: Path) -> None:
    path = tmp_path / "名录.csv"
    path.write_text("第几项,我们叫它,说了什么\n1,寒地打捆机液压系统,零下30℃启动\n", encoding="utf-8")
    page = open_screen(f"{empty_server}/upload")
    choose(page, "achievements")
    institute = page.get_by_role("combobox", name="文件属于哪个单位")
    institute.fill("示例农机所")
    institute.press("Enter")
    settled(page)
    put(page, path)
    expect(page.get_by_test_id("stAlert").filter(has_text="找不到这一列")).to_be_visible()
    settled(page)
    choose_from(page.get_by_role("combobox", name="表头在第几行"), "第 1 行", exact=False)
    choose_column(page, row=1, name="名称")
    expect(page.get_by_text("载入后：新增 1")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="载入台账").click()
    expect(page.get_by_text("新增 1，更新 0")).to_be_visible()
    settled(page)
    put(page, path)
    expect(page.get_by_text("载入后：新增 0，更新 0，未变 1")).to_be_visible()


def choose_column(page: Page, row: int, name: str) -> None:
    """Choose a field in the table of columns: the third column of a row, from 0, below the heading."""
    table = page.get_by_test_id("stDataFrame").first
    page.wait_for_timeout(500)
    box = table.bounding_box()
    assert box is not None
    place = Position(x=box["width"] * 0.72, y=32 + 31 * row + 15)
    table.dblclick(position=place)
    page.keyboard.type(name)
    page.get_by_role("option", name=name, exact=True).click()
    page.keyboard.press("Enter")
    settled(page)


def test_good_rows_alone_then_taken_back(empty_server: str, open_screen: Open, tmp_path: Path) -> None:
    page = open_screen(f"{empty_server}/upload")
    choose(page, "achievements")
    put(page, FILES / "xlsx_amounts_wrong.xlsx")
    expect(page.get_by_text("3 行中有 3 处有误")).to_be_visible()
    settled(page)
    load = page.get_by_role("button", name="载入台账")
    expect(load).to_be_disabled()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="下载标注了错误的工作簿").click()
    target = tmp_path / "marked.xlsx"
    waiting.value.save_as(target)
    assert target.read_bytes()[:2] == b"PK"
    page.get_by_text("只载入无误的 2 条").click()
    settled(page)
    load.click()
    expect(page.get_by_text("新增 2，更新 0，未变 0，有误未载入 3")).to_be_visible()
    settled(page)
    history = page.get_by_test_id("stDataFrame").last
    page.wait_for_timeout(500)
    history.click(position={"x": 12, "y": 47})
    settled(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="下载原文件").click()
    waiting.value.save_as(target)
    assert target.read_bytes() == (FILES / "xlsx_amounts_wrong.xlsx").read_bytes()
    page.get_by_role("button", name="撤回上传 1").click()
    expect(page.get_by_text("上传 1 已撤回")).to_be_visible()


def test_missing_records_are_confirmed(empty_server: str, open_screen: Open, tmp_path: Path) -> None:
    lines = (SAMPLES / "achievements.csv").read_text(encoding="utf-8-sig").splitlines()
    page = open_screen(f"{empty_server}/upload")
    choose(page, "achievements")
    for name, kept in (("first.csv", lines[:6]), ("second.csv", lines[:5])):
        path = tmp_path / name
        path.write_text("\n".join(kept), encoding="utf-8")
        institute = page.get_by_role("combobox", name="文件属于哪个单位")
        institute.fill("省成果库")
        institute.press("Enter")
        settled(page)
        put(page, path)
        expect(page.get_by_role("button", name="载入台账")).to_be_enabled()
        settled(page)
        page.get_by_role("button", name="载入台账").click()
        expect(page.get_by_text(re.compile(f"{name}：读到"))).to_be_visible()
        settled(page)
    expect(page.get_by_text("最新文件中未见的记录 1")).to_be_visible()
    page.wait_for_timeout(500)
    page.get_by_test_id("stDataFrame").first.click(position={"x": 12, "y": 47})
    settled(page)
    page.get_by_role("button", name="不再有效（1）").click()
    expect(page.get_by_text("已确认 1 条")).to_be_visible()
    expect(page.get_by_text("最新文件中未见的记录")).to_have_count(0)
