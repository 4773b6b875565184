"""Commands that keep the accounts of the shared mode; whoever can run them has the ledger anyway."""

from __future__ import annotations

import sys
from typing import cast

import click

from matching.cli.group import command_line
from matching.cli.terminal import ledger_of, tell
from matching.errors import CallError, Problem
from matching.ledger import accounts
from matching.ledger.passwords import check_password
from matching.schema import ROLES
from matching.settings import Settings
from matching.wording import say


class _Worded(click.Group):
    """A group whose commands are worded when they are asked for, in the language of the settings."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, with its help and that of its options in the language of this call."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            for each in (command, *command.params):
                if isinstance(each, click.Command | click.Option) and each.help:
                    key = _KEYS.setdefault(each, each.help)
                    each.help = say(key, cast(Settings, ctx.find_object(Settings)).language)
        return command


# The keys that help texts were declared with.
_KEYS: dict[click.Command | click.Parameter, str] = {}
_PASSWORD = click.option("--password-stdin", is_flag=True, help="cli.account_password_stdin")


@command_line.group(cls=_Worded, help="cli.account")
def account() -> None:
    """The group of the commands about accounts."""


@account.command(help="cli.account_add")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="cli.account_role")
@click.option("--institute", default="", help="cli.account_institute")
@click.option("--email", default="", help="cli.account_email")
@_PASSWORD
@click.pass_obj
def add(settings: Settings, name: str, role: str, institute: str, email: str, password_stdin: bool) -> None:
    """Add an account; where an identity provider lets people in, one with an address needs no password."""
    asked = password_stdin or settings.login != "oidc" or not email
    password = _password(settings, from_stdin=password_stdin) if asked else None
    engine = ledger_of(settings)
    accounts.add_account(engine, name, role, settings.agent, institute=institute, email=email, password=password)
    tell(settings, "cli.account_added", name=accounts.plain_name(name), role=say(f"role.{role}", settings.language))


@account.command(help="cli.account_disable")
@click.argument("name")
@click.pass_obj
def disable(settings: Settings, name: str) -> None:
    """Disable an account and end its sessions."""
    accounts.set_disabled(ledger_of(settings), name, settings.agent, disabled=True)
    tell(settings, "cli.account_disabled", name=accounts.plain_name(name))


@account.command(help="cli.account_enable")
@click.argument("name")
@click.pass_obj
def enable(settings: Settings, name: str) -> None:
    """Enable an account that was disabled."""
    accounts.set_disabled(ledger_of(settings), name, settings.agent, disabled=False)
    tell(settings, "cli.account_enabled", name=accounts.plain_name(name))


@account.command(help="cli.account_reset")
@click.argument("name")
@_PASSWORD
@click.pass_obj
def reset(settings: Settings, name: str, password_stdin: bool) -> None:
    """Give an account a new password and end its sessions."""
    password = _password(settings, from_stdin=password_stdin)
    accounts.reset_password(ledger_of(settings), name, password, settings.agent)
    tell(settings, "cli.account_reset_done", name=accounts.plain_name(name))


@account.command("list", help="cli.account_list")
@click.pass_obj
def list_accounts(settings: Settings) -> None:
    """Print every account: name, role, institute, address, state, separated by tabs."""
    listed = accounts.all_accounts(ledger_of(settings))
    for each in listed.iter_rows(named=True):
        state = say("account.disabled" if each["disabled"] else "account.enabled", settings.language)
        role = say(f"role.{each['role']}", settings.language)
        click.echo("\t".join((each["name"], role, each["organisation"], each["email"], state)))
    if listed.is_empty():
        tell(settings, "cli.no_accounts")


def _password(settings: Settings, *, from_stdin: bool) -> str:
    """The password of one line of standard input, or asked for twice without showing it."""
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        first, again = (
            click.prompt(say(key, settings.language), hide_input=True, err=True)
            for key in ("cli.account_password", "cli.account_password_again")
        )
        if first != again:
            raise CallError(Problem("account.passwords_differ"))
        password = str(first)
    check_password(password)
    return password
