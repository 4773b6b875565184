"""Measure how soon the review opens on a large catalogue: `python scripts/measure_review.py [TIMES] [FOLDER]`.

Ledgers with 100,000 achievements and a province's demands, ten candidates each, are written to a temporary folder, or
to one that is given and kept. The server is started TIMES (three) times as a user starts it, and the review opened in
Chromium as soon as it answers, until the first candidate of the first demand is there. Beside it, new processes import
what the server imports and run the script without a browser. Printed are the medians, in seconds that passed and, in
brackets, seconds of the server's processor; those of the opening count from the start of the process.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from browser import browser, free_port, open_page
from playwright.sync_api import Browser

TIMES: Final = 3
AGENT: Final = "示例经理人"
ACHIEVEMENTS: Final = 100_000
DEMANDS: Final = (1_000, 10_000)
SCRIPT: Final = Path(__file__).resolve().parent.parent / "ui" / "app.py"
# Until a server or a page that shows nothing is given up.
PATIENCE_SECONDS: Final = 120
FIRST_CANDIDATE: Final = "[role=option]"
# What the script draws before it reads anything.
MENU: Final = "[data-testid=stPageLink]"
# What is loaded before the server answers and before a page is shown, in the order in which it is.
IMPORTED: Final = {
    "loading the command": "matching.cli.serving",
    "loading the server": "streamlit.web.cli",
    "loading the screen": "ui.screens.review",
}

Taken = Mapping[str, tuple[float, float]]


def main() -> None:
    """Make the ledgers, have everything measured, print the figures."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else TIMES
    with tempfile.TemporaryDirectory() as temporary, browser() as chromium:
        folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(temporary)
        print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
        for number in DEMANDS:
            path = folder / f"review_{number}.sqlite"
            if not path.exists():
                # Loads all that ranks, and is not wanted where loading is measured.
                import large_catalogue

                large_catalogue.write(path, {"demands": number, "achievements": ACHIEVEMENTS})
            print(f"\n{number:,} demands, {ACHIEVEMENTS:,} achievements, {path.stat().st_size / 1e6:,.0f} MB")
            tell([opened(chromium, path) for _ in range(times)])
            tell([parts(path) for _ in range(times)])
    print(f"\nload {os.getloadavg()[0]:.1f}")


def tell(taken: Sequence[Taken]) -> None:
    """Print the medians."""
    for name in taken[0]:
        wall, cpu = (statistics.median(one[name][place] for one in taken) for place in (0, 1))
        print(f"{name:<28} {wall:6.2f} ({cpu:.2f})", flush=True)


def opened(chromium: Browser, path: Path) -> Taken:
    """The review opened: seconds from the start of the process until it answers, its menu is there, and a candidate."""
    port = free_port()
    began = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "matching", "serve", "--port", str(port)],
        env=environment(path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    taken = {}

    def note(name: str) -> None:
        taken[name] = (time.perf_counter() - began, used(server.pid))

    try:
        wait(f"http://127.0.0.1:{port}")
        note("first answer")
        page = open_page(chromium, f"http://127.0.0.1:{port}")
        note("page loaded")
        page.locator(MENU).first.wait_for(timeout=PATIENCE_SECONDS * 1000)
        note("menu")
        page.locator(FIRST_CANDIDATE).first.wait_for(timeout=PATIENCE_SECONDS * 1000)
        note("first candidate")
        page.context.close()
    finally:
        server.terminate()
        server.wait(timeout=20)
    return taken


def parts(path: Path) -> Taken:
    """Imports, the script's first run and what of it was reading, its second run: by processes without a browser."""
    command = [sys.executable, __file__, "--parts"]
    told = subprocess.run(command, check=True, capture_output=True, text=True, env=environment(path)).stdout
    taken: Taken = json.loads(told.splitlines()[-1])
    return taken


def environment(path: Path) -> dict[str, str]:
    """What tells the program its ledger."""
    return {**os.environ, "DUIJIE_DATABASE_URL": f"sqlite:///{path}", "DUIJIE_AGENT": AGENT}


def used(process: int) -> float:
    """Seconds of the processor that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait(address: str) -> None:
    """Wait until a server answers."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urlopen(f"{address}/_stcore/health", timeout=2):  # noqa: S310
                return
        except (URLError, OSError):
            if time.monotonic() > give_up:
                raise
            time.sleep(0.02)


def measure_parts() -> Taken:
    """What `parts` gives, measured in this process."""
    taken = {}
    began = (time.perf_counter(), time.process_time())

    def note(name: str) -> None:
        nonlocal began
        now = (time.perf_counter(), time.process_time())
        taken[name] = (now[0] - began[0], now[1] - began[1])
        began = (time.perf_counter(), time.process_time())

    for name, module in IMPORTED.items():
        import_module(module)
        note(name)
    from sqlalchemy import event
    from sqlalchemy.pool import Pool
    from streamlit.testing.v1 import AppTest

    read = [0.0, 0.0]

    def take(*_: object) -> None:
        read[0] -= time.perf_counter()
        read[1] -= time.process_time()

    def give(*_: object) -> None:
        read[0] += time.perf_counter()
        read[1] += time.process_time()

    event.listen(Pool, "checkout", take)
    event.listen(Pool, "checkin", give)
    screens = AppTest.from_file(str(SCRIPT), default_timeout=PATIENCE_SECONDS)
    note("the measure itself")
    screens.run()
    note("script")
    taken["  of it reading"] = (read[0], read[1])
    screens.run()
    note("script again")
    if screens.exception:
        raise SystemExit(str(screens.exception))
    del taken["the measure itself"]
    return taken


if __name__ == "__main__":
    if sys.argv[1:2] == ["--parts"]:
        print(json.dumps(measure_parts()))
    else:
        main()
