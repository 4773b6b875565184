"""The screens served and opened in a real browser: for the screenshots and for the browser tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, Page, sync_playwright

# The script has ended, and no other has begun for a quarter of a second; what the browser fetches and draws by itself
# after that, the desk among it, is drawn, so that keys are bound.
AT_REST = """() => {
    const app = document.querySelector("[data-testid=stApp]");
    const drawn = (part) => part.shadowRoot
        && [...part.shadowRoot.querySelectorAll(".desk .bar")].every((bar) => bar.firstChild);
    const whole = !document.querySelector("[data-testid=stSkeleton]")
        && [...document.querySelectorAll("[data-testid=stBidiComponentIsolated]")].every(drawn);
    if (!app || app.getAttribute("data-test-script-state") !== "notRunning" || !whole) {
        window.restingSince = undefined;
        return false;
    }
    window.restingSince ??= performance.now();
    return performance.now() - window.restingSince > 250;
}"""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_path() -> str | None:
    """Where the system's Chromium is; None when it has none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def chinese_font() -> str:
    """The first font that has Chinese characters; empty when there is none."""
    listing = shutil.which("fc-list")
    if listing is None:
        return ""
    return subprocess.run([listing, ":lang=zh-cn", "family"], capture_output=True, text=True, check=True).stdout.strip()


def duijie(*arguments: str, ledger: str, **environment: str) -> None:
    """Run a command of the program on a ledger. Raises `CalledProcessError` when it fails."""
    command = [sys.executable, "-m", "matching", *arguments]
    subprocess.run(command, env=_environment(ledger, environment), check=True, capture_output=True)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(ledger: str, log: Path, *options: str, port: int | None = None, **environment: str) -> Iterator[str]:
    """The screens on a port of this machine, a free one where none is given; yields their address.

    `options` are those of `duijie serve`.
    """
    port = port or free_port()
    command = [sys.executable, "-m", "matching", "serve", "--port", str(port), *options]
    with log.open("wb") as output:
        server = subprocess.Popen(command, env=_environment(ledger, environment), stdout=output, stderr=output)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(address, server, log)
            yield address
        finally:
            server.terminate()
            server.wait(timeout=20)


@contextmanager
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), headless=True, args=ARGUMENTS)
        try:
            yield chromium
        finally:
            chromium.close()


def open_page(chromium: Browser, address: str, width: int = 1440, height: int = 900) -> Page:
    """A page in a context of its own, in Chinese as the users' browsers are."""
    page = chromium.new_context(locale="zh-CN", viewport={"width": width, "height": height}).new_page()
    page.goto(address)
    return page


def settled(page: Page) -> None:
    """Wait until the page has run: it shows what the script put there, and runs no more."""
    page.get_by_test_id("stPageLink").first.wait_for(timeout=60_000)
    page.evaluate("() => { window.restingSince = undefined; }")
    page.wait_for_function(AT_REST, timeout=60_000)


def _environment(ledger: str, more: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "DUIJIE_DATABASE_URL": ledger, "DUIJIE_AGENT": "示例经理人", **more}


def _wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"the server stopped: {log.read_text(errors='replace')}")
        try:
            with urlopen(f"{address}/_stcore/health", timeout=2) as answer:  # noqa: S310
                if answer.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"the server did not answer: {log.read_text(errors='replace')}")
