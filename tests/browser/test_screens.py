"""Every screen in both languages, empty and filled; what must never be: a traceback, words of the other language."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable

import pytest
from browser import settled
from playwright.sync_api import Page, expect

Open = Callable[..., Page]
SCREENS = ("", "matches", "find", "near-misses", "upload", "lists", "fields", "deals", "statistics")
LANGUAGE = {"zh_CN": "中文", "en": "English"}
# Names, units and chart axes that are the same in both languages; the menu is the server's own.
LATIN = re.compile(r"[A-Za-z]{4,}")
ALLOWED = {"English", "xlsx"}
HAN = re.compile("[\u4e00-\u9fff]+")

pytestmark = pytest.mark.browser


def healthy(page: Page) -> None:
    settled(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)


@pytest.mark.parametrize("language", LANGUAGE)
def test_screens_of_an_empty_ledger_say_what_to_do_next(empty_server: str, open_screen: Open, language: str) -> None:
    """In the language of the screen alone."""
    page = open_screen(empty_server)
    for path in SCREENS:
        page.goto(f"{empty_server}/{path}?language={LANGUAGE[language]}")
        healthy(page)
        expect(page.get_by_test_id("stAlert").first).to_be_visible()
        told = page.get_by_test_id("stMain").inner_text()
        foreign = set(LATIN.findall(told)) - ALLOWED if language == "zh_CN" else set(HAN.findall(told))
        assert foreign == set(), path


@pytest.mark.parametrize("language", LANGUAGE)
def test_screens_with_records(sample_server: str, open_screen: Open, language: str) -> None:
    """One after the other by the menu, as one goes through them."""
    page = open_screen(f"{sample_server}/?language={LANGUAGE[language]}")
    menu = page.get_by_test_id("stSidebar")
    links = menu.get_by_role("link")
    expect(links).to_have_count(len(SCREENS))
    for link, path in enumerate(SCREENS):
        links.nth(link).click()
        page.wait_for_url(re.compile(f"^{re.escape(sample_server)}/{path}($|[?])"))
        healthy(page)
        expect(menu.get_by_role("radio", name=LANGUAGE[language])).to_be_checked()


def test_the_server_listens_on_one_address_alone(sample_server: str) -> None:
    port = int(sample_server.rpartition(":")[2])
    socket.create_connection(("127.0.0.1", port), timeout=5).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=5)


def test_the_language_follows_to_every_screen(sample_server: str, open_screen: Open) -> None:
    page = open_screen(sample_server)
    page.get_by_test_id("stSidebar").get_by_text("English", exact=True).click()
    expect(page.get_by_role("button", name="Accept A", exact=True)).to_be_visible()
    settled(page)
    expect(page.get_by_role("combobox", name="Field")).to_have_value("All fields")
    page.get_by_test_id("stSidebar").get_by_role("link", name="Lists").click()
    expect(page.get_by_role("combobox", name="Standing")).to_have_value("All")
    page.get_by_test_id("stSidebar").get_by_role("link", name="Upload").click()
    expect(page.get_by_text("Upload demands")).to_be_visible()


def test_a_filter_lives_in_the_address(sample_server: str, open_screen: Open) -> None:
    page = open_screen(f"{sample_server}/lists?q=轴承")
    healthy(page)
    expect(page.get_by_text(re.compile(r"^\d+ / 60 条$"))).to_be_visible()
    count = page.get_by_text(re.compile(r"^\d+ / 60 条$")).inner_text()
    assert 1 <= int(count.split(" ")[0]) < 10


def test_search_without_a_result_says_so(sample_server: str, open_screen: Open) -> None:
    page = open_screen(f"{sample_server}/?q=没有这样的需求")
    healthy(page)
    expect(page.get_by_text("没有符合条件的记录")).to_be_visible()
