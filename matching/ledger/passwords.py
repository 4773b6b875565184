"""Passwords of local accounts: what they must be, how they are kept (argon2id), and how one is tried."""

from __future__ import annotations

import secrets
import string
import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from matching.data_files import data_path
from matching.errors import CallError, Problem

# Without characters that are read as others.
_LETTERS: Final = "".join(sorted(set(string.ascii_letters + string.digits) - set("0O1lI")))


@dataclass(frozen=True)
class LoginRules:
    """`datasets/access/logins.toml`; durations are in the unit their name ends with."""

    minimum_characters: int
    maximum_characters: int
    generated_characters: int
    passes: int
    memory_kibibytes: int
    lanes: int
    failures: int
    lock_out_minutes: int
    most_attempts: int
    attempts_minutes: int
    session_hours: int


@cache
def login_rules() -> LoginRules:
    """The rules in force."""
    with data_path("access", "logins.toml").open("rb") as source:
        found = tomllib.load(source)
    return LoginRules(
        **found["password"],
        **found["hash"],
        failures=found["lock_out"]["failures"],
        lock_out_minutes=found["lock_out"]["minutes"],
        most_attempts=found["attempts"]["most"],
        attempts_minutes=found["attempts"]["minutes"],
        session_hours=found["session"]["hours"],
    )


def check_password(password: str) -> None:
    """Raise `CallError` for a new password that is too short or too long."""
    rules = login_rules()
    least, most = rules.minimum_characters, rules.maximum_characters
    if not least <= len(password) <= most:
        raise CallError(Problem("account.password_length", values={"minimum": least, "maximum": most}))


def hashed(password: str) -> str:
    """What the ledger keeps of a password."""
    return _hasher(login_rules()).hash(password)


def is_password(password: str, password_hash: str) -> bool:
    """Whether a password is the one of a hash. Without a hash ("") it is tried against one that nothing fits.

    So a name that does not exist takes as long to refuse as a wrong password.
    """
    rules = login_rules()
    try:
        fits = _hasher(rules).verify(password_hash or _nobodys(rules), password[: rules.maximum_characters + 1])
    except (InvalidHashError, VerificationError):
        return False
    return fits and bool(password_hash)


def is_outdated(password_hash: str) -> bool:
    """Whether a hash was made by lesser parameters than today's."""
    return _hasher(login_rules()).check_needs_rehash(password_hash)


def generated_password() -> str:
    """A random password of letters and digits that are not mistaken for each other."""
    return "".join(secrets.choice(_LETTERS) for _ in range(login_rules().generated_characters))


def prepare() -> None:
    """Make the hash that nothing fits: the first unknown name must not take longer than the second."""
    _nobodys(login_rules())


@cache
def _hasher(rules: LoginRules) -> PasswordHasher:
    return PasswordHasher(time_cost=rules.passes, memory_cost=rules.memory_kibibytes, parallelism=rules.lanes)


@cache
def _nobodys(rules: LoginRules) -> str:
    return _hasher(rules).hash(secrets.token_urlsafe(32))
