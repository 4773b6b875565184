"""The command that finds achievements for demands as they are typed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click
import polars as pl
from rich.cells import cell_len, set_cell_size

from matching import pipeline
from matching.cli.group import command_line
from matching.cli.terminal import ledger_of, progress_of, tell
from matching.errors import CallError, Problem
from matching.settings import Settings
from matching.wording import say

# Shared terms that are told of a candidate, and how many characters they have at least.
_TERMS: Final = 5
_LEAST: Final = 2
_COLUMNS: Final = ("rank", "score", "level", "achievement_id", "institute", "achievement_title", "shared_terms")
_NUMBERS: Final = ("rank", "score")
# Standard input as a file's name.
_INPUT: Final = "-"


@command_line.command(help="cli.find")
@click.argument("text", required=False)
@click.option("--file", "source", type=click.Path(path_type=Path, allow_dash=True), help="cli.find_file")
@click.option("--top", type=click.IntRange(1, 1000), help="cli.top")
@click.pass_obj
def find(settings: Settings, text: str | None, source: Path | None, top: int | None) -> None:
    """Find achievements for a demand, or for one after the other as they are typed."""
    if text is not None and source is not None:
        raise CallError(Problem("find.text_or_file"))
    asking = text is None and source is None and sys.stdin.isatty()
    written = "" if asking else _written(text, source)
    if not asking and not written.strip():
        raise CallError(Problem("find.no_text"))
    with progress_of(settings) as progress:
        loaded = pipeline.loaded(ledger_of(settings), progress, settings.index)
    top = top or settings.top
    if not asking:
        _show(settings, pipeline.find(loaded, written, top))
        return
    while typed := _typed(settings):
        _show(settings, pipeline.find(loaded, typed, top))


def _written(text: str | None, source: Path | None) -> str:
    """The demand as the call gives it: by itself, in a file, or on standard input."""
    if text is not None:
        return text
    try:
        content = sys.stdin.buffer.read() if source is None or str(source) == _INPUT else source.read_bytes()
    except OSError as error:
        raise CallError(Problem("find.not_read", values={"path": source, "reason": error.strerror})) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CallError(Problem("find.not_text", values={"path": source or _INPUT})) from error


def _typed(settings: Settings) -> str:
    """A demand that is typed on the terminal; empty where there is no further one."""
    try:
        said: str = click.prompt(say("cli.find_prompt", settings.language), default="", show_default=False)
    except click.Abort:
        click.echo()
        return ""
    return said.strip()


def _show(settings: Settings, found: pl.DataFrame) -> None:
    """Print candidates as a table."""
    if found.is_empty():
        tell(settings, "find.nothing")
        return
    headings = {name: say(f"column.{name}", settings.language) for name in _COLUMNS}
    headings["level"] = say("compare.level", settings.language)
    rows = [headings, *(_cells(row, settings.language) for row in found.iter_rows(named=True))]
    widths = {name: max(cell_len(row[name]) for row in rows) for name in _COLUMNS}
    for row in rows:
        cells = [_aligned(row[name], widths[name], name in _NUMBERS) for name in _COLUMNS]
        click.echo("  ".join(cells).rstrip())


def _cells(row: dict[str, object], language: str) -> dict[str, str]:
    """What is printed of a candidate."""
    terms = [each for each in row["shared_terms"] if len(each["term"]) >= _LEAST][:_TERMS]  # type: ignore[attr-defined]
    told = {
        "score": f"{row['score']:.3f}",
        "level": say(f"level.{row['level']}", language),
        "shared_terms": say("list.separator", language).join(
            f"{each['term']} {each['contribution']:.3f}" for each in terms
        ),
    }
    # A title of several lines stands on one.
    return {name: " ".join(str(told.get(name, row[name])).split()) for name in _COLUMNS}


def _aligned(text: str, width: int, right: bool) -> str:
    """A text in so many columns of the terminal, of which a Chinese character takes two."""
    return " " * (width - cell_len(text)) + text if right else set_cell_size(text, width)
