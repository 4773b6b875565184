"""What stands before every request: hosts, sessions, headers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from asgi import Client
from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from matching.ledger.accounts import add_account, set_disabled
from matching.ledger.logins import log_in
from matching.settings import Settings
from ui.guards import KnownHosts, KnownPages, NeedsSession, SecurityHeaders, content_policy, inline_scripts

PASSWORD = "a password of tests"  # noqa: S105


async def answer(request: Request) -> Response:
    response = PlainTextResponse("here")
    response.set_cookie("other", "1")
    return response


async def connect(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


def client_of(*middleware: Middleware, host: str = "duijie.test") -> Client:
    routes = [Route("/{path:path}", answer), WebSocketRoute("/_stcore/stream", connect)]
    return Client(Starlette(routes=routes, middleware=middleware), host)


@pytest.mark.parametrize(
    ("hosts", "host", "known"),
    [
        ((), "anything.test", True),
        (("localhost", "127.0.0.1", "::1"), "localhost:8501", True),
        (("localhost", "127.0.0.1", "::1"), "[::1]:8501", True),
        (("localhost", "127.0.0.1", "::1"), "example.invalid", False),
        (("localhost",), "localhost.example.invalid", False),
        (("Duijie.Test",), "duijie.test", True),
        (("*.duijie.test",), "a.duijie.test", True),
        (("*.duijie.test",), "duijie.test", False),
        (("*.duijie.test",), "badduijie.test", False),
        (("duijie.test",), "[", False),
        (("duijie.test",), "", False),
    ],
)
def test_hosts_are_known_by_their_whole_name(hosts: Sequence[str], host: str, known: bool) -> None:
    guard = KnownHosts(PlainTextResponse(""), hosts)
    assert guard.knows(host) is known


@pytest.mark.parametrize(
    ("path", "accept", "goes_to"),
    [
        ("/", "text/html", None),
        ("/lists", "text/html", None),
        ("/lists/", "text/html", None),
        ("/no-page", "text/html", None),
        ("/oauth2callback?code=1", "text/html", None),
        ("/favicon.png", "text/html", None),
        ("/_stcore/health", "text/html", None),
        ("/static/js/index.js", "text/html", None),
        ("/list", "*/*", None),
        ("/list", "text/html,*/*;q=0.8", "/no-page"),
        ("/清单?language=en", "text/html", "/no-page?language=en"),
    ],
)
def test_an_address_of_no_page_leads_to_the_one_that_says_so(path: str, accept: str, goes_to: str | None) -> None:
    guarded = client_of(Middleware(KnownPages, known=("lists", "deals"), nowhere="no-page"))
    assert guarded.get(path, accept=accept).headers.get("location") == goes_to


def test_a_request_for_another_host_is_refused() -> None:
    middleware = Middleware(KnownHosts, hosts=("duijie.test",))
    assert client_of(middleware).get("/").status == 200
    other = client_of(middleware, host="example.invalid")
    assert other.get("/").status == 400
    assert not other.connects("/_stcore/stream")


def test_every_answer_has_the_headers() -> None:
    settings = Settings()
    guarded = client_of(Middleware(SecurityHeaders, settings=settings), Middleware(KnownHosts, hosts=("duijie.test",)))
    refused = client_of(Middleware(SecurityHeaders, settings=settings), Middleware(KnownHosts, hosts=("a.test",))).get(
        "/"
    )
    for headers in (guarded.get("/lists").headers, refused.headers):
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "strict-transport-security" not in headers


def test_behind_https_browsers_are_told_to_stay_there() -> None:
    client = client_of(Middleware(SecurityHeaders, settings=Settings(cookie_secure=True)))
    headers = client.get("/").headers
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert headers["set-cookie"].endswith("; Secure")


def test_the_policy_names_no_other_place() -> None:
    rules = dict(rule.split(" ", 1) for rule in content_policy(inline_scripts()).split("; "))
    assert rules["default-src"] == "'none'"
    assert all("://" not in value and "*" not in value for value in rules.values())
    assert "unsafe" not in rules["script-src"]
    assert rules["script-src"].count("sha256-") >= 1
    assert "ws://duijie.test:8501 " in content_policy((), "duijie.test:8501")
    assert "script" not in content_policy((), "a; script-src *").partition("connect-src")[2].partition(";")[0]


def test_without_a_session_a_browser_is_led_to_the_login_and_all_else_refused(ledger: Engine) -> None:
    client = client_of(Middleware(NeedsSession, engine=ledger, settings=Settings()))
    page = client.get("/lists?q=%E8%BD%B4", accept="text/html")
    assert (page.status, page.headers["location"]) == (303, "/login?next=%2Flists%3Fq%3D%25E8%25BD%25B4")
    for path in ("/media/a.csv", "/_stcore/upload_file/a/b", "/_stcore/agent/interact", "/login/x", "/staticfile"):
        assert client.get(path).status == 401, path
    for path in ("/login", "/_stcore/health", "/static/js/a.js"):
        assert client.get(path).status == 200, path
    client.cookies["duijie"] = "made up"
    assert not client.connects("/_stcore/stream")


def test_with_a_session_everything_is_passed_on_until_it_ends(ledger: Engine) -> None:
    add_account(ledger, "周某", "agent", "示例", password=PASSWORD)
    add_account(ledger, "管理员", "admin", "示例", password=PASSWORD)
    client = client_of(Middleware(NeedsSession, engine=ledger, settings=Settings()))
    client.cookies["duijie"] = log_in(ledger, "周某", PASSWORD).token
    assert client.get("/media/a.csv").status == 200
    assert client.connects("/_stcore/stream")
    set_disabled(ledger, "周某", "管理员", disabled=True)
    assert client.get("/media/a.csv").status == 401
    # The script of an open page tells its user why.
    assert client.connects("/_stcore/stream")
