"""Which pages a role sees."""

from __future__ import annotations

import tomllib

import pytest

from matching.data_files import data_path
from matching.ledger.rights import Viewer
from matching.schema import ROLES
from ui.pages import SCREENS, pages_of


def test_the_data_file_names_the_pages_there_are() -> None:
    with data_path("access", "pages.toml").open("rb") as source:
        found = tomllib.load(source)
    assert found["pages"].keys() == SCREENS.keys()
    assert {role for roles in found["pages"].values() for role in roles} == set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_sees_first_is_among_what_it_sees(role: str) -> None:
    first, shown = pages_of(Viewer("某人", role, "示例研究所"))
    assert first in shown
    assert ("accounts" in shown) is (role == "admin")


def test_on_ones_own_machine_all_pages_are_there_but_the_accounts() -> None:
    first, shown = pages_of(None)
    assert first == "review"
    assert set(shown) == SCREENS.keys() - {"accounts"}
