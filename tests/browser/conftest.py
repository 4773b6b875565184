"""Real Chromium on real screens. Elsewhere than in CI these tests are left out where there is no Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copyfile

import pytest
from browser import browser, chinese_font, chromium_path, open_page, served, settled
from playwright.sync_api import Browser, Page, expect

Open = Callable[..., Page]

# Two browsers and two servers may share two cores.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if chromium_path() is None or not chinese_font():
        pytest.skip("needs Chromium and a Chinese font: apt-get install chromium fonts-noto-cjk")
    with browser() as started:
        yield started


@pytest.fixture
def empty_server(tmp_path: Path, chromium: Browser) -> Iterator[str]:
    """The screens on an empty ledger."""
    with served(f"sqlite:///{tmp_path / 'ledger.sqlite'}", tmp_path / "server.log") as address:
        yield address


@pytest.fixture(scope="module")
def sample_server(tmp_path_factory: pytest.TempPathFactory, sample_ledger: Path, chromium: Browser) -> Iterator[str]:
    """The screens on the samples, matched."""
    folder = tmp_path_factory.mktemp("served")
    copyfile(sample_ledger, folder / "ledger.sqlite")
    ledger = f"sqlite:///{folder / 'ledger.sqlite'}"
    with served(ledger, folder / "server.log") as address:
        yield address


@pytest.fixture
def open_screen(chromium: Browser) -> Iterator[Open]:
    """Open an address in a context of its own; a script error in the page fails the test."""
    errors: list[str] = []
    pages: list[Page] = []

    def open_(address: str) -> Page:
        page = open_page(chromium, address)
        page.on("pageerror", lambda error: errors.append(str(error)))
        pages.append(page)
        settled(page)
        return page

    yield open_
    for page in pages:
        page.context.close()
    assert not errors
