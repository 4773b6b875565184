"""The server of the screens: `duijie serve` runs this file, which puts the login and the guards before the script."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Route
from streamlit.runtime.secrets import SecretsValue

from matching.ledger.database import open_ledger
from matching.settings import Settings
from ui import warming
from ui.components.identity import show_refusal
from ui.guards import LOOPBACK_HOSTS, KnownHosts, KnownPages, NeedsSession, SecurityHeaders
from ui.login_page import login_routes
from ui.pages import NOWHERE, SCREENS

_SCRIPT: Final = Path(__file__).with_name("app.py")


def middleware_and_routes(settings: Settings) -> tuple[list[Middleware], list[Route]]:
    """What stands before the script: on one's own machine only the headers and the names of this machine."""
    hosts = settings.allowed_hosts if settings.shared else LOOPBACK_HOSTS
    before = [Middleware(SecurityHeaders, settings=settings), Middleware(KnownHosts, hosts=hosts)]
    pages = Middleware(KnownPages, known=SCREENS, nowhere=NOWHERE)
    if not settings.shared or settings.login != "accounts":
        return [*before, pages], []
    engine = open_ledger(settings.database_url)
    needs = Middleware(NeedsSession, engine=engine, settings=settings)
    return [*before, needs, pages], login_routes(engine, settings)


def secrets(settings: Settings) -> dict[str, SecretsValue] | None:
    """What Streamlit's own login needs, where an identity provider lets people in."""
    if not settings.shared or settings.login != "oidc":
        return None
    return {
        "auth": {
            "redirect_uri": settings.oidc_redirect_uri,
            "cookie_secret": settings.cookie_secret.get_secret_value(),
            "client_id": settings.oidc_client_id,
            "client_secret": settings.oidc_client_secret.get_secret_value(),
            "server_metadata_url": settings.oidc_metadata_url,
        }
    }


@asynccontextmanager
async def _warmed(_app: st.App) -> AsyncIterator[None]:
    """Begin to load and read as soon as the server starts."""
    warming.begin()
    yield


_settings: Final = Settings()
_middleware, _routes = middleware_and_routes(_settings)
# `streamlit run` looks for this assignment in the source.
app = st.App(
    _SCRIPT,
    routes=_routes,
    middleware=_middleware,
    secrets=secrets(_settings),
    lifespan=_warmed,
    on_script_error=show_refusal,
)
