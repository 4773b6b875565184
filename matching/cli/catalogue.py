"""Commands for what the ledger's lists come from: files, templates, uploads, records that are missing or look alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import polars as pl

from matching import pipeline
from matching.cli.group import FILE, command_line
from matching.cli.terminal import ledger_of, must_end, progress_of, tell, tell_reading
from matching.errors import CallError, FileRefused, Problem
from matching.intake.columns import known_columns, normalised
from matching.intake.files import content_of, read_sheets
from matching.intake.marked import marked_workbook
from matching.intake.reading import read_tables
from matching.intake.templates import template as template_bytes
from matching.ledger import organisation_names, presence, uploads
from matching.reporting.tables import csv_bytes, write_bytes
from matching.schema import KINDS, Kind
from matching.settings import Settings
from matching.wording import say

_AS = click.option("--as", "kind", type=click.Choice(KINDS), required=True, help="cli.load_as")
# Proposals that are listed one by one; further ones are counted.
_SHOWN = 10


@command_line.command(help="cli.load")
@click.argument("file", type=FILE)
@_AS
@click.option("--institute", default="", help="cli.load_institute")
@click.option("--dry-run", is_flag=True, help="cli.load_dry_run")
@click.option("--good-rows", is_flag=True, help="cli.load_good_rows")
@click.option("--column", "chosen", multiple=True, help="cli.load_column")
@click.option("--accept-names", is_flag=True, help="cli.load_accept_names")
@click.option("--problems", type=FILE, help="cli.load_problems")
@click.pass_obj
def load(
    settings: Settings,
    file: Path,
    kind: Kind,
    institute: str,
    dry_run: bool,
    good_rows: bool,
    chosen: tuple[str, ...],
    accept_names: bool,
    problems: Path | None,
) -> None:
    """Put a file into the ledger, or say what it would change."""
    if problems is not None:
        must_end(problems, ".xlsx", "call.output_is_xlsx")
    content = content_of(file)
    ledger = ledger_of(settings)
    institute = institute.strip()
    columns = _columns(kind, chosen)
    plan = pipeline.remembered_plan(ledger, kind, institute)
    plan = replace(plan, columns={**plan.columns, **columns})
    with progress_of(settings) as progress:
        progress("read", 0, 1)
        sheets = read_sheets(file.name, content, settings)
        read = read_tables(file.name, content, sheets, kind, settings, plan, good_rows=True)
        progress("read", 1, 1)
    tell_reading(settings, read)
    if problems is not None:
        write_bytes(problems, marked_workbook(read, sheets, settings.language))
        tell(settings, "cli.problems_written", path=problems)
    if read.wrong and (read.frame.is_empty() or not good_rows):
        tell(settings, "cli.load_refused", file=file.name, rows=read.rows, refused=read.refused)
        raise FileRefused(*read.wrong_told)
    with progress_of(settings) as progress:
        prepared = pipeline.prepare(ledger, read, institute, content, progress)
    _tell_proposals(settings, prepared, accept_names)
    counts = {**prepared.difference.counts, "refused": read.refused, "left_out": len(read.left_out)}
    if dry_run:
        tell(settings, "cli.would_load", file=file.name, rows=read.rows, **counts)
        return
    names = dict(prepared.names.select("written", "name").rows()) if accept_names else {}
    with progress_of(settings) as progress:
        pipeline.load(ledger, prepared, settings.agent, progress, columns=columns, names=names)
    tell(settings, "cli.loaded", file=file.name, rows=read.rows, **counts)


def _columns(kind: Kind, chosen: tuple[str, ...]) -> dict[str, str]:
    """Columns chosen by hand: HEADING=COLUMN, or HEADING= for one to be kept as it is."""
    known = {column.name: column for column in known_columns(kind)}
    found: dict[str, str] = {}
    for each in chosen:
        heading, equals, column = each.rpartition("=")
        if not equals or not normalised(heading) or (column and column not in known):
            raise CallError(Problem("call.column_choice", values={"given": each, "known": list(known)}))
        found[normalised(heading)] = column
    return found


def _tell_proposals(settings: Settings, prepared: pipeline.Prepared, accept_names: bool) -> None:
    """Names that stand for others, records known under another id, records that look alike, records that are vague."""
    language = settings.language
    key = "cli.name_accepted" if accept_names else "cli.name_proposed"
    lines = [
        say(key, language, written=written, name=name, reason=say(f"organisation.{reason}", language))
        for written, name, reason in prepared.names.select("written", "name", "reason").iter_rows()
    ]
    _tell_some(lines, settings)
    lines = [say("cli.renamed", language, given=given, known=known) for given, known in prepared.renamed.items()]
    _tell_some(lines, settings)
    titles = dict(prepared.read.frame.select(pl.first(), "title").iter_rows())
    lines = [
        say("cli.near", language, first=_named(first, titles), second=_named(second, titles), likeness=likeness)
        for first, second, likeness in prepared.near.select("first_id", "second_id", "likeness").iter_rows()
    ]
    _tell_some(lines, settings)
    if vague := prepared.quality["vague"].sum():
        click.echo(say("cli.vague", language, count=vague), err=True)


def _named(record_id: str, titles: dict[str, str]) -> str:
    return f"{record_id} {titles.get(record_id, '')}".strip()


def _tell_some(lines: list[str], settings: Settings) -> None:
    for line in lines[:_SHOWN]:
        click.echo(line, err=True)
    if len(lines) > _SHOWN:
        click.echo(say("cli.and_more", settings.language, count=len(lines) - _SHOWN), err=True)


@command_line.command(help="cli.template")
@_AS
@click.option("--output", type=FILE, required=True, help="cli.template_output")
@click.pass_obj
def template(settings: Settings, kind: Kind, output: Path) -> None:
    """Write a workbook to be filled in."""
    must_end(output, ".xlsx", "call.output_is_xlsx")
    write_bytes(output, template_bytes(kind, settings.language))
    tell(settings, "cli.template_written", path=output)


@command_line.command("uploads", help="cli.uploads")
@click.option("--take-back", type=int, help="cli.uploads_take_back")
@click.option("--original", type=int, help="cli.uploads_original")
@click.option("--output", type=FILE, help="cli.uploads_output")
@click.pass_obj
def list_uploads(settings: Settings, take_back: int | None, original: int | None, output: Path | None) -> None:
    """List the files that were loaded, take one back, or write one as it came."""
    ledger = ledger_of(settings)
    if take_back is not None:
        uploads.take_back(ledger, take_back, settings.agent)
        tell(settings, "cli.taken_back", upload=take_back)
        return
    if original is not None:
        name, content = uploads.original_of(ledger, original)
        target = output or Path(Path(name).name)
        if target.exists() and output is None:
            raise CallError(Problem("call.file_exists", values={"path": target}))
        write_bytes(target, content)
        tell(settings, "cli.original_written", path=target)
        return
    for row in uploads.uploads(ledger).iter_rows(named=True):
        words = {"kind_name": say(f"kind.{row['kind']}", settings.language)}
        tell(settings, "cli.upload_taken_back" if row["reversed_at"] else "cli.upload", **row, **words)


@command_line.command(help="cli.missing")
@_AS
@click.option("--gone", multiple=True, help="cli.missing_gone")
@click.option("--kept", multiple=True, help="cli.missing_kept")
@click.pass_obj
def missing(settings: Settings, kind: Kind, gone: tuple[str, ...], kept: tuple[str, ...]) -> None:
    """List the records that the latest file of their institute lacks, or say what became of them."""
    ledger = ledger_of(settings)
    for ids, is_gone in ((gone, True), (kept, False)):
        if ids:
            count = presence.settle_missing(ledger, kind, ids, gone=is_gone, agent=settings.agent)
            tell(settings, "cli.missing_settled", count=count)
    if not gone and not kept:
        for record_id, at in presence.missing(ledger, kind).select("record_id", "at").iter_rows():
            click.echo(f"{record_id}  {at[:10]}")


@command_line.command(help="cli.duplicates")
@_AS
@click.option("--same", type=(str, str), multiple=True, help="cli.duplicates_same")
@click.option("--different", type=(str, str), multiple=True, help="cli.duplicates_different")
@click.option("--output", type=FILE, help="cli.duplicates_output")
@click.pass_obj
def duplicates(
    settings: Settings,
    kind: Kind,
    same: tuple[tuple[str, str], ...],
    different: tuple[tuple[str, str], ...],
    output: Path | None,
) -> None:
    """List the records that look alike, or say of two whether they are one."""
    ledger = ledger_of(settings)
    if output is not None:
        must_end(output, ".csv", "call.output_is_csv")
    for pairs, is_same in ((same, True), (different, False)):
        for first, second in pairs:
            presence.settle_near(ledger, kind, first, second, same=is_same, agent=settings.agent)
            tell(settings, "cli.duplicate_same" if is_same else "cli.duplicate_different", first=first, second=second)
    if same or different:
        return
    pairs_open = presence.near_pairs(ledger, kind)
    if output is not None:
        write_bytes(output, csv_bytes(pairs_open))
        tell(settings, "cli.duplicates_written", count=pairs_open.height, path=output)
        return
    for first, second, likeness in pairs_open.select("first_id", "second_id", "likeness").iter_rows():
        click.echo(f"{likeness:.2f}  {first}  {second}")


@command_line.command(help="cli.names")
@click.option("--same", type=(str, str), multiple=True, help="cli.names_same")
@click.option("--forget", multiple=True, help="cli.names_forget")
@click.pass_obj
def names(settings: Settings, same: tuple[tuple[str, str], ...], forget: tuple[str, ...]) -> None:
    """List what names of organisations were said to stand for, or say so of one."""
    ledger = ledger_of(settings)
    said: dict[str, str | None] = {**dict(same), **dict.fromkeys(forget)}
    if said:
        tell(settings, "cli.names_said", count=organisation_names.confirm(ledger, said, settings.agent))
        return
    for written, name in sorted(organisation_names.confirmed_names(ledger).items()):
        click.echo(f"{written} → {name}")
