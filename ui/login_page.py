"""The login of local accounts: a page that needs no script, and the way out."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from threading import Lock
from typing import Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from matching.errors import NotPermitted, Problem
from matching.ledger.logins import Session, log_in, log_out, refusal_of_session
from matching.ledger.passwords import login_rules, prepare
from matching.settings import Settings
from matching.wording import LANGUAGES, say
from ui.guards import KnownHosts
from ui.session_cookie import cookie_name, token_of

_SHEET: Final = Path(__file__).with_name("components") / "login.css"
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_BODY_BYTES: Final = 8192
# A place of this site: a path and a query; what begins with two slashes would be another site.
_PLACE: Final = re.compile(r"/(?![/\\])[^\\\s]*")
# Addresses whose attempts are remembered at one time.
_ADDRESSES: Final = 10_000


class Attempts:
    """Bounds how often one address may try, whichever names it tries; kept in the memory of this process."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self.seconds = seconds
        self.clock = clock
        self._lock = Lock()
        self._tried: dict[str, deque[float]] = {}

    def take(self, address: str) -> bool:
        """Count an attempt; whether it may be made."""
        with self._lock:
            at = self.clock()
            tried = self._tried.pop(address, deque(maxlen=self.most))
            while tried and tried[0] <= at - self.seconds:
                tried.popleft()
            allowed = len(tried) < self.most
            if allowed:
                tried.append(at)
            # The longest silent addresses stand first.
            self._tried[address] = tried
            if len(self._tried) > _ADDRESSES:
                self._tried.pop(next(iter(self._tried)))
            return allowed


def login_routes(engine: Engine, settings: Settings) -> list[Route]:
    """The page of the login, its style sheet, and the way out."""
    prepare()
    rules = login_rules()
    attempts = Attempts(rules.most_attempts, rules.attempts_minutes * 60)

    async def show(request: Request) -> Response:
        token = token_of(request.cookies, settings)
        why = await run_in_threadpool(refusal_of_session, engine, token) if token else None
        if token and why is None:
            return RedirectResponse(_place(request.query_params), 303)
        return _page(request.query_params, settings, why)

    async def enter(request: Request) -> Response:
        body = await _body(request)
        if body is None or not _from_here(request, settings):
            return PlainTextResponse("refused", 403)
        form = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
        if not attempts.take(request.client.host if request.client else ""):
            values: dict[str, object] = {"minutes": rules.attempts_minutes}
            return _page(form, settings, Problem("login.too_often", values=values), 429)
        try:
            session = await run_in_threadpool(log_in, engine, form.get("name", ""), form.get("password", ""))
        except NotPermitted as error:
            return _page(form, settings, error.problems[0], 403)
        response = RedirectResponse(_place(form), 303)
        _set_cookie(response, settings, session)
        return response

    async def leave(request: Request) -> Response:
        if not _from_here(request, settings):
            return PlainTextResponse("refused", 403)
        token = token_of(request.cookies, settings)
        if token:
            await run_in_threadpool(log_out, engine, token)
        response = RedirectResponse(f"/login?{urlencode({'language': _spoken(request.query_params, settings)})}", 303)
        _set_cookie(response, settings, Session("", 0))
        return response

    async def sheet(_request: Request) -> Response:
        return FileResponse(_SHEET, media_type="text/css")

    return [
        Route("/login", show, methods=["GET"]),
        Route("/login", enter, methods=["POST"]),
        Route("/logout", leave, methods=["POST"]),
        Route("/login.css", sheet, methods=["GET"]),
    ]


def _set_cookie(response: Response, settings: Settings, session: Session) -> None:
    response.set_cookie(
        cookie_name(settings),
        session.token,
        max_age=session.seconds,
        path="/",
        secure=settings.cookie_secure,
        httponly=True,
        samesite="strict",
    )


def _from_here(request: Request, settings: Settings) -> bool:
    """Whether a post comes from a page of this site; browsers tell its origin, and pages cannot change it."""
    origin = urlsplit(request.headers.get("origin", "")).netloc
    if origin and origin == request.headers.get("host"):
        return True
    # Behind a proxy that asks us by another name, the site's own names are those of the settings.
    return bool(origin and settings.allowed_hosts) and KnownHosts(_nowhere, settings.allowed_hosts).knows(origin)


async def _nowhere(_scope: object, _receive: object, _send: object) -> None:
    """No application: only host names are compared."""


async def _body(request: Request) -> str | None:
    """The body of a form; None where it is larger than a name and a password can be, or is no text."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _BODY_BYTES:
            return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _place(values: Mapping[str, str]) -> str:
    """Where to go after the login: what was asked for, in the language that was chosen here."""
    asked = values.get("next", "")
    place = asked if _PLACE.fullmatch(asked) else "/"
    language = values.get("language", "")
    known = language in map(_name_of, LANGUAGES) and "language=" not in place
    return f"{place}{'&' if '?' in place else '?'}language={quote(language)}" if known else quote(place, safe="/?&=%+")


def _name_of(language: str) -> str:
    """A language as addresses name it, which is as the switch in the screens does."""
    return say("app.language_name", language)


def _spoken(values: Mapping[str, str], settings: Settings) -> str:
    """The language that an address names, by name; else that of the settings."""
    asked = values.get("language", "")
    return asked if asked in map(_name_of, LANGUAGES) else _name_of(settings.language)


def _page(values: Mapping[str, str], settings: Settings, why: Problem | None, status: int = 200) -> Response:
    """The form, with what was wrong."""
    spoken = _spoken(values, settings)
    language = next(each for each in LANGUAGES if _name_of(each) == spoken)
    asked = values.get("next", "")
    others = (_name_of(each) for each in LANGUAGES if each != language)
    links = " ".join(
        f'<a href="/login?{escape(urlencode({"language": other, "next": asked}))}">{escape(other)}</a>'
        for other in others
    )
    alert = f'<p role="alert">{escape(why.text(language))}</p>' if why else ""
    html = f"""<!DOCTYPE html>
<html lang="{language.replace("_", "-")}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(say("login.title", language))}</title>
<link rel="icon" href="/favicon.png">
<link rel="stylesheet" href="/login.css">
</head>
<body>
<main>
<h1>{escape(say("app.title", language))}</h1>
{alert}
<form method="post" action="/login">
<input type="hidden" name="next" value="{escape(asked)}">
<input type="hidden" name="language" value="{escape(values.get("language", ""))}">
<label>{escape(say("login.name", language))}
<input name="name" maxlength="200" autocomplete="username" required autofocus value="{escape(values.get("name", ""))}">
</label>
<label>{escape(say("login.password", language))}
<input name="password" type="password" maxlength="200" autocomplete="current-password" required></label>
<button>{escape(say("login.enter", language))}</button>
</form>
<nav>{links}</nav>
</main>
</body>
</html>
"""
    return HTMLResponse(html, status, {"content-security-policy": _POLICY, "cache-control": "no-store"})
