"""Accounts of the shared mode: all of one is written anew at each change, the newest entry of a name counts."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Final

import polars as pl
from sqlalchemy import Connection, Engine, Select, func, insert, select

from matching.errors import CallError, LedgerError, Problem
from matching.ledger.database import now, reading, writing
from matching.ledger.frames import frame
from matching.ledger.passwords import check_password, hashed
from matching.ledger.rights import permit
from matching.ledger.tables import account, login_attempt, login_session, login_session_end
from matching.schema import ROLES

ADMIN: Final = "admin"
INSTITUTE: Final = "institute"
_LONGEST_NAME: Final = 100

ACCOUNTS: Final[dict[str, pl.DataType]] = {
    "entry_id": pl.Int64(),
    "name": pl.String(),
    "role": pl.String(),
    "organisation": pl.String(),
    "email": pl.String(),
    "disabled": pl.Boolean(),
    "last_login": pl.String(),
    "at": pl.String(),
}


@dataclass(frozen=True)
class Account:
    """An account as it stands. `organisation` is the institute of an institute's account, "" for the others."""

    entry_id: int
    name: str
    role: str
    organisation: str
    email: str
    password_hash: str = field(repr=False)
    disabled: bool


def all_accounts(engine: Engine) -> pl.DataFrame:
    """Every account by name (`ACCOUNTS`); moments are UTC, `last_login` is null where no password was ever right."""
    permit(engine, "manage_accounts")
    logins = (
        select(login_attempt.c.name, func.max(login_attempt.c.at).label("last_login"))
        .where(login_attempt.c.succeeded)
        .group_by(login_attempt.c.name)
        .subquery()
    )
    columns = [logins.c.last_login if name == "last_login" else account.c[name] for name in ACCOUNTS]
    query = (
        select(*columns)
        .join(logins, logins.c.name == account.c.name, isouter=True)
        .where(account.c.entry_id.in_(_newest()))
        .order_by(account.c.name)
    )
    with reading(engine) as connection:
        return frame(connection, query, ACCOUNTS)


def has_admin(engine: Engine) -> bool:
    """Whether an enabled account may manage the others; asked when the server starts, before anybody is a viewer."""
    with reading(engine) as connection:
        return _admins(connection) > 0


def add_account(
    engine: Engine,
    name: str,
    role: str,
    agent: str,
    *,
    institute: str = "",
    email: str = "",
    password: str | None = None,
) -> None:
    """Add an account; without a password only an identity provider can let it in, by its e-mail address.

    Raises `CallError` for a name, role, address or password that cannot be, `LedgerError` for a name or an address that
    is taken.
    """
    permit(engine, "manage_accounts", agent)
    name, email = plain_name(name), plain_email(email)
    _check_role(role, institute)
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise CallError(Problem("account.wrong_name", values={"most": _LONGEST_NAME}))
    if password is None and not email:
        raise CallError(Problem("account.no_way_in"))
    if password is not None:
        check_password(password)
    password_hash = "" if password is None else hashed(password)
    new = Account(0, name, role, institute.strip() if role == INSTITUTE else "", email, password_hash, disabled=False)
    with writing(engine) as connection:
        if newest_account(connection, name) is not None:
            raise LedgerError(Problem("account.exists", values={"name": name}))
        if email and account_of_email(connection, email) is not None:
            raise LedgerError(Problem("account.email_taken", values={"email": email}))
        append_account(connection, new, agent)


def set_disabled(engine: Engine, name: str, agent: str, *, disabled: bool, seen: int | None = None) -> None:
    """Disable an account, which ends its sessions, or enable it again; one that is so already stays as it is.

    Raises `LedgerError` for an unknown name, for the last enabled admin, and where the account has changed since the
    entry `seen`.
    """
    _change(engine, name, agent, seen, lambda standing: replace(standing, disabled=disabled))


def change_role(
    engine: Engine, name: str, role: str, agent: str, *, institute: str = "", seen: int | None = None
) -> None:
    """Give an account another role. Raises as `set_disabled` does, and `CallError` for a role that cannot be."""
    permit(engine, "manage_accounts", agent)
    _check_role(role, institute)
    organisation = institute.strip() if role == INSTITUTE else ""
    _change(engine, name, agent, seen, lambda standing: replace(standing, role=role, organisation=organisation))


def reset_password(engine: Engine, name: str, password: str, agent: str, *, seen: int | None = None) -> None:
    """Give an account a new password, which ends its sessions.

    Raises as `set_disabled` does, and `CallError` for a password that is too short or too long.
    """
    permit(engine, "manage_accounts", agent)
    check_password(password)
    password_hash = hashed(password)
    _change(engine, name, agent, seen, lambda standing: replace(standing, password_hash=password_hash))


def plain_name(name: str) -> str:
    """A name as it is kept and looked for: full-width letters are plain ones, blanks around it are gone."""
    return unicodedata.normalize("NFKC", name).strip()


def plain_email(email: str) -> str:
    """An address as it is kept and looked for. Raises `CallError` where it is none; "" stays so."""
    email = email.strip().casefold()
    before, at, after = email.rpartition("@")
    if email and (not at or not before or not after or len(email) > 320 or not email.isprintable() or " " in email):
        raise CallError(Problem("account.wrong_email", values={"email": email}))
    return email


def newest_account(connection: Connection, name: str) -> Account | None:
    """The account of a name as it stands."""
    return _one(connection, select(func.max(account.c.entry_id)).where(account.c.name == name))


def account_of_email(connection: Connection, email: str) -> Account | None:
    """The account that has an address now."""
    return _one(
        connection,
        select(func.max(account.c.entry_id)).where(account.c.email == email, account.c.entry_id.in_(_newest())),
    )


def append_account(connection: Connection, entry: Account, agent: str) -> None:
    """Write an account anew; its `entry_id` is given by the ledger."""
    values = {name: value for name, value in asdict(entry).items() if name != "entry_id"}
    connection.execute(insert(account).values(**values, agent=agent, at=now()))


def _change(engine: Engine, name: str, agent: str, seen: int | None, change: Callable[[Account], Account]) -> None:
    permit(engine, "manage_accounts", agent)
    with writing(engine) as connection:
        standing = newest_account(connection, plain_name(name))
        if standing is None:
            raise LedgerError(Problem("account.unknown", values={"name": name}))
        if seen not in (None, standing.entry_id):
            raise LedgerError(Problem("account.changed_meanwhile", values={"name": name}))
        changed = change(standing)
        if changed == standing:
            return
        if _is_admin(standing) and not _is_admin(changed) and _admins(connection) == 1:
            raise LedgerError(Problem("account.last_admin", values={"name": name}))
        append_account(connection, changed, agent)
        if changed.disabled or changed.password_hash != standing.password_hash:
            _end_sessions(connection, standing.name)


def _end_sessions(connection: Connection, name: str) -> None:
    ended = select(login_session_end.c.session_id)
    query = select(login_session.c.session_id).where(
        login_session.c.name == name, login_session.c.expires_at > now(), login_session.c.session_id.not_in(ended)
    )
    for session_id in connection.execute(query).scalars().all():
        connection.execute(insert(login_session_end).values(session_id=session_id, at=now()))


def _check_role(role: str, institute: str) -> None:
    if role not in ROLES:
        raise CallError(Problem("account.wrong_role", values={"role": role, "roles": ROLES}))
    if role == INSTITUTE and not institute.strip():
        raise CallError(Problem("account.no_institute"))


def _is_admin(entry: Account) -> bool:
    return entry.role == ADMIN and not entry.disabled


def _admins(connection: Connection) -> int:
    query = select(func.count()).where(
        account.c.entry_id.in_(_newest()), account.c.role == ADMIN, account.c.disabled.is_(False)
    )
    return connection.execute(query).scalar_one()


def _newest() -> Select[int]:
    return select(func.max(account.c.entry_id)).group_by(account.c.name)


def _one(connection: Connection, entry_id: Select[int]) -> Account | None:
    columns = [account.c[name] for name in Account.__dataclass_fields__]
    row = connection.execute(select(*columns).where(account.c.entry_id == entry_id.scalar_subquery())).one_or_none()
    return None if row is None else Account(**row._mapping)
