"""What stands before every request: host names, sessions; and the headers of every answer."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

import streamlit
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from matching.ledger.logins import refusal_of_session
from matching.settings import Settings
from ui.session_cookie import token_of

LOOPBACK_HOSTS: Final = ("localhost", "127.0.0.1", "::1")
# What a browser needs before anybody has logged in, and what tells whether the server lives.
_OPEN: Final = re.compile(r"/(login|login\.css|logout|favicon\.png|_stcore/health|static/.*)")
# What a page's address looks like: one name, not that of a file or of the server's own. And names that are no pages.
_PAGE: Final = re.compile(r"/([^/._][^/.]*)/?")
_NO_PAGES: Final = ("login", "logout", "oauth2callback")
_INLINE_SCRIPT: Final = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_HOST: Final = re.compile(r"[A-Za-z0-9.:\[\]-]+")
_FIXED: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not "no-referrer": with it browsers hide the origin of forms, which is how posts from other sites are told.
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_HSTS: Final = "max-age=31536000"


class SecurityHeaders:
    """Puts the security headers on every answer, and `Secure` on every cookie where the settings say so."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.secure = settings.cookie_secure
        self.scripts = inline_scripts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        host = Headers(scope=scope).get("host", "")

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _FIXED.items():
                    headers[name] = value
                # A page of our own may have a stricter one.
                headers.setdefault("content-security-policy", content_policy(self.scripts, host))
                if self.secure:
                    headers["strict-transport-security"] = _HSTS
                    message["headers"] = [_secured(name, value) for name, value in message["headers"]]
            await send(message)

        await self.app(scope, receive, send_guarded)


class KnownPages:
    """Sends a browser that asks for a page of no name to the one that says so, in the reader's language."""

    def __init__(self, app: ASGIApp, known: Collection[str], nowhere: str) -> None:
        self.app = app
        self.known = frozenset((*known, nowhere, *_NO_PAGES))
        self.nowhere = nowhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is not asked for as a page, and the pages that there are."""
        asked = _PAGE.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if asked is None or asked[1] in self.known or "text/html" not in Headers(scope=scope).get("accept", ""):
            await self.app(scope, receive, send)
            return
        await RedirectResponse(_with_query(f"/{self.nowhere}", scope), 303)(scope, receive, send)


class KnownHosts:
    """Refuses requests for other hosts than the known ones; without a list every host is taken."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self.app = app
        self.hosts = tuple(host.strip().lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request for a known host; answer another with 400, close another WebSocket."""
        if scope["type"] == "lifespan" or self.knows(Headers(scope=scope).get("host", "")):
            await self.app(scope, receive, send)
            return
        await _refuse(PlainTextResponse("unknown host", 400), scope, receive, send)

    def knows(self, host: str) -> bool:
        """Whether a Host header, port or not, names one of the hosts; `*.example.cn` stands for all below it."""
        if not self.hosts:
            return True
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return any(
            known in ("*", name) or (known.startswith("*.") and name.endswith(known[1:])) for known in self.hosts
        )


class NeedsSession:
    """Sends a browser without a session to the login; other requests are refused.

    The script still tells each session what it may do: this keeps strangers from starting one.
    """

    def __init__(self, app: ASGIApp, engine: Engine, settings: Settings) -> None:
        self.app = app
        self.engine = engine
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is open to all or has a session."""
        if scope["type"] == "lifespan" or _OPEN.fullmatch(scope["path"]):
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        refusal = await run_in_threadpool(self.refusal, token_of(connection.cookies, self.settings))
        # A page that was open when its session ended may connect again: the script tells it what happened.
        if refusal == "" or (scope["type"] == "websocket" and refusal != "login.needed"):
            await self.app(scope, receive, send)
        elif "text/html" in connection.headers.get("accept", ""):
            asked = quote(_with_query(scope["path"], scope), safe="")
            await _refuse(RedirectResponse(f"/login?next={asked}", 303), scope, receive, send)
        else:
            await _refuse(PlainTextResponse("log in", 401), scope, receive, send)

    def refusal(self, token: str) -> str:
        """Why a token is good for nothing, as the key of the wording; "" where it is good."""
        if not token:
            return "login.needed"
        why = refusal_of_session(self.engine, token)
        return why.key if why else ""


def content_policy(scripts: Sequence[str], host: str = "") -> str:
    """The Content-Security-Policy of the screens: nothing is fetched from elsewhere, only the server's files run.

    Charts are drawn without compiling expressions; styles are made by scripts, hence inline. `host` is named for the
    WebSocket, which older browsers do not take for a part of the site.
    """
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    rules = {
        "default-src": "'none'",
        # The review's desk is loaded as a blob, which only a script that runs already can make.
        "script-src": " ".join(("'self'", "blob:", *scripts)),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": f"'self'{sockets}",
        "media-src": "'self' blob:",
        "worker-src": "'self' blob:",
        "manifest-src": "'self'",
        "frame-src": "'none'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def inline_scripts() -> tuple[str, ...]:
    """Hashes of the scripts that stand in the page of the installed Streamlit, as a policy names them."""
    page = Path(streamlit.__file__).with_name("static") / "index.html"
    digests = (hashlib.sha256(script).digest() for script in _INLINE_SCRIPT.findall(page.read_bytes()))
    return tuple(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def _secured(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    if name.lower() == b"set-cookie" and b"secure" not in [part.strip().lower() for part in value.split(b";")]:
        return name, value + b"; Secure"
    return name, value


def _with_query(path: str, scope: Scope) -> str:
    """A path with what a request asked of its own."""
    query = scope["query_string"].decode()
    return f"{path}?{query}" if query else path


async def _refuse(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, or close a WebSocket before it opens."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
    else:
        await response(scope, receive, send)
