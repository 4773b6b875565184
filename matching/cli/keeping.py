"""Commands for the ledger as a whole: checking it, backing it up, moving it."""

from __future__ import annotations

from pathlib import Path

import click

from matching.cli.group import FILE, command_line
from matching.cli.terminal import ledger_of, progress_of, tell
from matching.ledger import chain, copying
from matching.progress import step
from matching.settings import Settings


@command_line.command(help="cli.verify")
@click.option("--head", default="", help="cli.verify_head")
@click.pass_obj
def verify(settings: Settings, head: str) -> int:
    """Recompute the chain of the ledger and say what does not fit."""
    ledger = ledger_of(settings)
    head = head.strip().lower()
    with progress_of(settings) as progress:
        found = chain.verify(ledger, step(progress, "verify"), head)
    _tell_found(settings, found)
    if head:
        tell(settings, "cli.head_known" if found.knows_head else "cli.head_unknown", head=head)
    return 0 if found.sound else 1


def _tell_found(settings: Settings, found: chain.Verification) -> None:
    for problem in found.findings:
        click.echo(problem.text(settings.language))
    tell(settings, "cli.verified", rows=found.rows, links=found.links, findings=len(found.findings))
    tell(settings, "cli.head", head=found.head)


@command_line.command(help="cli.move")
@click.argument("target")
@click.pass_obj
def move(settings: Settings, target: str) -> int:
    """Copy the ledger into an empty one on another database."""
    ledger = ledger_of(settings)
    with progress_of(settings) as progress:
        found = copying.move(ledger, target, progress)
    _tell_found(settings, found)
    tell(settings, "cli.moved")
    return 0 if found.sound else 1


@command_line.command(help="cli.backup")
@click.argument("file", type=FILE)
@click.pass_obj
def backup(settings: Settings, file: Path) -> None:
    """Write a consistent copy of the ledger into a file."""
    ledger = ledger_of(settings)
    with progress_of(settings) as progress:
        copying.backup(ledger, file, progress)
    tell(settings, "cli.backed_up", path=file)


@command_line.command(help="cli.restore")
@click.argument("file", type=FILE)
@click.pass_obj
def restore(settings: Settings, file: Path) -> None:
    """Put a backup into the empty ledger."""
    ledger = ledger_of(settings)
    with progress_of(settings) as progress:
        found = copying.restore(ledger, file, progress)
    _tell_found(settings, found)
    tell(settings, "cli.restored", path=file)
