"""The command that serves the screens."""

from __future__ import annotations

import gc
import os
import runpy
import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import click
from sqlalchemy import Engine

from matching.cli.group import command_line
from matching.cli.terminal import ledger_of, tell
from matching.errors import CallError, Problem
from matching.ledger.accounts import has_admin
from matching.settings import Settings

_LOOPBACK: Final = "127.0.0.1"
# What is signed with a shorter one can be forged.
_SECRET_CHARACTERS: Final = 32


@command_line.command(help="cli.serve")
@click.option("--port", type=click.IntRange(1, 65535), help="cli.serve_port")
@click.option("--shared", is_flag=True, help="cli.serve_shared")
@click.option("--address", help="cli.serve_address")
@click.pass_obj
def serve(settings: Settings, port: int | None, shared: bool, address: str | None) -> None:
    """Serve the screens: to this machine, or to everybody who can log in."""
    port, shared = port or settings.port, shared or settings.shared
    if address is not None and not shared:
        raise CallError(Problem("call.address_without_shared"))
    address = address or _LOOPBACK
    engine = ledger_of(settings)
    if shared:
        _check_login(settings, engine)
    engine.dispose()
    _check_port(address, port)
    screens = find_spec("ui")
    if screens is None or screens.submodule_search_locations is None:
        raise CallError(Problem("call.no_screens"))
    script = Path(screens.submodule_search_locations[0]) / "server.py"
    tell(settings, "cli.serving_shared" if shared else "cli.serving", address=address, port=port)
    sys.stdout.flush()
    options = ["--server.address", address, "--server.port", str(port)]
    options += ["--server.maxUploadSize", str(settings.upload_megabytes)]
    options += [part for host in settings.allowed_hosts if shared for part in ("--server.allowedHosts", host)]
    os.environ["DUIJIE_SHARED"] = str(shared).lower()
    # In this process, which has loaded most of what the screens need, and keeps it: no collection need look at it.
    gc.freeze()
    sys.argv = ["streamlit", "run", str(script), *options]
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)


def _check_login(settings: Settings, engine: Engine) -> None:
    """Raise `CallError` where nobody could log in, or where everybody could."""
    if settings.login == "":
        raise CallError(Problem("call.no_login"))
    if settings.login == "oidc":
        needed = {
            "oidc_metadata_url": settings.oidc_metadata_url,
            "oidc_client_id": settings.oidc_client_id,
            "oidc_client_secret": settings.oidc_client_secret.get_secret_value(),
            "oidc_redirect_uri": settings.oidc_redirect_uri,
            "cookie_secret": settings.cookie_secret.get_secret_value(),
        }
        missing = tuple(name for name, value in needed.items() if not value)
        if missing:
            raise CallError(Problem("call.oidc_not_set", values={"names": missing}))
        if len(needed["cookie_secret"]) < _SECRET_CHARACTERS:
            raise CallError(Problem("call.short_cookie_secret", values={"least": _SECRET_CHARACTERS}))
    if not has_admin(engine):
        raise CallError(Problem("call.no_admin"))


def _check_port(address: str, port: int) -> None:
    """Raise `CallError` where another program listens there, or this machine has no such address."""
    try:
        family = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0][0]
    except OSError as error:
        raise CallError(Problem("call.no_such_address", values={"address": address})) from error
    with socket.socket(family) as probe:
        # A server that was just stopped leaves its port waiting; the server itself may take it then, and so may this.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise CallError(Problem("call.port_taken", values={"port": port})) from error
