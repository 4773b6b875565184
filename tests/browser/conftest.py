"""Real Chromium on real screens. Elsewhere than in CI these tests are left out where there is no Chromium."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copyfile
from urllib.request import urlopen

import pytest
from browser import browser, chinese_font, chromium_path, free_port, open_page, served, settled
from playwright.sync_api import Browser, Page, expect

from matching.ledger.accounts import add_account
from matching.ledger.database import open_ledger

Open = Callable[..., Page]
Enter = Callable[..., Page]

PASSWORD = "a password of tests"  # noqa: S105
# Role, institute and address by name.
ACCOUNTS = {
    "甲经理": ("agent", "", "agent@example.invalid"),
    "乙经理": ("agent", "", ""),
    "示例研究所": ("institute", "示例研究所", ""),
    "主管处": ("official", "", ""),
    "管理员": ("admin", "", "admin@example.invalid"),
}

# Two browsers and two servers may share two cores.
expect.set_options(timeout=30_000)


# Not for the session: while it is open its event loop runs, and files that run one of their own come between.
@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def shared_ledger(tmp_path_factory: pytest.TempPathFactory, sample_ledger: Path, chromium: Browser) -> str:
    """The samples, matched, and an account of every role."""
    path = tmp_path_factory.mktemp("shared") / "ledger.sqlite"
    copyfile(sample_ledger, path)
    engine = open_ledger(f"sqlite:///{path}")
    for name, (role, institute, email) in ACCOUNTS.items():
        add_account(engine, name, role, "示例", institute=institute, email=email, password=PASSWORD)
    engine.dispose()
    return f"sqlite:///{path}"


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory, shared_ledger: str) -> Iterator[str]:
    """The shared screens with local accounts."""
    log = tmp_path_factory.mktemp("log") / "server.log"
    with served(shared_ledger, log, "--shared", DUIJIE_LOGIN="accounts", DUIJIE_ALLOWED_HOSTS="127.0.0.1") as address:
        yield address


@pytest.fixture(scope="module")
def identity_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An identity provider that knows two people, one of whom has an account; the address of its metadata."""
    port = free_port()
    users = [
        {"sub": "known", "email": "Agent@example.invalid", "email_verified": True},
        {"sub": "unverified", "email": "admin@example.invalid", "email_verified": False},
        {"sub": "stranger", "email": "stranger@example.invalid"},
    ]
    command = [str(Path(sys.executable).with_name("oidc-provider-mock")), "--port", str(port)]
    command += [part for user in users for part in ("--user-claims", json.dumps(user))]
    log = tmp_path_factory.mktemp("provider") / "provider.log"
    with log.open("wb") as output:
        provider = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            metadata = f"http://127.0.0.1:{port}/.well-known/openid-configuration"
            _wait_for(metadata)
            yield metadata
        finally:
            provider.terminate()
            provider.wait(timeout=20)


@pytest.fixture(scope="module")
def oidc_server(tmp_path_factory: pytest.TempPathFactory, shared_ledger: str, identity_provider: str) -> Iterator[str]:
    """The shared screens with an identity provider."""
    port = free_port()
    options = {
        "DUIJIE_LOGIN": "oidc",
        "DUIJIE_OIDC_METADATA_URL": identity_provider,
        "DUIJIE_OIDC_CLIENT_ID": "duijie",
        "DUIJIE_OIDC_CLIENT_SECRET": "secret of the tests",
        "DUIJIE_OIDC_REDIRECT_URI": f"http://127.0.0.1:{port}/oauth2callback",
        "DUIJIE_COOKIE_SECRET": "0123456789abcdef" * 4,
    }
    log = tmp_path_factory.mktemp("log") / "server.log"
    with served(shared_ledger, log, "--shared", port=port, **options) as address:
        yield address


@pytest.fixture
def enter(chromium: Browser) -> Iterator[Enter]:
    """Log in to shared screens in a context of its own; a script error in the page fails the test."""
    errors: list[str] = []
    pages: list[Page] = []

    def enter_(address: str, name: str, password: str = PASSWORD) -> Page:
        page = open_page(chromium, address)
        page.on("pageerror", lambda error: errors.append(str(error)))
        pages.append(page)
        page.get_by_label("账号").fill(name)
        page.get_by_label("密码").fill(password)
        page.get_by_role("button", name="登录").click()
        return page

    yield enter_
    for page in pages:
        page.context.close()
    assert not errors


def _wait_for(address: str) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with urlopen(address, timeout=2):  # noqa: S310
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


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
