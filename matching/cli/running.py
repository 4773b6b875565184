"""Running a command: the language before anything else, settings, errors as messages and exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from tomllib import TOMLDecodeError
from typing import Final, NoReturn, cast

import click
from pydantic import ValidationError

from matching.cli.group import command_line, declare
from matching.errors import CallError, DuijieError, Problem
from matching.settings import Language, Settings
from matching.wording import DEFAULT_LANGUAGE, LANGUAGES, say

# Everything that has a help text, with the key it was declared with.
_HELP_KEYS: Final[dict[click.Command | click.Parameter, str]] = {}


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 refused, 2 wrong call, 130 interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    chosen = _language(given)
    language = chosen or DEFAULT_LANGUAGE
    try:
        settings = _settings(chosen)
        declare(_command(given))
        language = settings.language
        _word_help(language)
        code = command_line.main(given, prog_name="duijie", standalone_mode=False, obj=settings)
        sys.exit(code if isinstance(code, int) else 0)
    except DuijieError as error:
        click.echo(error.text(language), err=True)
        sys.exit(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(error.exit_code)
    except click.ClickException as error:
        click.echo(say("call.usage", language, message=error.format_message()), err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo(say("cli.interrupted", language), err=True)
        sys.exit(130)


def _language(arguments: list[str]) -> str | None:
    """The value of --language, before anything else is parsed: help and errors are worded by it."""
    for place, argument in enumerate(arguments):
        value = argument.removeprefix("--language=")
        if argument == "--language" and place + 1 < len(arguments):
            value = arguments[place + 1]
        if value in LANGUAGES and value != argument:
            return value
    return None


def _settings(language: str | None) -> Settings:
    try:
        return Settings(language=cast(Language, language)) if language else Settings()
    except TOMLDecodeError as error:
        raise CallError(Problem("call.wrong_settings_file", values={"reason": error})) from error
    except ValidationError as error:
        raise CallError(
            *(
                Problem(
                    "call.wrong_setting",
                    values={"name": ".".join(map(str, each["loc"])), "reason": each["msg"]},
                )
                for each in error.errors()
            )
        ) from error


def _command(arguments: Sequence[str]) -> str | None:
    """The first argument that is neither an option nor the language."""
    before = ("", *arguments)
    return next(
        (each for last, each in zip(before, arguments, strict=False) if last != "--language" and each[:1] != "-"), None
    )


def _word_help(language: str) -> None:
    for command in (command_line, *command_line.commands.values()):
        for each in (command, *command.params):
            if isinstance(each, click.Command | click.Option) and each.help:
                each.help = say(_HELP_KEYS.setdefault(each, each.help), language)
