"""An ASGI application asked without a server: the same calls that a server would make."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Headers
    text: str


@dataclass
class Client:
    """Asks an application; keeps cookies as a browser does, follows nothing."""

    app: ASGIApp
    host: str = "duijie.test"
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask("GET", path, headers, b"")

    def post(self, path: str, form: dict[str, str], **headers: str) -> Answer:
        return self._ask("POST", path, headers, urlencode(form).encode())

    def connects(self, path: str) -> bool:
        """Whether a WebSocket is opened."""
        sent = self._call({"type": "websocket"}, path, {}, [{"type": "websocket.connect"}])
        return sent[0]["type"] == "websocket.accept"

    def _ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        received = [{"type": "http.request", "body": body, "more_body": False}]
        sent = self._call({"type": "http", "method": method}, path, headers, received)
        answered = Headers(raw=sent[0]["headers"])
        for each in answered.getlist("set-cookie"):
            for name, morsel in SimpleCookie(each).items():
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0":
                    del self.cookies[name]
        text = b"".join(each.get("body", b"") for each in sent[1:]).decode()
        return Answer(sent[0]["status"], answered, text)

    def _call(
        self, scope: dict[str, Any], path: str, headers: dict[str, str], received: list[dict[str, Any]]
    ) -> list[Any]:
        place = urlsplit(path)
        cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        given = {"host": self.host, **(cookie if self.cookies else {}), **headers}
        whole = {
            **scope,
            "path": unquote(place.path),
            "query_string": place.query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 40000),
            "server": ("127.0.0.1", 8501),
            "scheme": "http",
            "root_path": "",
        }
        sent: list[Any] = []

        async def receive() -> Any:
            return received.pop(0) if received else {"type": f"{scope['type']}.disconnect", "code": 1000}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.app(whole, receive, send))
        return sent
