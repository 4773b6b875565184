"""The cookie that holds a session's token: its name, and the token in it."""

from __future__ import annotations

from collections.abc import Mapping

from matching.settings import Settings


def cookie_name(settings: Settings) -> str:
    """The cookie's name. Browsers take one with the prefix from this host alone, over HTTPS, for the whole site."""
    return "__Host-duijie" if settings.cookie_secure else "duijie"


def token_of(cookies: Mapping[str, str], settings: Settings) -> str:
    """The token that a browser sent; "" where it sent none."""
    return cookies.get(cookie_name(settings), "")
