"""An official and an agent at the statistics of three years: a period, a moment, a crossing, rows behind it, files."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import pytest
from browser import served, settled
from choices import choose_from
from lively_ledger import lively_ledger
from playwright.sync_api import Browser, Locator, Page, expect
from python_calamine import CalamineWorkbook

from matching.ledger.accounts import add_account
from matching.ledger.catalogue import current_records
from matching.ledger.database import open_ledger

Enter = Callable[..., Page]

PASSWORD = "a password of tests"  # noqa: S105
# A row that the samples have candidates of each visibility in, and the only column that candidates are in.
FIELD, QUARTER = "医药", "2024Q1"
NOT_SHOWN = "未显示"

pytestmark = pytest.mark.browser


class Office(NamedTuple):
    address: str
    ledger: Path


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, sample_ledger: Path, chromium: Browser) -> Iterator[Office]:
    """The shared screens on three years of deals."""
    folder = tmp_path_factory.mktemp("office")
    path = folder / "ledger.sqlite"
    lively_ledger(sample_ledger, path)
    engine = open_ledger(f"sqlite:///{path}")
    for name, role in (("管理员", "admin"), ("主管处", "official"), ("甲经理", "agent")):
        add_account(engine, name, role, "示例", password=PASSWORD)
    engine.dispose()
    options = {"DUIJIE_LOGIN": "accounts", "DUIJIE_ALLOWED_HOSTS": "127.0.0.1"}
    with served(f"sqlite:///{path}", folder / "server.log", "--shared", **options) as address:
        yield Office(address, path)


def signed(ledger: Path, condition: str) -> str:
    """How many contracts there are, counted by the database itself."""
    with closing(sqlite3.connect(ledger)) as connection:
        query = f"SELECT count(DISTINCT deal_id) FROM deal_terms WHERE {condition}"  # noqa: S608
        return str(connection.execute(query).fetchone()[0])


def demands(ledger: Path, visibility: str) -> set[str]:
    engine = open_ledger(f"sqlite:///{ledger}")
    found = current_records(engine, "demands", ["demand_id", "visibility"])
    engine.dispose()
    return set(found.filter(visibility=visibility)["demand_id"])


def figure(page: Page, name: str) -> Locator:
    return page.get_by_test_id("stMetric").filter(has_text=name).get_by_test_id("stMetricValue")


def choose(page: Page, label: str, option: str) -> None:
    choose_from(page.get_by_role("combobox", name=label), option)


def enter_moment(page: Page, label: str, digits: str) -> None:
    """Fill a field of a day or a moment; it is taken over when it is left."""
    page.get_by_role("spinbutton", name=f"year, {label}").click()
    page.keyboard.type(digits, delay=20)
    page.get_by_role("heading", name="统计").click()
    settled(page)


def part(page: Page, name: str) -> None:
    # A table below the edge of the screen is not drawn.
    page.set_viewport_size({"width": 1440, "height": 1800})
    page.get_by_test_id("stButtonGroup").get_by_role("radio", name=name).click()
    settled(page)


def cells(table: Locator) -> list[list[str]]:
    """The rows of a table that are on the screen: the canvas keeps them as a table for those who do not see."""
    expect(table.locator("[role=gridcell]").first).to_be_attached()
    rows = table.locator("tbody tr").all()
    return [row.locator("[role=gridcell]").all_inner_texts() for row in rows]


def open_candidates(page: Page) -> Locator:
    """Cross field and quarter, and open the candidates of a field: the table of the rows behind them."""
    part(page, "交叉")
    choose(page, "指标", "候选")
    grid = page.get_by_test_id("stDataFrame").first
    shown = cells(grid)
    assert all(len(row) == 2 for row in shown), "one quarter alone"
    number = [row[0] for row in shown].index(FIELD)
    # The chart above it is drawn after the script has ended.
    page.wait_for_timeout(700)
    place = grid.bounding_box()
    assert place is not None
    # All rows are there, as high as the headings.
    page.mouse.click(place["x"] + place["width"] - 60, place["y"] + place["height"] / (len(shown) + 1) * (number + 1.5))
    settled(page)
    behind = page.get_by_test_id("stDataFrame").nth(1)
    expect(page.get_by_text(f"候选：{FIELD}、{QUARTER}")).to_be_visible()
    return behind


def test_an_official_looks_back_and_behind_the_figures(office: Office, enter: Enter) -> None:
    page = enter(office.address, "主管处")
    settled(page)
    expect(page.get_by_text("漏斗", exact=True)).to_be_visible()
    expect(figure(page, "已签约")).to_have_text(signed(office.ledger, "signed_on IS NOT NULL"))
    choose(page, "期间", "自定")
    for label, day in (("自", "20250101"), ("至", "20251231")):
        enter_moment(page, label, day)
    of_the_year = signed(office.ledger, "signed_on BETWEEN '2025-01-01' AND '2025-12-31'")
    expect(figure(page, "已签约")).to_have_text(of_the_year)

    # Noon in the ledger's zone.
    enter_moment(page, "统计时点", "202506301200")
    then = "signed_on >= '2025-01-01' AND at <= '2025-06-30T04:00:00.000+00:00'"
    assert signed(office.ledger, then) not in (of_the_year, "0")
    expect(figure(page, "已签约")).to_have_text(signed(office.ledger, then))
    expect(page.get_by_text("截至 2025-06-30 12:00")).to_be_visible()
    assert "as_of=2025-06-30T12" in page.url
    page.reload()
    settled(page)
    expect(figure(page, "已签约")).to_have_text(signed(office.ledger, then))
    expect(page.get_by_text("截至 2025-06-30 12:00")).to_be_visible()

    page.goto(office.address)
    settled(page)
    rows = cells(open_candidates(page))
    expect(page.get_by_text("显示 16 条；其余涉及不公开的需求")).to_be_visible()
    seen = {row[2]: row[4] for row in rows}
    anonymous, private = (demands(office.ledger, each) for each in ("anonymous", "private"))
    assert not seen.keys() & private
    assert {seen[each] for each in seen.keys() & anonymous} == {""}
    assert any(seen[each] for each in seen.keys() - anonymous)


def test_an_agent_is_shown_all_of_it(office: Office, enter: Enter) -> None:
    page = enter(f"{office.address}/statistics", "甲经理")
    settled(page)
    rows = cells(open_candidates(page))
    expect(page.get_by_text("22 条", exact=True)).to_be_visible()
    assert {row[2] for row in rows} & demands(office.ledger, "private")
    assert all(row[3] and row[4] for row in rows)


def test_small_counts_are_hidden_from_the_official_alone(office: Office, enter: Enter) -> None:
    for name in ("主管处", "甲经理"):
        # The page of figures is the official's first, and not the agent's.
        page = enter(office.address if name == "主管处" else f"{office.address}/statistics", name)
        settled(page)
        part(page, "交叉")
        counts = {count for row in cells(page.get_by_test_id("stDataFrame").first) for count in row[1:]}
        assert (NOT_SHOWN in counts, bool({"1", "2"} & counts)) == (
            (True, False) if name == "主管处" else (False, True)
        )


def test_the_files_hold_what_the_screen_shows(office: Office, enter: Enter, tmp_path: Path) -> None:
    page = enter(office.address, "主管处")
    settled(page)
    accepted = figure(page, "已接受").inner_text()

    def downloaded(button: str, number: int = 0) -> Path:
        with page.expect_download(timeout=60_000) as waiting:
            page.get_by_role("button", name=button, exact=True).nth(number).click()
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        return path

    book = CalamineWorkbook.from_path(downloaded("工作簿"))
    funnel = book.get_sheet_by_name(book.sheet_names[1]).to_python()
    assert ["已接受", float(accepted)] in [row[:2] for row in funnel]
    with ZipFile(downloaded("全部 CSV")) as archive:
        names = archive.namelist()
        assert len(names) == len(book.sheet_names) - 1
        assert any(NOT_SHOWN in archive.read(name).decode("utf-8-sig") for name in names)
    assert f"\n已接受,{accepted}," in downloaded("下载 CSV").read_text(encoding="utf-8-sig").replace("\r", "")
    printed = downloaded("可打印网页").read_text(encoding="utf-8")
    assert "<td>已接受</td>" in printed.replace(' class="text"', "")
    assert NOT_SHOWN in printed
