"""Commands that write the statistics, and what the policy says of a deal."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import click

from matching.cli.group import FILE, command_line
from matching.cli.terminal import ledger_of, tell
from matching.errors import CallError, Problem
from matching.ledger.moments import settled
from matching.reporting.csv_files import csv_files, zip_of
from matching.reporting.deal_policy import amounts_of, conditions_of, deal_policy, policy_sheet, result_of
from matching.reporting.dimensions import known_dimensions
from matching.reporting.facts import facts
from matching.reporting.page import page
from matching.reporting.period import Period
from matching.reporting.sheets import Report, texts
from matching.reporting.tables import write_bytes
from matching.reporting.whole_report import cut_report, only, whole_report
from matching.reporting.workbook import workbook
from matching.settings import Settings
from matching.wording import say

_FORMATS: Final = ("xlsx", "csv", "html")
_DAY: Final = click.DateTime(["%Y-%m-%d"])


@command_line.command(help="cli.stats")
@click.option("--from", "first", type=_DAY, help="cli.stats_from")
@click.option("--to", "last", type=_DAY, help="cli.stats_to")
@click.option("--as-of", "as_of", help="cli.stats_as_of")
@click.option("--by", "cuts", multiple=True, help="cli.stats_by")
@click.option("--table", "tables", multiple=True, help="cli.stats_table")
@click.option("--format", "form", type=click.Choice(_FORMATS), help="cli.stats_format")
@click.option("--output", type=FILE, help="cli.stats_output")
@click.pass_obj
def stats(
    settings: Settings,
    first: datetime | None,
    last: datetime | None,
    as_of: str | None,
    cuts: tuple[str, ...],
    tables: tuple[str, ...],
    form: str | None,
    output: Path | None,
) -> None:
    """Write the statistics of the ledger, whole or cut."""
    form = form or _form_of(output)
    period = Period(_day(first), _day(last))
    by = [known_dimensions([name.strip() for name in cut.split(",")]) for cut in cuts]
    asked = None if as_of is None else _moment(as_of, settings.timezone)
    _check_destination(form, output, one_table=len(tables or by) == 1)
    engine = ledger_of(settings)
    now = settled(engine)
    found = facts(engine, now if asked is None else min(asked, now), settings.timezone)
    if by:
        report = cut_report(engine, found, by, period, settings.language)
    else:
        report = whole_report(engine, found, period, settings.language)
    if tables:
        report = only(report, tables)
    if output is None:
        click.echo(next(iter(csv_files(report).values())).decode("utf-8-sig"), nl=False)
        return
    _write(report, form, output)
    if not by and not tables:
        _tell_funnel(report)
    tell(settings, "cli.reported", path=output)


def _form_of(output: Path | None) -> str:
    """The format that a file's name says; CSV for the terminal and for folders."""
    if output is None:
        return "csv"
    ending = output.suffix.lower().removeprefix(".")
    return {"xlsx": "xlsx", "html": "html", "htm": "html"}.get(ending, "csv")


def _tell_funnel(report: Report) -> None:
    """The first table's main figures, a line each."""
    funnel = report.sheets[0]
    counts, steps = (texts(funnel, funnel.column(name), report.language) for name in ("count", "step"))
    for count, step in zip(counts, steps, strict=True):
        click.echo(f"{count:>10}  {step}")


def _check_destination(form: str, output: Path | None, *, one_table: bool) -> None:
    """Raise `CallError` where a format cannot be written there: before anything is computed."""
    if output is None:
        if form != "csv" or not one_table:
            raise CallError(Problem("call.stats_needs_output"))
        return
    endings = {"xlsx": (".xlsx",), "html": (".html", ".htm"), "csv": ("", ".zip", *([".csv"] if one_table else []))}
    if output.suffix.lower() not in endings[form]:
        raise CallError(Problem("call.stats_ending", values={"path": output, "form": form}))


def _write(report: Report, form: str, output: Path) -> None:
    """A workbook, a page, one CSV, an archive of CSV files (.zip), or a folder of them."""
    if form == "xlsx":
        write_bytes(output, workbook(report))
    elif form == "html":
        write_bytes(output, page(report))
    elif output.suffix.lower() == ".zip":
        write_bytes(output, zip_of(csv_files(report), report.as_of))
    elif output.suffix.lower() == ".csv":
        write_bytes(output, next(iter(csv_files(report).values())))
    else:
        _write_folder(report, output)


def _write_folder(report: Report, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CallError(Problem("call.not_written", values={"path": folder, "reason": error.strerror})) from error
    for name, content in csv_files(report).items():
        write_bytes(folder / name, content)


def _day(given: datetime | None) -> date | None:
    return None if given is None else given.date()


def _moment(text: str, timezone: str) -> datetime:
    """The moment that a user writes: the end of a local day, or an exact one, local unless it names its zone.

    Of a day that is not over: as far as it has come.
    """
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise CallError(Problem("stats.wrong_moment", values={"text": text})) from error
    now = datetime.now(UTC)
    if given.tzinfo is None:
        given = given.replace(tzinfo=ZoneInfo(timezone))
    if given > now:
        raise CallError(Problem("stats.future", values={"text": text}))
    if len(text) == len(f"{now:%Y-%m-%d}"):
        given = given + timedelta(days=1) - timedelta(milliseconds=1)
    return min(given.astimezone(UTC), now)


@command_line.command(help="cli.policy")
@click.argument("deal", type=int)
@click.option("--output", type=FILE, help="cli.policy_output")
@click.pass_obj
def policy(settings: Settings, deal: int, output: Path | None) -> None:
    """Say what each rule of policy says of a deal."""
    form = _form_of(output)
    _check_destination(form, output or Path(), one_table=True)
    engine = ledger_of(settings)
    today = datetime.now(ZoneInfo(settings.timezone)).date()
    judged = deal_policy(engine, deal, today)
    if output is not None:
        now = datetime.now(ZoneInfo(settings.timezone))
        sheet = policy_sheet(deal, judged, settings.language)
        cover = ((say("report.moment", settings.language), f"{now:%Y-%m-%d %H:%M:%S}"),)
        report = Report(sheet.title, cover, (sheet,), now, settings.language)
        _write(report, form, output)
        tell(settings, "cli.reported", path=output)
        return
    for each in judged:
        click.echo(f"{each.rule.entry.name(settings.language)}  {result_of(each, settings.language)}")
        for line in conditions_of(each, settings.language):
            click.echo(f"    {line}")
        for amount in amounts_of(each, settings.language):
            click.echo(f"    {amount}")
        click.echo(f"    {' '.join(each.source(settings.language))}")
