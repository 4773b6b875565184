"""Accounts: who may log in, in which role; added, disabled, given another role or a new password."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

import polars as pl
import streamlit as st

from matching.errors import DuijieError
from matching.ledger import accounts, uploads
from matching.ledger.passwords import generated_password
from matching.schema import ROLES
from ui.access import agent, language, ledger, settings, t, worded_key
from ui.components.moments import local_minute
from ui.components.tables import height_of

_MESSAGE: Final = "accounts_message"
_PASSWORD: Final = "accounts_password"  # noqa: S105
_COUNT: Final = "accounts_count"


def show() -> None:
    """The screen."""
    st.subheader(t("accounts.title"))
    listed = accounts.all_accounts(ledger())
    st.dataframe(_readable(listed), hide_index=True, height=height_of(listed.height, 400))
    _show_message()
    left, right = st.columns(2, gap="large")
    with left:
        _show_add()
    with right:
        _show_one(listed)


def _readable(listed: pl.DataFrame) -> pl.DataFrame:
    minute = pl.col("last_login").map_elements(local_minute, return_dtype=pl.String())
    roles = {role: t(f"role.{role}") for role in ROLES}
    state = pl.when("disabled").then(pl.lit(t("account.disabled"))).otherwise(pl.lit(t("account.enabled")))
    return listed.select(
        pl.col("name").alias(t("accounts.name")),
        pl.col("role").replace(roles).alias(t("accounts.role")),
        pl.col("organisation").alias(t("accounts.institute")),
        pl.col("email").alias(t("accounts.email")),
        state.alias(t("accounts.state")),
        minute.fill_null("").alias(t("accounts.last_login")),
    )


def _show_message() -> None:
    """What the last press did. A password that was made is shown here and never again."""
    if message := st.session_state.pop(_MESSAGE, None):
        wrong, text = message
        (st.error if wrong else st.success)(text)
    if shown := st.session_state.pop(_PASSWORD, None):
        st.text(t("accounts.password_once"))
        st.code(shown, language=None)


def _show_add() -> None:
    st.markdown(f"**{t('accounts.add')}**")
    count = st.session_state.get(_COUNT, 0)
    name = st.text_input(t("accounts.name"), key=f"account_name:{count}")
    role, institute = _choose_role(f"add:{count}", ROLES[0], "")
    email = st.text_input(t("accounts.email"), key=f"account_email:{count}")
    st.button(
        t("accounts.add"),
        type="primary",
        key=f"account_add:{count}",
        on_click=_add,
        args=(name, role, institute, email),
    )


def _show_one(listed: pl.DataFrame) -> None:
    st.markdown(f"**{t('accounts.change')}**")
    name = st.selectbox(t("accounts.name"), listed["name"].to_list(), key="account_chosen")
    if name is None:
        return
    chosen = listed.row(by_predicate=pl.col("name") == name, named=True)
    # With the entry in its key a press that arrives twice finds no button the second time.
    seen = int(chosen["entry_id"])
    role, institute = _choose_role(f"change:{seen}", chosen["role"], chosen["organisation"])
    same = (role, institute) == (chosen["role"], chosen["organisation"])
    buttons = st.container(horizontal=True)
    buttons.button(
        t("accounts.change_role"),
        key=f"account_role:{seen}",
        disabled=same,
        on_click=_change_role,
        args=(name, role, institute, seen),
    )
    disabled = bool(chosen["disabled"])
    buttons.button(
        t("accounts.enable") if disabled else t("accounts.disable"),
        key=f"account_disable:{seen}",
        on_click=_set_disabled,
        args=(name, not disabled, seen),
    )
    if settings().login == "accounts":
        buttons.button(t("accounts.reset"), key=f"account_reset:{seen}", on_click=_reset, args=(name, seen))


def _choose_role(key: str, role: str, institute: str) -> tuple[str, str]:
    """A role, and where it is that of an institute, which."""
    chosen = st.selectbox(
        t("accounts.role"),
        ROLES,
        index=ROLES.index(role),
        format_func=lambda code: t(f"role.{code}"),
        key=worded_key(f"account_role_of:{key}"),
    )
    if chosen != accounts.INSTITUTE:
        return chosen, ""
    known = sorted({name for name in uploads.uploads(ledger())["institute"] if name} | ({institute} - {""}))
    of = st.selectbox(
        t("accounts.institute"),
        known,
        index=known.index(institute) if institute else None,
        accept_new_options=True,
        placeholder=t("upload.institute_hint"),
        key=f"account_institute:{key}",
    )
    return chosen, (cast(str | None, of) or "").strip()


def _add(name: str, role: str, institute: str, email: str) -> None:
    password = generated_password() if settings().login == "accounts" else None
    done = _act(
        lambda: accounts.add_account(
            ledger(), name, role, agent(), institute=institute, email=email, password=password
        ),
        "accounts.added",
        name=accounts.plain_name(name),
    )
    if done:
        st.session_state[_COUNT] = st.session_state.get(_COUNT, 0) + 1
        st.session_state[_PASSWORD] = password


def _change_role(name: str, role: str, institute: str, seen: int) -> None:
    _act(
        lambda: accounts.change_role(ledger(), name, role, agent(), institute=institute, seen=seen),
        "accounts.role_changed",
        name=name,
        role=t(f"role.{role}"),
    )


def _set_disabled(name: str, disabled: bool, seen: int) -> None:
    done = "accounts.disabled_now" if disabled else "accounts.enabled_now"
    _act(lambda: accounts.set_disabled(ledger(), name, agent(), disabled=disabled, seen=seen), done, name=name)


def _reset(name: str, seen: int) -> None:
    password = generated_password()
    if _act(
        lambda: accounts.reset_password(ledger(), name, password, agent(), seen=seen), "accounts.reset_done", name=name
    ):
        st.session_state[_PASSWORD] = password


def _act(write: Callable[[], None], done: str, **values: str) -> bool:
    """Write, and keep what is to be said of it for the run that follows."""
    try:
        write()
    except DuijieError as error:
        st.session_state[_MESSAGE] = (True, error.text(language()))
        return False
    st.session_state[_MESSAGE] = (False, t(done, **values))
    return True
