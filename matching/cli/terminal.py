"""What commands say on the terminal: results, progress, what of a file was not taken; and what they work on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy import Engine

from matching.errors import CallError, Problem
from matching.intake.reading import Reading, read_file
from matching.ledger.database import open_ledger
from matching.progress import Progress
from matching.schema import Kind
from matching.settings import Settings
from matching.wording import say

# Rows that a file's report lists one by one; further ones are counted.
_LEFT_OUT_SHOWN = 10


def ledger_of(settings: Settings) -> Engine:
    """The user's ledger, open for as long as the command runs."""
    engine = open_ledger(settings.database_url)
    click.get_current_context().call_on_close(engine.dispose)
    return engine


def tell(settings: Settings, key: str, **values: object) -> None:
    """Print a wording on standard output."""
    click.echo(say(key, settings.language, **values))


def must_end(path: Path, suffix: str, key: str) -> None:
    """Raise `CallError` with the wording of the key for a file whose name ends otherwise."""
    if path.suffix.lower() != suffix:
        raise CallError(Problem(key, values={"path": path}))


def read_list(settings: Settings, path: Path, kind: Kind) -> Reading:
    """Read a file and say what was not taken."""
    with progress_of(settings) as progress:
        progress("read", 0, 1)
        read = read_file(path, kind, settings)
        progress("read", 1, 1)
    tell_reading(settings, read)
    return read


def tell_reading(settings: Settings, read: Reading) -> None:
    """Say on standard error what of a file was not taken as a record, and how its columns were understood."""
    for problem in (*read.notes, *read.left_out[:_LEFT_OUT_SHOWN]):
        click.echo(problem.text(settings.language), err=True)
    if len(read.left_out) > _LEFT_OUT_SHOWN:
        more = len(read.left_out) - _LEFT_OUT_SHOWN
        click.echo(say("cli.more_left_out", settings.language, file=read.file, count=more), err=True)
    if read.unread:
        click.echo(say("cli.unread", settings.language, file=read.file, headings=read.unread), err=True)
    for found in (found for heading in read.headings for found in heading.found if found.resemblance < 1):
        values = {"heading": found.heading, "column": say(f"column.{found.column.name}", settings.language)}
        click.echo(say("cli.resembling", settings.language, file=read.file, **values), err=True)


@contextmanager
def progress_of(settings: Settings) -> Iterator[Progress]:
    """A bar per step on standard error; a line per finished step where that is not a terminal."""
    # Commands without a bar are not to wait for it.
    from rich.console import Console
    from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Bars(*columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(step: str, done: int, total: int) -> None:
            words = say(f"step.{step}", settings.language)
            if step not in tasks:
                tasks[step] = bars.add_task(words, total=total)
            bars.update(tasks[step], completed=done, total=total)
            if done == total and not console.is_terminal:
                console.print(say("step.done", settings.language, step=words), highlight=False)

        yield tell
