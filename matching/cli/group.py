"""The group of all commands."""

from __future__ import annotations

from pathlib import Path

import click

from matching.wording import LANGUAGES

FILE = click.Path(path_type=Path)


@click.group(help="cli.help", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="duijie", message="%(version)s", help="cli.version")
@click.option("--language", type=click.Choice(LANGUAGES), expose_value=False, help="cli.language")
def command_line() -> None:
    """The group of all commands; help texts are keys of the wording catalogues."""
