"""Commands that serve the screens and write the statistics."""

from __future__ import annotations

import os
import socket
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from matching.cli.group import FILE, command_line
from matching.cli.terminal import ledger_of, must_end, tell
from matching.errors import CallError, Problem
from matching.reporting.report import report_bytes
from matching.reporting.statistics import statistics
from matching.reporting.tables import write_bytes
from matching.settings import Settings
from matching.wording import say


@command_line.command(help="cli.serve")
@click.option("--port", type=click.IntRange(1, 65535), help="cli.serve_port")
@click.pass_obj
def serve(settings: Settings, port: int | None) -> None:
    """Serve the screens on this machine."""
    port = port or settings.port
    ledger_of(settings).dispose()
    with socket.socket() as probe:
        # A server that was just stopped leaves its port waiting; the server itself may take it then, and so may this.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CallError(Problem("call.port_taken", values={"port": port})) from error
    screens = find_spec("ui")
    if screens is None or screens.submodule_search_locations is None:
        raise CallError(Problem("call.no_screens"))
    script = Path(screens.submodule_search_locations[0]) / "app.py"
    tell(settings, "cli.serving", port=port)
    sys.stdout.flush()
    upload = str(settings.upload_megabytes)
    options = ["--server.address", "127.0.0.1", "--server.port", str(port), "--server.maxUploadSize", upload]
    arguments = [sys.executable, "-m", "streamlit", "run", str(script), *options]
    os.execv(sys.executable, arguments)  # noqa: S606


@command_line.command(help="cli.stats")
@click.option("--output", type=FILE, required=True, help="cli.stats_output")
@click.pass_obj
def stats(settings: Settings, output: Path) -> None:
    """Write the statistics of the ledger."""
    must_end(output, ".xlsx", "call.report_is_xlsx")
    figures = statistics(ledger_of(settings), settings.timezone)
    write_bytes(output, report_bytes(figures, settings.timezone, settings.language))
    for step, count in figures.funnel.iter_rows():
        click.echo(f"{count:>10,}  {say(f'funnel.{step}', settings.language)}")
    tell(settings, "cli.reported", path=output)
