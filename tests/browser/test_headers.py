"""What protects the browser: headers of every answer, and texts of a catalogue that neither run nor fetch anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import polars as pl
import pytest
from browser import duijie, served, settled
from playwright.sync_api import Browser, Page, expect

Open = Callable[..., Page]
HOSTILE = (
    "轴承<script>window.ran = 1; alert(1)</script><img src=http://example.invalid/a.png onerror=alert(2)>"
    "![x](http://example.invalid/b.png) [y](http://example.invalid/c) [z](javascript:alert(3)) "
    "<a href=javascript:alert(4)>w</a> :material/home: $x$ <svg onload=alert(5)>"
)
HEADINGS = {
    "demands": "需求名称,单位名称,主要问题,联系人,所在地",
    "achievements": "成果名称,单位名称,成果简介,联系人,应用领域",
}

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def hostile_server(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[str]:
    """A ledger whose every text tries to run and to fetch something."""
    folder = tmp_path_factory.mktemp("hostile")
    ledger = f"sqlite:///{folder / 'ledger.sqlite'}"
    for kind, headings in HEADINGS.items():
        path = folder / f"{kind}.csv"
        names = headings.split(",")
        pl.DataFrame({name: [HOSTILE, f"{HOSTILE}2"] for name in names}).write_csv(path)
        duijie("load", str(path), "--as", kind, ledger=ledger)
    duijie("match", ledger=ledger)
    with served(ledger, folder / "server.log") as address:
        yield address


def answer(address: str, host: str | None = None) -> tuple[int, dict[str, str]]:
    request = Request(address, headers={"Host": host} if host else {})  # noqa: S310
    try:
        with urlopen(request, timeout=10) as found:  # noqa: S310
            return found.status, {name.lower(): value for name, value in found.headers.items()}
    except HTTPError as error:
        return error.code, {name.lower(): value for name, value in error.headers.items()}


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/static/none.js", "/media/none"])
def test_every_answer_has_the_headers(hostile_server: str, path: str) -> None:
    _, headers = answer(hostile_server + path)
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert {"referrer-policy", "permissions-policy", "cross-origin-opener-policy"} <= headers.keys()


def test_other_host_names_are_refused(hostile_server: str) -> None:
    assert answer(hostile_server, "example.invalid")[0] == 400
    assert answer(hostile_server, "localhost")[0] == 200


def test_texts_of_a_catalogue_neither_run_nor_fetch(hostile_server: str, open_screen: Open) -> None:
    page = open_screen(hostile_server)
    requests: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda message: said.append(message.text))
    for path in ("", "lists", "lists?kind=科技成果", "deals"):
        if path == "deals":
            page.goto(hostile_server)
            settled(page)
            page.keyboard.press("a")
            expect(page.get_by_text("已接受").first).to_be_visible()
            settled(page)
        page.goto(f"{hostile_server}/{path}")
        settled(page)
        # A picture that cannot be had calls its handler a little later.
        page.wait_for_timeout(300)
        assert page.evaluate("window.ran") is None, path
        assert page.locator("[href^='javascript:'], img[src*='example.invalid']").count() == 0, path
        assert page.locator("script:not([src])").count() == 1, path
    local = (hostile_server, hostile_server.replace("http", "ws", 1), "data:", "blob:")
    assert [url for url in requests if not url.startswith(local)] == []
    # Streamlit asks below the page's own path first; nothing else may be complained of.
    assert [text for text in said if "404" not in text] == []


def test_the_policy_lets_the_screens_work(hostile_server: str, open_screen: Open) -> None:
    page = open_screen(hostile_server)
    refused: list[str] = []
    page.on("console", lambda message: "Content Security Policy" in message.text and refused.append(message.text))
    for path in ("statistics", "upload", "fields"):
        page.goto(f"{hostile_server}/{path}")
        settled(page)
        page.wait_for_timeout(500)
    assert refused == []


def test_a_script_put_into_the_page_is_refused_by_the_policy(hostile_server: str, open_screen: Open) -> None:
    page = open_screen(hostile_server)
    page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "window.ran = 1";
        document.body.append(script);
    }""")
    assert page.evaluate("window.ran") is None


def test_the_measures_do_not_hinder_files(hostile_server: str, open_screen: Open, tmp_path: Path) -> None:
    page = open_screen(f"{hostile_server}/upload")
    with page.expect_download() as found:
        page.get_by_test_id("stDownloadButton").first.locator("button").click()
    found.value.save_as(tmp_path / "template.xlsx")
    assert (tmp_path / "template.xlsx").read_bytes().startswith(b"PK")
