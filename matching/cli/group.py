"""The group of all commands."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Final

import click

from matching.wording import LANGUAGES

FILE = click.Path(path_type=Path)
# The command that serves, and where all others are declared.
_SERVING: Final = "serve"
_OTHERS: Final = ("accounts", "catalogue", "finding", "keeping", "ranking", "statistics")


class Commands(click.Group):
    """A group whose commands are declared when they are asked for."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name."""
        declare(cmd_name)
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        declare()
        return super().list_commands(ctx)


def declare(command: str | None = None) -> None:
    """Have a command declared, or all: serving by itself, for who opens the screens would wait for the others."""
    import_module("matching.cli.serving")
    if command != _SERVING:
        for module in _OTHERS:
            import_module(f"matching.cli.{module}")


@click.group(cls=Commands, help="cli.help", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="duijie", message="%(version)s", help="cli.version")
@click.option("--language", type=click.Choice(LANGUAGES), expose_value=False, help="cli.language")
def command_line() -> None:
    """The group of all commands; help texts are keys of the wording catalogues."""
