"""The commands about accounts, and what `duijie serve --shared` asks for before it starts."""

from __future__ import annotations

import io
from dataclasses import dataclass

import pytest
from sqlalchemy import Engine

from matching.cli import main
from matching.ledger.accounts import all_accounts
from matching.ledger.logins import log_in, viewer_of_session
from matching.settings import Settings

PASSWORD = "a password of tests"  # noqa: S105
SECRET = "0123456789abcdef" * 2


@dataclass(frozen=True)
class Said:
    code: object
    out: str
    err: str


class Run:
    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.capsys = capsys
        self.monkeypatch = monkeypatch

    def __call__(self, *arguments: str, typed: str = "") -> Said:
        self.monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as done:
            main(arguments)
        told = self.capsys.readouterr()
        return Said(done.value.code, told.out, told.err)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, ledger: Engine) -> Run:
    return Run(capsys, monkeypatch)


def add(run: Run, name: str, *options: str, password: str = PASSWORD) -> Said:
    return run("account", "add", name, *options, "--password-stdin", typed=f"{password}\n")


def test_an_account_is_added_and_can_log_in(run: Run, ledger: Engine) -> None:
    said = add(run, "周某", "--role", "institute", "--institute", "示例研究所", "--email", "zhou@example.invalid")
    assert (said.code, said.out.strip()) == (0, "已添加账号“周某”（院所）")
    assert viewer_of_session(ledger, log_in(ledger, "周某", PASSWORD).token).organisation == "示例研究所"
    assert run("account", "list").out == "周某\t院所\t示例研究所\tzhou@example.invalid\t启用\n"


def test_the_password_is_asked_for_twice(run: Run, ledger: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter((PASSWORD, PASSWORD + "?", PASSWORD, PASSWORD))
    monkeypatch.setattr("click.termui.hidden_prompt_func", lambda _prompt: next(typed))
    said = run("account", "add", "周某", "--role", "agent")
    assert (said.code, "两次输入的密码不同" in said.err) == (2, True)
    assert run("account", "add", "周某", "--role", "agent").code == 0
    assert log_in(ledger, "周某", PASSWORD)


def test_disabling_enabling_and_a_new_password(run: Run, ledger: Engine) -> None:
    add(run, "管理员", "--role", "admin")
    add(run, "周某", "--role", "agent")
    assert run("account", "disable", "周某").out.strip() == "已停用账号“周某”"
    assert all_accounts(ledger)["disabled"].to_list() == [True, False]
    assert run("account", "enable", "周某").code == 0
    assert run("account", "reset", "周某", "--password-stdin", typed="another password\n").code == 0
    assert log_in(ledger, "周某", "another password")
    said = run("account", "disable", "管理员")
    assert (said.code, "最后一个可用的管理员" in said.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "password", "said"),
    [
        (("周某", "--role", "agent"), "short", "密码应为 10 到 200 个字符"),
        (("周某", "--role", "institute"), PASSWORD, "要填写院所名称"),
        (("周某", "--role", "agent", "--email", "nobody"), PASSWORD, "不是邮箱地址"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(
    run: Run, ledger: Engine, arguments: tuple[str, ...], password: str, said: str
) -> None:
    told = add(run, *arguments, password=password)
    assert (told.code, said in told.err) == (2, True)
    assert all_accounts(ledger).is_empty()


def test_without_accounts_the_list_says_how_to_add_one(run: Run) -> None:
    assert "duijie account add" in run("account", "list").out
    assert "duijie account list" in run("account", "disable", "周某").err


def test_an_identity_provider_needs_no_passwords(run: Run, ledger: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUIJIE_LOGIN", "oidc")
    assert run("account", "add", "周某", "--role", "agent", "--email", "zhou@example.invalid").code == 0
    assert all_accounts(ledger)["email"].to_list() == ["zhou@example.invalid"]


def test_help_is_in_the_language_asked_for(run: Run) -> None:
    assert "列出全部账号。" in run("account", "--help").out
    assert "List all accounts." in run("--language", "en", "account", "--help").out
    assert "Of an institute's account" in run("--language", "en", "account", "add", "--help").out
    assert "cli." not in run("account", "add", "--help").out


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, 'login = "accounts"'),
        ({"LOGIN": "accounts"}, "duijie account add"),
        ({"LOGIN": "oidc"}, "oidc_metadata_url、oidc_client_id、oidc_client_secret、oidc_redirect_uri、cookie_secret"),
        ({"LOGIN": "oidc", "COOKIE_SECRET": "short"}, "cookie_secret 太短"),
        ({"LOGIN": "oidc", "COOKIE_SECRET": SECRET}, "duijie account add"),
    ],
)
def test_sharing_is_refused_until_somebody_can_log_in(
    run: Run, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], said: str
) -> None:
    if "COOKIE_SECRET" in settings:
        for name in ("METADATA_URL", "CLIENT_ID", "CLIENT_SECRET", "REDIRECT_URI"):
            monkeypatch.setenv(f"DUIJIE_OIDC_{name}", "https://provider.invalid")
    for name, value in settings.items():
        monkeypatch.setenv(f"DUIJIE_{name}", value)
    told = run("serve", "--shared")
    assert (told.code, said in told.err) == (2, True)


def test_an_address_is_for_sharing_alone(run: Run) -> None:
    told = run("serve", "--address", "0.0.0.0")  # noqa: S104
    assert (told.code, "--shared" in told.err) == (2, True)


def test_host_names_are_listed_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUIJIE_ALLOWED_HOSTS", "duijie.example.cn, 10.0.0.5")
    assert Settings().allowed_hosts == ("duijie.example.cn", "10.0.0.5")


def test_secrets_are_not_shown() -> None:
    assert SECRET not in repr(Settings(oidc_client_secret=SECRET, cookie_secret=SECRET))
