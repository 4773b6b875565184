"""Scripts in a process of their own: for what a process has loaded, which in that of the tests is everything."""

from __future__ import annotations

import subprocess
import sys

from places import ROOT


def output_of(script: str) -> str:
    """What a script prints, run in the project's folder; it must end well."""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout
