"""Stops a test's PostgreSQL server when the run that started it is gone, however it ended.

Run with the server's folder: waits until standard input ends, which it does when the process that holds its other end
is killed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from shutil import rmtree

PATIENCE_SECONDS = 10


def stop(folder: Path) -> None:
    """Stop the server that still runs in the folder, if one does, and remove the folder."""
    pid_file = folder / "data" / "postmaster.pid"
    if pid_file.is_file():
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGQUIT)
        give_up = time.monotonic() + PATIENCE_SECONDS
        while pid_file.exists() and time.monotonic() < give_up:
            time.sleep(0.05)
    rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.stdin.buffer.read()
    stop(Path(sys.argv[1]))
