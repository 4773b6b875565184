"""Logins: a name and a password become a session, a session or a verified address becomes a viewer.

Nobody is a viewer yet who logs in: these functions ask for no right.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, func, insert, select

from matching.errors import NotPermitted, Problem
from matching.ledger.accounts import (
    Account,
    account_of_email,
    append_account,
    newest_account,
    plain_name,
)
from matching.ledger.database import now, reading, writing
from matching.ledger.passwords import hashed, is_outdated, is_password, login_rules
from matching.ledger.rights import Viewer
from matching.ledger.tables import login_attempt, login_session, login_session_end

# As long as the column; longer names are of no account.
_NAME_KEPT: Final = 200


@dataclass(frozen=True)
class Session:
    """What a browser is given: the token, which the ledger does not hold, and for how many seconds it is good."""

    token: str
    seconds: int


def log_in(engine: Engine, name: str, password: str) -> Session:
    """Begin a session.

    Raises `NotPermitted` for a name and password that do not belong together (whether the name exists is not told), for
    a name with too many failures, and for a disabled account whose password was right.
    """
    name = plain_name(name)[:_NAME_KEPT]
    with reading(engine) as connection:
        _refuse_locked(connection, name)
        tried = newest_account(connection, name)
    right = is_password(password, tried.password_hash if tried else "")
    new_hash = hashed(password) if tried and right and is_outdated(tried.password_hash) else None
    with writing(engine) as connection:
        # Once more: of attempts made at one time no more than the allowed ones are told whether they were right.
        _refuse_locked(connection, name)
        # An account that was changed while its password was tried is no longer the one it was tried for.
        right = right and newest_account(connection, name) == tried
        connection.execute(
            insert(login_attempt).values(name=name, succeeded=right and not _disabled(tried), at=now()),
        )
        session = _begun(connection, tried, new_hash) if right and tried and not tried.disabled else None
    if session is not None:
        return session
    raise NotPermitted(Problem("login.disabled") if right else Problem("login.wrong"))


def log_out(engine: Engine, token: str) -> None:
    """End the session of a token; one that is over or never was changes nothing."""
    with writing(engine) as connection:
        query = select(login_session.c.session_id).where(login_session.c.token_hash == _token_hash(token))
        session_id = connection.execute(query).scalar_one_or_none()
        ended = select(login_session_end.c.session_id).where(login_session_end.c.session_id == session_id)
        if session_id is not None and connection.execute(ended).one_or_none() is None:
            connection.execute(insert(login_session_end).values(session_id=session_id, at=now()))


def viewer_of_session(engine: Engine, token: str) -> Viewer:
    """Whose session a token is, with the role that the ledger holds now.

    Raises `NotPermitted` where there is no such session, where it is over, and where the account is disabled.
    """
    query = (
        select(login_session.c.name, login_session.c.expires_at, login_session_end.c.session_id.label("ended"))
        .join(login_session_end, login_session_end.c.session_id == login_session.c.session_id, isouter=True)
        .where(login_session.c.token_hash == _token_hash(token))
    )
    with reading(engine) as connection:
        session = connection.execute(query).one_or_none()
        found = newest_account(connection, session.name) if session else None
    if session is None or found is None:
        raise NotPermitted(Problem("login.needed"))
    if found.disabled:
        raise NotPermitted(Problem("login.disabled"))
    if session.ended is not None or session.expires_at <= now():
        raise NotPermitted(Problem("login.over"))
    return _viewer(found)


def refusal_of_session(engine: Engine, token: str) -> Problem | None:
    """Why a token is good for nothing; None where it is good. It is as for `viewer_of_session`."""
    try:
        viewer_of_session(engine, token)
    except NotPermitted as error:
        return error.problems[0]
    return None


def viewer_of_email(engine: Engine, email: str) -> Viewer:
    """Whose account has an address that an identity provider has verified.

    Raises `NotPermitted` for an address of no account and for a disabled account.
    """
    with reading(engine) as connection:
        found = account_of_email(connection, email.strip().casefold()) if email.strip() else None
    if found is None:
        raise NotPermitted(Problem("login.unknown_email", values={"email": email}))
    if found.disabled:
        raise NotPermitted(Problem("login.disabled"))
    return _viewer(found)


def _begun(connection: Connection, account: Account, new_hash: str | None) -> Session:
    token = secrets.token_urlsafe(32)
    lasts = timedelta(hours=login_rules().session_hours)
    values = {
        "token_hash": _token_hash(token),
        "name": account.name,
        "expires_at": (datetime.now(UTC) + lasts).isoformat(timespec="milliseconds"),
        "at": now(),
    }
    connection.execute(insert(login_session).values(values))
    if new_hash is not None:
        append_account(connection, replace(account, password_hash=new_hash), account.name)
    return Session(token, int(lasts.total_seconds()))


def _refuse_locked(connection: Connection, name: str) -> None:
    """Raise where the name has failed too often since its last success; existing or not, it is told the same."""
    rules = login_rules()
    since = datetime.now(UTC) - timedelta(minutes=rules.lock_out_minutes)
    last_success = (
        select(func.max(login_attempt.c.attempt_id))
        .where(login_attempt.c.name == name, login_attempt.c.succeeded)
        .scalar_subquery()
    )
    query = select(func.count(login_attempt.c.attempt_id)).where(
        login_attempt.c.name == name,
        login_attempt.c.attempt_id > func.coalesce(last_success, 0),
        login_attempt.c.at > since.isoformat(timespec="milliseconds"),
    )
    if connection.execute(query).scalar_one() >= rules.failures:
        raise NotPermitted(Problem("login.locked", values={"minutes": rules.lock_out_minutes}))


def _disabled(account: Account | None) -> bool:
    return account is not None and account.disabled


def _viewer(account: Account) -> Viewer:
    return Viewer(account.name, account.role, account.organisation)


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
