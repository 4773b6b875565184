"""The page of the login, asked by a program: what it refuses, what it gives, and where it leads."""

from __future__ import annotations

import pytest
from asgi import Answer, Client
from sqlalchemy import Engine
from starlette.applications import Starlette

from matching.ledger.accounts import add_account
from matching.ledger.passwords import login_rules
from matching.settings import Settings
from ui.login_page import Attempts, login_routes

PASSWORD = "a password of tests"  # noqa: S105
HOST = "http://duijie.test"


def client_of(engine: Engine, settings: Settings) -> Client:
    return Client(Starlette(routes=login_routes(engine, settings)))


@pytest.fixture
def client(ledger: Engine) -> Client:
    add_account(ledger, "周某", "agent", "示例", password=PASSWORD)
    return client_of(ledger, Settings())


def post(client: Client, path: str = "/login", origin: str | None = HOST, **form: str) -> Answer:
    headers = {} if origin is None else {"origin": origin}
    return client.post(path, {"name": "周某", "password": PASSWORD, **form}, **headers)


def test_a_right_password_gives_a_cookie_that_scripts_and_other_sites_do_not_get(client: Client) -> None:
    answer = post(client)
    assert (answer.status, answer.headers["location"]) == (303, "/")
    token, *rules = answer.headers["set-cookie"].split("; ")
    assert token.startswith("duijie=")
    assert {rule.lower() for rule in rules} == {"httponly", "samesite=strict", "path=/", "max-age=43200"}


def test_behind_https_the_cookie_is_for_https_alone(ledger: Engine) -> None:
    add_account(ledger, "周某", "agent", "示例", password=PASSWORD)
    token, *rules = post(client_of(ledger, Settings(cookie_secure=True))).headers["set-cookie"].split("; ")
    assert token.startswith("__Host-duijie=")
    assert "Secure" in rules


@pytest.mark.parametrize("form", [{"password": PASSWORD + "?"}, {"name": "nobody"}, {"name": ""}, {"password": ""}])
def test_what_does_not_fit_is_refused_with_the_same_words(client: Client, form: dict[str, str]) -> None:
    answer = post(client, **form)
    assert (answer.status, "set-cookie" in answer.headers) == (403, False)
    assert "账号名或密码不对" in answer.text


def test_too_many_failures_lock_a_name_whether_it_exists_or_not(client: Client) -> None:
    said = {}
    for name in ("周某", "nobody"):
        for _ in range(login_rules().failures):
            assert "账号名或密码不对" in post(client, name=name, password=PASSWORD + "?").text
        said[name] = post(client, name=name).text.replace(name, "")
    assert "输错次数过多" in said["nobody"]
    assert said["nobody"] == said["周某"]


@pytest.mark.parametrize("path", ["/login", "/logout"])
@pytest.mark.parametrize("origin", [None, "null", "http://example.invalid", HOST + ":81", "http://duijie.test.invalid"])
def test_posts_of_other_sites_are_refused(client: Client, path: str, origin: str | None) -> None:
    answer = post(client, path, origin)
    assert (answer.status, "set-cookie" in answer.headers) == (403, False)


def test_a_site_with_another_name_before_its_proxy_is_known_by_the_settings(ledger: Engine) -> None:
    client = client_of(ledger, Settings(allowed_hosts=("outside.test",)))
    assert "账号名或密码不对" in post(client, origin="https://outside.test").text
    assert post(client, origin="https://example.invalid").text == "refused"


@pytest.mark.parametrize(
    ("asked", "led"),
    [
        ("/lists?q=%E8%BD%B4%E6%89%BF", "/lists?q=%E8%BD%B4%E6%89%BF"),
        ("", "/"),
        ("//example.invalid/", "/"),
        ("https://example.invalid/", "/"),
        ("/\\example.invalid", "/"),
        ("/\t/example.invalid", "/"),
        ("/a\r\nset-cookie: a=b", "/"),
    ],
)
def test_the_login_leads_to_places_of_this_site_alone(client: Client, asked: str, led: str) -> None:
    answer = post(client, next=asked)
    assert answer.headers["location"] == led
    assert "set-cookie: a" not in str(answer.headers)


def test_the_language_goes_on(client: Client) -> None:
    assert post(client, next="/lists", language="English").headers["location"] == "/lists?language=English"


def test_what_was_typed_is_shown_as_text(client: Client) -> None:
    answer = post(client, name='"><script>alert(1)</script>', next='"><script>alert(2)</script>')
    assert "<script" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert PASSWORD not in answer.text


def test_a_body_larger_than_a_login_is_refused(client: Client) -> None:
    assert post(client, password="x" * 10_000).status == 403


def test_logging_out_takes_the_cookie_away_and_ends_the_session(client: Client) -> None:
    post(client)
    token = client.cookies["duijie"]
    assert client.get("/login").headers["location"] == "/"
    answer = client.post("/logout", {}, origin=HOST)
    assert answer.headers["location"].startswith("/login")
    assert "duijie" not in client.cookies
    client.cookies["duijie"] = token
    again = client.get("/login")
    assert (again.status, "登录已结束" in again.text) == (200, True)


def test_one_address_may_try_so_often_and_no_more(client: Client) -> None:
    rules = login_rules()
    for number in range(rules.most_attempts):
        assert post(client, name=f"name {number}", password="?").status == 403  # noqa: S106
    refused = post(client)
    assert (refused.status, "尝试太频繁" in refused.text) == (429, True)


def test_attempts_are_forgotten_after_their_time() -> None:
    at = 0.0
    attempts = Attempts(2, 60, lambda: at)
    assert [attempts.take("a") for _ in range(3)] == [True, True, False]
    assert attempts.take("b")
    at = 60.0
    assert attempts.take("a")
