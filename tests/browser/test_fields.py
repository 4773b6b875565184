"""The fields: look through a taxonomy, open the records of a node, correct one, hand it back to the program."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from browser import duijie, served, settled
from choices import choose_from
from places import SAMPLES
from playwright.sync_api import Browser, Locator, Page, expect

Open = Callable[..., Page]

pytestmark = pytest.mark.browser

COUNT = re.compile(r"^(\d+) / 60 条$")
STRATEGIC = "战略性新兴产业分类（2018）"
CHINESE = re.compile(r"[\u3400-\u9fff]")
# Height of a row of the tables, and a place in the column of boxes that select one.
ROW, BOX = 31, 15


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[str]:
    """The screens on the samples in a ledger of its own: what is corrected here changes what others would see."""
    folder = tmp_path_factory.mktemp("fields")
    ledger = f"sqlite:///{folder / 'ledger.sqlite'}"
    duijie("load", str(SAMPLES / "demands.xlsx"), "--as", "demands", ledger=ledger)
    duijie("load", str(SAMPLES / "achievements.csv"), "--as", "achievements", ledger=ledger)
    with served(ledger, folder / "server.log") as address:
        yield address


def choose(page: Page, label: str, option: str) -> None:
    """An option of the first list of choices with that label: the filter's stands above the form's."""
    choose_from(page.get_by_role("combobox", name=label, exact=True).first, option)


def cells(page: Page) -> list[str]:
    """The first column of the first table, of the rows in sight: a canvas holds its texts for screen readers."""
    column = page.get_by_test_id("stDataFrame").first.locator("td[aria-colindex='1']")
    column.first.wait_for(state="attached")
    return column.all_text_contents()


def click_row(page: Page, text: str) -> None:
    """The box in front of a row of the first table."""
    settled(page)
    canvas = page.get_by_test_id("data-grid-canvas").first
    row = [cell.strip() for cell in cells(page)].index(text)
    canvas.scroll_into_view_if_needed()
    place = canvas.bounding_box()
    assert place is not None
    page.mouse.click(place["x"] + BOX, place["y"] + ROW * (row + 1.5))
    settled(page)


def count(page: Page) -> int:
    """How many demands the filter leaves."""
    settled(page)
    shown = COUNT.match(page.get_by_text(COUNT).inner_text())
    assert shown is not None
    return int(shown[1])


def chosen(page: Page) -> Locator:
    """What the form says of the record: the names of its fields in a row."""
    return page.get_by_test_id("stMultiSelect").get_by_role("group", name="Selected values")


def test_a_taxonomy_is_looked_through(own_server: str, open_screen: Open) -> None:
    page = open_screen(f"{own_server}/fields")
    expect(page.locator(".js-plotly-plot .slice").first).to_be_visible()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    assert cells(page)[:2] == ["四大新业态", "　数字"]
    choose(page, "分类体系", STRATEGIC)
    expect(page.locator(".js-plotly-plot").get_by_text(STRATEGIC)).to_be_visible()
    assert cells(page)[:2] == ["新一代信息技术", "　下一代信息网络"]
    click_row(page, "高端装备制造")
    expect(page.get_by_text("智能制造装备、航空装备、卫星及应用、轨道交通装备和海洋工程装备")).to_be_visible()
    click_row(page, "轨道交通装备")
    expect(page.get_by_text(re.compile(r"^种子词 \d+ 个："))).to_be_visible()


def test_the_records_of_a_node_are_opened(own_server: str, open_screen: Open) -> None:
    page = open_screen(f"{own_server}/fields")
    choose(page, "分类体系", STRATEGIC)
    click_row(page, "高端装备制造")
    page.get_by_role("button", name="技术需求", exact=True).click()
    expect(page.get_by_text(COUNT)).to_be_visible()
    settled(page)
    expect(page.get_by_role("combobox", name="分类体系", exact=True).first).to_have_value(STRATEGIC)
    expect(page.get_by_role("combobox", name="领域", exact=True)).to_have_value("高端装备制造")
    assert 0 < count(page) < 60
    settled(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_corrected_field_is_what_the_filter_goes_by(own_server: str, open_screen: Open) -> None:
    page = open_screen(f"{own_server}/lists")
    old, new = "创意设计", "养老托育"
    choose(page, "领域", new)
    of_new = count(page)
    choose(page, "领域", old)
    of_old = count(page)
    record = cells(page)[0]

    click_row(page, record)
    expect(page.get_by_role("button", name="交还程序判定")).to_be_disabled()
    expect(chosen(page)).to_have_text(old)
    form = page.get_by_role("combobox", name="正确的领域")
    choose_from(form, new)
    form.press("Escape")
    chosen(page).get_by_role("button", name=re.compile(old)).click()
    settled(page)
    expect(chosen(page)).to_have_text(new)
    page.get_by_role("button", name="保存更正").click()
    expect(page.get_by_text("已保存。更正优先于程序的判定")).to_be_visible()
    assert count(page) == of_old - 1
    assert record not in cells(page)
    choose(page, "领域", new)
    assert count(page) == of_new + 1
    assert record in cells(page)

    click_row(page, record)
    expect(page.get_by_text("已保存。更正优先于程序的判定")).to_have_count(0)
    expect(chosen(page)).to_have_text(new)
    page.get_by_role("button", name="交还程序判定").click()
    expect(page.get_by_text("已交还程序判定。")).to_be_visible()
    assert count(page) == of_new
    assert record not in cells(page)
    choose(page, "领域", old)
    assert count(page) == of_old
    assert record in cells(page)


def test_the_fields_in_english(own_server: str, open_screen: Open) -> None:
    page = open_screen(f"{own_server}/fields?language=English")
    settled(page)
    main = page.get_by_test_id("stMain")
    expect(main.get_by_role("heading", name="Fields", exact=True)).to_be_visible()
    expect(page.locator(".js-plotly-plot .slice").first).to_be_visible()
    words = [*main.get_by_role("button").all_inner_texts(), *main.get_by_role("heading").all_inner_texts()]
    assert "Fields" in words
    assert not [word for word in words if CHINESE.search(word)]
    first = "Four new forms of business"
    assert cells(page)[0] == first
    headings = page.get_by_test_id("stDataFrame").locator("th").all_text_contents()
    assert headings
    assert not [heading for heading in headings if CHINESE.search(heading)]
    main.get_by_role("button", name="Demands", exact=True).click()
    expect(main.get_by_role("heading", name="Lists", exact=True)).to_be_visible()
    settled(page)
    expect(page.get_by_role("combobox", name="Field", exact=True)).to_have_value(first)
