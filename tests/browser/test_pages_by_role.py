"""Every page under every role, run by the script of the screens: it works, or says in words that it is not there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import polars as pl
import pytest
import streamlit as st
from places import ROOT
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from matching.ledger.accounts import add_account
from matching.ledger.catalogue import current_records
from matching.ledger.database import open_ledger
from matching.ledger.decisions import decide
from matching.ledger.rights import Viewer
from matching.ledger.runs import candidates_of
from matching.schema import CHOICES, ROLES
from matching.wording import DEFAULT_LANGUAGE, say
from ui.pages import SCREENS, pages_of

DEMAND = "XQ2026012"
# Who learns whose a demand is only from the deal about it.
NOT_TOLD = ("institute", "official")


@pytest.fixture(scope="module")
def ledger_of_roles(tmp_path_factory: pytest.TempPathFactory, sample_ledger: Path) -> Path:
    """The samples, matched; a deal of each visibility, an account of every role, the institute's that of the deals."""
    path = tmp_path_factory.mktemp("roles") / "ledger.sqlite"
    copyfile(sample_ledger, path)
    engine = open_ledger(f"sqlite:///{path}")
    best = candidates_of(engine, 1, DEMAND).row(0, named=True)
    demands = current_records(engine, "demands", ["demand_id", "visibility"]).unique("visibility", keep="first")
    assert set(demands["visibility"]) == set(CHOICES["demands"]["visibility"])
    for demand_id in demands["demand_id"].sort():
        pair = {"demand_id": demand_id, "achievement_id": best["achievement_id"]}
        decide(engine, **pair, run_id=1, verdict="accept", agent="甲", nonce="1", seen=None)
    for role in ROLES:
        add_account(engine, f"某{role}", role, "管理员", institute=best["institute"], email=address(role))
    engine.dispose()
    return path


def address(role: str) -> str:
    """The address that the identity provider vouches for."""
    return f"{role}@example.invalid"


@pytest.fixture(scope="module")
def _server() -> Iterator[None]:
    """What a server keeps is kept from test to test, and neither before nor after them."""
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


@pytest.fixture(autouse=True)
def _shared(_server: None, ledger_of_roles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shared screens, with an identity provider that has let the person in."""
    monkeypatch.setenv("DUIJIE_DATABASE_URL", f"sqlite:///{ledger_of_roles}")
    monkeypatch.setenv("DUIJIE_SHARED", "true")
    monkeypatch.setenv("DUIJIE_LOGIN", "oidc")


def opened(role: str, page: str, language: str = DEFAULT_LANGUAGE, **state: str) -> AppTest:
    """A page as an account of a role opens it."""
    app = AppTest.from_file(str(ROOT / "ui" / "app.py"), default_timeout=60)
    claims = {"is_logged_in": True, "iat": time.time(), "email": address(role)}
    for name, value in claims.items():
        app.user[name] = value
    app.query_params["language"] = say("app.language_name", language)
    for name, value in state.items():
        app.session_state[name] = value
    # Pages that are functions have no file to switch to.
    app._page_hash = calc_hash(page)
    return app.run()


def words(app: AppTest) -> str:
    """Everything that the page says: lines, tables, and what can be chosen."""
    lines = [
        str(each.value) for each in (*app.markdown, *app.text, *app.info, *app.error, *app.subheader, *app.caption)
    ]
    tables = [str(each.value.to_dict()) for each in app.dataframe]
    drawn = [each.proto.body for each in app.get("html")]
    choices = [str(each.options) for each in (*app.selectbox, *app.multiselect)]
    return "\n".join([*lines, *tables, *drawn, *choices, *(each.label for each in app.button)])


@pytest.fixture(scope="module")
def hidden(ledger_of_roles: Path) -> set[str]:
    """How the names of enterprises begin of which no demand is public: small places shorten names."""
    engine = open_ledger(f"sqlite:///{ledger_of_roles}")
    demands = current_records(engine, "demands", ["enterprise", "visibility"])
    engine.dispose()
    names = demands.with_columns(pl.col("enterprise").str.slice(0, 8))
    return set(names["enterprise"]) - set(names.filter(visibility="public")["enterprise"])


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("page", SCREENS)
def test_a_page_works_or_says_that_it_is_not_there(page: str, role: str, hidden: set[str]) -> None:
    """All deals are at their first step: an institute knows the enterprises of public demands alone."""
    app = opened(role, page, kind="demands")
    works_or_is_not_there(app, page, role)
    said = words(app)
    told = [each for each in hidden if each in said]
    if role in NOT_TOLD:
        assert told == []
    elif page in ("deals", "lists"):
        assert told, "the check of the others proves something"
    if page == "deals" and role != "official":
        # An institute reads it; the steps are an agent's.
        assert say("deals.timeline", DEFAULT_LANGUAGE) in said
        pressed = {str(each.key).partition(":")[0] for each in app.button} - {"card", "logout"}
        assert bool(pressed) == (role != "institute"), pressed


@pytest.mark.parametrize("page", SCREENS)
def test_a_page_works_in_english(page: str) -> None:
    works_or_is_not_there(opened("admin", page, "en"), page, "admin", "en")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("page", ["lists", "upload"])
def test_a_page_of_achievements_works(page: str, role: str, hidden: set[str]) -> None:
    app = opened(role, page, kind="achievements")
    works_or_is_not_there(app, page, role)
    said = words(app)
    assert role not in NOT_TOLD or [each for each in hidden if each in said] == []


def works_or_is_not_there(app: AppTest, page: str, role: str, language: str = DEFAULT_LANGUAGE) -> None:
    """Fail where the page said that something went wrong, or is not what the role has at this address."""
    assert not app.exception
    assert not app.error
    _, shown = pages_of(Viewer(f"某{role}", role))
    absent = say("app.no_page_here", language)
    if page in shown:
        assert absent not in words(app)
        # More than one line: the screen has drawn itself.
        assert len(list(app.main)) > 1
    else:
        assert [each.value for each in app.info] == [absent]
        assert not app.dataframe
