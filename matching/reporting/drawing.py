"""Draws charts as SVG in a process of its own: the library ends its process on texts that it cannot measure.

As a program it reads a JSON list of charts, each with the version of its language, and writes a JSON text a line.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from matching.reporting.look import look


def draw(charts: Sequence[dict[str, Any]], version: str) -> list[str | None]:
    """Charts (Vega-Lite, of a version such as 6.4) as SVG, in their order; None for one that could not be drawn."""
    drawn: list[str | None] = []
    while len(drawn) < len(charts):
        made = _drawn_until_one_fails(charts[len(drawn) :], version)
        drawn += made
        if len(drawn) < len(charts):
            drawn.append(None)
    return drawn


def _drawn_until_one_fails(charts: Sequence[dict[str, Any]], version: str) -> list[str]:
    command = [sys.executable, "-I", "-m", "matching.reporting.drawing"]
    given = json.dumps({"version": version, "charts": list(charts)}).encode()
    try:
        done = subprocess.run(  # noqa: S603
            command, input=given, capture_output=True, check=False, timeout=look().page.seconds_for_charts
        ).stdout
    except subprocess.TimeoutExpired as stopped:
        done = stopped.stdout or b""
    # A line without its end is what the process was at when it ended.
    return [json.loads(line) for line in done.split(b"\n")[:-1]]


def _serve() -> None:
    """Draw what stands in the standard input."""
    import vl_convert

    given = json.load(sys.stdin)
    for chart in given["charts"]:
        made = vl_convert.vegalite_to_svg(chart, vl_version=given["version"], allowed_base_urls=[])
        sys.stdout.write(f"{json.dumps(made)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
