"""Whole jobs as a user gives them: `duijie match` on two files."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

import psutil

from bench import lists
from bench.measuring import medians
from bench.workers import Failed, Limits, once

TOP: Final = 10
_LOOK_EVERY: Final = 0.1


def job(folder: Path, demands: int, achievements: int, rounds: int, limits: Limits) -> dict[str, Any]:
    """One job: demands, size, cpu and wall in seconds, memory, the most in MB of all its processes, or failed.

    It is done in so many rounds; `medians` says what stands of them.
    """
    row = {"demands": demands, "size": achievements}
    try:
        once(lists.write_files, folder, demands, achievements, False, limits=limits)
        return {**row, **medians([_measured(_command(folder), folder, limits) for _ in range(rounds)])}
    except Failed as failed:
        return {**row, "failed": str(failed)}


def _command(folder: Path) -> list[str]:
    files = [str(folder / f"{kind}.csv") for kind in ("demands", "achievements")]
    return [sys.executable, "-m", "matching", "match", *files, "--top", str(TOP), "--output", str(folder / "out.csv")]


def _measured(command: list[str], folder: Path, limits: Limits) -> dict[str, float]:
    """Processor time is the kernel's count of the process and of all that it has waited for."""
    given = {f"DUIJIE_{name.upper()}": str(value) for name, value in lists.LIMITS.items()}
    began = time.perf_counter()
    with (folder / "job.log").open("wb") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **given})
        watch = _Watch(running.pid, limits)
        watch.start()
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - began
        watch.join()
    if watch.reason:
        raise Failed(watch.reason)
    if running.returncode:
        last = (folder / "job.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise Failed(f"ended with code {running.returncode}: {' '.join(last)}"[:200])
    return {"cpu": usage.ru_utime + usage.ru_stime, "wall": wall, "memory": watch.most}


class _Watch(threading.Thread):
    """Looks at the memory of a process and its children until it ends, and ends it when it passes its limits."""

    def __init__(self, process: int, limits: Limits) -> None:
        super().__init__(daemon=True)
        self.process, self.limits = process, limits
        self.most, self.reason = 0.0, ""

    def run(self) -> None:
        """Look every tenth of a second."""
        until = time.monotonic() + self.limits.first
        try:
            watched = psutil.Process(self.process)
            while watched.status() != psutil.STATUS_ZOMBIE:
                self.most = max(self.most, _held(watched))
                if self.most > self.limits.megabytes:
                    self.reason = f"needs more than {self.limits.megabytes / 1000:,.1f} GB"
                if time.monotonic() > until:
                    self.reason = f"took more than {self.limits.first:,.0f} s"
                if self.reason:
                    for each in (*watched.children(recursive=True), watched):
                        each.kill()
                    return
                time.sleep(_LOOK_EVERY)
        except psutil.NoSuchProcess:
            return


def _held(watched: psutil.Process) -> float:
    """Memory of a process and its children, in MB; what they share counts in each."""
    held = 0
    for each in (watched, *watched.children(recursive=True)):
        try:
            held += each.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return held / 1e6
