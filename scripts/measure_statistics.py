"""Measure the statistics on a large ledger: `python scripts/measure_statistics.py [TIMES] [LEDGER]`.

A ledger with a million entries is written to a temporary folder, or one that was written so is given. Each table is
then made TIMES (three) times, each time by a process of its own that reads the ledger anew. Printed are the medians:
seconds that passed, seconds of the processor, what reading took of both, and the most memory.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import large_ledger
from sqlalchemy import Engine

from matching.fields.taxonomies import first_taxonomy
from matching.ledger.database import open_ledger
from matching.ledger.moments import settled
from matching.reporting.csv_files import csv_files
from matching.reporting.cut_sheets import conversion_sheet, coverage_sheet, cut_sheet, funnel_sheet, heat_sheet
from matching.reporting.dimensions import dimensions
from matching.reporting.facts import Facts, facts
from matching.reporting.page import page
from matching.reporting.period import Period
from matching.reporting.plan_sheets import plan_sheets
from matching.reporting.policy_sheets import deadline_sheet, league_sheet, subsidy_sheets
from matching.reporting.registration_sheet import registration_sheet
from matching.reporting.sheets import Report
from matching.reporting.whole_report import whole_report
from matching.reporting.workbook import workbook
from matching.settings import Settings

TIMES: Final = 3
PERIOD: Final = Period()
LANGUAGE: Final = "zh_CN"

Make = Callable[[Engine, Facts], object]


def main() -> None:
    """Write the ledger, have everything measured, print the figures."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else TIMES
    with tempfile.TemporaryDirectory() as folder:
        path = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(folder) / "ledger.sqlite"
        if not path.exists():
            large_ledger.write(open_ledger(f"sqlite:///{path}"))
        print(f"{path.stat().st_size / 1e6:,.0f} MB, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}\n")
        print("| made | s | s of the processor | s of reading | s of the processor | MB |\n|---|---|---|---|---|---|")
        for name in tables():
            print(row(name, [measured(path, name) for _ in range(times)]), flush=True)
    print(f"\nload {os.getloadavg()[0]:.1f}")


def tables() -> Mapping[str, Make]:
    """What is measured, by its name: how it is made of facts."""
    field = first_taxonomy().code
    return {
        "nothing but the facts": lambda _, found: found,
        "funnel": lambda _, found: funnel_sheet(found, PERIOD, LANGUAGE, hide=False),
        **{f"by {name}": cut_by(name) for name in dimensions()},
        "by field and quarter": cut_by(field, "quarter"),
        "by enterprise and institute": cut_by("enterprise", "institute"),
        "by field, as an official sees it": cut_by(field, hide=True),
        "grid of field and quarter": lambda _, found: heat_sheet(
            found, (field, "quarter"), "accepted", PERIOD, LANGUAGE, hide=False
        ),
        "conversion by field": lambda _, found: conversion_sheet(found, field, PERIOD, LANGUAGE, hide=False),
        "coverage by institute": lambda _, found: coverage_sheet(found, "institute", LANGUAGE, hide=False),
        "plan": lambda _, found: plan_sheets(found, LANGUAGE),
        "league": lambda _, found: league_sheet(found, found.today.year, LANGUAGE, hide=False),
        "subsidies": lambda _, found: subsidy_sheets(found, LANGUAGE, hide=False),
        "deadlines": lambda _, found: deadline_sheet(found, LANGUAGE),
        "registration": lambda _, found: registration_sheet(found, PERIOD, LANGUAGE, hide=False),
        "whole report as workbook": written(workbook),
        "whole report as CSV": written(csv_files),
        "whole report as page": written(page),
    }


def cut_by(*by: str, hide: bool = False) -> Make:
    """What makes the table of all figures by some dimensions."""
    return lambda _, found: cut_sheet(found, by, PERIOD, LANGUAGE, hide=hide)


def written(form: Callable[[Report], object]) -> Make:
    """What makes the whole report in a form."""
    return lambda engine, found: form(whole_report(engine, found, PERIOD, LANGUAGE))


def measured(path: Path, name: str) -> dict[str, float]:
    """What a new process took to make one of the tables."""
    command = [sys.executable, __file__, "--one", str(path), name]
    taken: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return taken


def make_one(path: str, name: str) -> dict[str, float]:
    """Make one of the tables in this process, in which all modules are there and nothing else is yet."""
    engine = open_ledger(f"sqlite:///{path}")
    began, worked = time.perf_counter(), time.process_time()
    found = facts(engine, settled(engine), Settings().timezone)
    read, read_worked = time.perf_counter(), time.process_time()
    tables()[name](engine, found)
    return {
        "wall": time.perf_counter() - began,
        "cpu": time.process_time() - worked,
        "read": read - began,
        "read_cpu": read_worked - worked,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def row(name: str, taken: list[dict[str, float]]) -> str:
    """A line of the table: the medians."""
    middle = {each: statistics.median(one[each] for one in taken) for each in taken[0]}
    seconds = " | ".join(f"{middle[each]:.1f}" for each in ("wall", "cpu", "read", "read_cpu"))
    return f"| {name} | {seconds} | {middle['megabytes']:,.0f} |"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(make_one(*sys.argv[2:])))
    else:
        main()
