"""Accounts and logins: what is kept, what is refused, when a session ends, and that an admin always stays."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, insert, select

from matching.errors import CallError, DuijieError, LedgerError, NotPermitted
from matching.ledger import passwords
from matching.ledger.accounts import (
    add_account,
    all_accounts,
    change_role,
    has_admin,
    newest_account,
    reset_password,
    set_disabled,
)
from matching.ledger.database import reading, writing
from matching.ledger.logins import log_in, log_out, viewer_of_email, viewer_of_session
from matching.ledger.rights import Viewer, as_viewer
from matching.ledger.tables import account, login_attempt, login_session
from matching.schema import ROLES

PASSWORD = "a password of tests"  # noqa: S105


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least work that argon2 can be asked for: most of these tests are not about how long it takes."""
    rules = replace(passwords.login_rules(), passes=1, memory_kibibytes=64, lanes=1)
    monkeypatch.setattr(passwords, "login_rules", lambda: rules)


@pytest.fixture
def admin(ledger: Engine) -> Engine:
    """A ledger with an admin and an agent."""
    add_account(ledger, "管理员", "admin", "示例", password=PASSWORD)
    add_account(ledger, "周某", "agent", "示例", email="Zhou@Example.invalid", password=PASSWORD)
    return ledger


def refused(action: Callable[[], object]) -> str:
    with pytest.raises(DuijieError) as error:
        action()
    return error.value.problems[0].key


def count(engine: Engine, table: object) -> int:
    with reading(engine) as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_accounts_are_listed_as_they_stand(admin: Engine) -> None:
    log_in(admin, "周某", PASSWORD)
    change_role(admin, "周某", "institute", "管理员", institute="示例研究所")
    listed = all_accounts(admin).to_dicts()
    assert [(each["name"], each["role"], each["organisation"], each["email"]) for each in listed] == [
        ("周某", "institute", "示例研究所", "zhou@example.invalid"),
        ("管理员", "admin", "", ""),
    ]
    assert listed[0]["last_login"] is not None
    assert listed[1]["last_login"] is None
    assert "password_hash" not in listed[0]


def test_the_ledger_keeps_neither_passwords_nor_tokens(admin: Engine) -> None:
    session = log_in(admin, "周某", PASSWORD)
    with reading(admin) as connection:
        kept = [*connection.execute(select(account)), *connection.execute(select(login_session))]
    assert PASSWORD not in str(kept)
    assert session.token not in str(kept)
    assert "$argon2id$" in str(kept)
    with reading(admin) as connection:
        assert "argon2" not in repr(newest_account(connection, "周某"))


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"name": " "}, "account.wrong_name"),
        ({"name": "a\nb"}, "account.wrong_name"),
        ({"name": "x" * 101}, "account.wrong_name"),
        ({"role": "chief"}, "account.wrong_role"),
        ({"role": "institute"}, "account.no_institute"),
        ({"password": "short"}, "account.password_length"),
        ({"password": "x" * 201}, "account.password_length"),
        ({"password": None}, "account.no_way_in"),
        ({"email": "nobody"}, "account.wrong_email"),
        ({"email": "a b@c"}, "account.wrong_email"),
        ({"name": "周某"}, "account.exists"),
        ({"name": " 周某 "}, "account.exists"),
        ({"email": "ZHOU@example.INVALID"}, "account.email_taken"),
    ],
)
def test_what_cannot_be_an_account_is_refused(admin: Engine, values: dict[str, str | None], key: str) -> None:
    before = count(admin, account)
    given: dict[str, object] = {"name": "新人", "role": "agent", "password": PASSWORD, **values}
    assert refused(lambda: add_account(admin, agent="管理员", **given)) == key  # type: ignore[arg-type]
    assert count(admin, account) == before


def test_a_right_password_begins_a_session(admin: Engine) -> None:
    session = log_in(admin, " 周某 ", PASSWORD)
    assert viewer_of_session(admin, session.token) == Viewer("周某", "agent")
    assert session.seconds == 12 * 3600
    assert log_in(admin, "周某", PASSWORD).token != session.token


@pytest.mark.parametrize(("name", "password"), [("周某", PASSWORD + "?"), ("nobody", PASSWORD), ("周某", ""), ("", "")])
def test_what_does_not_fit_is_refused_without_telling_why(admin: Engine, name: str, password: str) -> None:
    assert refused(lambda: log_in(admin, name, password)) == "login.wrong"


def test_an_account_without_a_password_cannot_be_logged_in_to_with_one(admin: Engine) -> None:
    add_account(admin, "无密码", "agent", "管理员", email="none@example.invalid")
    for password in ("", PASSWORD):
        assert refused(lambda password=password: log_in(admin, "无密码", password)) == "login.wrong"
    assert viewer_of_email(admin, "None@example.invalid").account == "无密码"


@pytest.mark.parametrize("name", ["周某", "nobody"])
def test_too_many_failures_lock_a_name(admin: Engine, name: str) -> None:
    failures = passwords.login_rules().failures
    for _ in range(failures):
        assert refused(lambda: log_in(admin, name, PASSWORD + "?")) == "login.wrong"
    assert refused(lambda: log_in(admin, name, PASSWORD)) == "login.locked"
    # What is tried meanwhile does not lengthen the wait.
    assert count(admin, login_attempt) == failures
    assert log_in(admin, "管理员", PASSWORD)


def test_the_lock_opens_with_time(admin: Engine) -> None:
    rules = passwords.login_rules()
    then = datetime.now(UTC) - timedelta(minutes=rules.lock_out_minutes, seconds=1)
    rows = [{"name": "周某", "succeeded": False, "at": then.isoformat(timespec="milliseconds")}] * rules.failures
    with writing(admin) as connection:
        connection.execute(insert(login_attempt), rows)
    assert log_in(admin, "周某", PASSWORD)


def test_a_success_forgives_the_failures_before_it(admin: Engine) -> None:
    for _ in range(2):
        for _ in range(passwords.login_rules().failures - 1):
            refused(lambda: log_in(admin, "周某", PASSWORD + "?"))
        assert log_in(admin, "周某", PASSWORD)


def test_many_tries_at_one_time_are_told_no_more_than_the_allowed_ones(admin: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: refused(lambda: log_in(admin, "周某", PASSWORD + "?")), range(16)))
    assert said.count("login.wrong") == passwords.login_rules().failures
    assert said.count("login.locked") == 16 - said.count("login.wrong")


def test_greater_parameters_are_taken_over_at_the_next_login(admin: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    # A password that is too short by now is still good for logging in.
    rules = replace(passwords.login_rules(), passes=2, minimum_characters=100)
    monkeypatch.setattr(passwords, "login_rules", lambda: rules)
    first = log_in(admin, "周某", PASSWORD)
    with reading(admin) as connection:
        standing = newest_account(connection, "周某")
    assert standing is not None
    assert ",t=2," in standing.password_hash
    log_in(admin, "周某", PASSWORD)
    assert count(admin, account) == 3
    assert viewer_of_session(admin, first.token).account == "周某"


def test_logging_out_ends_one_session(admin: Engine) -> None:
    first, second = (log_in(admin, "周某", PASSWORD).token for _ in range(2))
    for _ in range(2):
        log_out(admin, first)
    log_out(admin, "no such token")
    assert refused(lambda: viewer_of_session(admin, first)) == "login.over"
    assert viewer_of_session(admin, second).account == "周某"
    assert refused(lambda: viewer_of_session(admin, "no such token")) == "login.needed"


def test_a_session_ends_with_time(admin: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    token = log_in(admin, "周某", PASSWORD).token
    later = (datetime.now(UTC) + timedelta(hours=12, seconds=1)).isoformat(timespec="milliseconds")
    monkeypatch.setattr("matching.ledger.logins.now", lambda: later)
    assert refused(lambda: viewer_of_session(admin, token)) == "login.over"


def test_the_role_is_the_one_that_stands_now(admin: Engine) -> None:
    token = log_in(admin, "周某", PASSWORD).token
    change_role(admin, "周某", "institute", "管理员", institute="示例研究所")
    assert viewer_of_session(admin, token) == Viewer("周某", "institute", "示例研究所")
    change_role(admin, "周某", "official", "管理员")
    assert viewer_of_session(admin, token) == Viewer("周某", "official")


def test_disabling_ends_the_sessions_for_good(admin: Engine) -> None:
    token = log_in(admin, "周某", PASSWORD).token
    set_disabled(admin, "周某", "管理员", disabled=True)
    assert refused(lambda: viewer_of_session(admin, token)) == "login.disabled"
    assert refused(lambda: viewer_of_email(admin, "zhou@example.invalid")) == "login.disabled"
    assert refused(lambda: log_in(admin, "周某", PASSWORD)) == "login.disabled"
    assert refused(lambda: log_in(admin, "周某", PASSWORD + "?")) == "login.wrong"
    set_disabled(admin, "周某", "管理员", disabled=False)
    assert refused(lambda: viewer_of_session(admin, token)) == "login.over"
    assert log_in(admin, "周某", PASSWORD)


def test_a_new_password_ends_the_sessions(admin: Engine) -> None:
    token = log_in(admin, "周某", PASSWORD).token
    reset_password(admin, "周某", PASSWORD + " 2", "管理员")
    assert refused(lambda: viewer_of_session(admin, token)) == "login.over"
    assert refused(lambda: log_in(admin, "周某", PASSWORD)) == "login.wrong"
    assert log_in(admin, "周某", PASSWORD + " 2")


def test_the_last_enabled_admin_stays(admin: Engine) -> None:
    assert refused(lambda: set_disabled(admin, "管理员", "管理员", disabled=True)) == "account.last_admin"
    assert refused(lambda: change_role(admin, "管理员", "agent", "管理员")) == "account.last_admin"
    change_role(admin, "周某", "admin", "管理员")
    set_disabled(admin, "管理员", "周某", disabled=True)
    assert refused(lambda: set_disabled(admin, "周某", "周某", disabled=True)) == "account.last_admin"
    assert has_admin(admin)


def test_two_admins_who_disable_each_other_leave_one(admin: Engine) -> None:
    change_role(admin, "周某", "admin", "管理员")

    def disable(name: str) -> bool:
        try:
            set_disabled(admin, name, "示例", disabled=True)
        except LedgerError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(disable, ("周某", "管理员"))) == [False, True]
    assert has_admin(admin)


def test_a_change_to_what_has_changed_since_is_refused(admin: Engine) -> None:
    seen = all_accounts(admin)["entry_id"][0]
    set_disabled(admin, "周某", "管理员", disabled=True, seen=seen)
    assert refused(lambda: reset_password(admin, "周某", PASSWORD, "管理员", seen=seen)) == "account.changed_meanwhile"
    before = count(admin, account)
    set_disabled(admin, "周某", "管理员", disabled=True)
    assert count(admin, account) == before
    assert refused(lambda: set_disabled(admin, "nobody", "管理员", disabled=True)) == "account.unknown"


@pytest.mark.parametrize("role", ROLES)
def test_admins_alone_manage_accounts_and_in_their_own_name(admin: Engine, role: str) -> None:
    seen = as_viewer(admin, Viewer("某人", role, "示例研究所"))
    actions: tuple[Callable[[], object], ...] = (
        lambda: all_accounts(seen),
        lambda: add_account(seen, "新人", "agent", "某人", password=PASSWORD),
        lambda: set_disabled(seen, "周某", "某人", disabled=True),
        lambda: change_role(seen, "周某", "official", "某人"),
        lambda: reset_password(seen, "周某", PASSWORD, "某人"),
    )
    for action in actions:
        if role == "admin":
            action()
        else:
            with pytest.raises(NotPermitted):
                action()
    with pytest.raises(NotPermitted):
        set_disabled(seen, "周某", "管理员", disabled=True)


def test_an_address_of_no_account_is_told(admin: Engine) -> None:
    assert viewer_of_email(admin, "ZHOU@example.invalid") == Viewer("周某", "agent")
    for email in ("stranger@example.invalid", "", " "):
        assert refused(lambda email=email: viewer_of_email(admin, email)) == "login.unknown_email"


def test_generated_passwords_are_good_and_differ() -> None:
    made = {passwords.generated_password() for _ in range(20)}
    assert len(made) == 20
    for password in made:
        passwords.check_password(password)
        assert not set(password) & set("0O1lI")


def test_a_short_password_says_how_long_one_must_be(admin: Engine) -> None:
    with pytest.raises(CallError, match="10 到 200 个字符"):
        reset_password(admin, "周某", "short", "管理员")
