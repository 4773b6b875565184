"""Who asks the ledger, and whether they may: an engine that is asked for a viewer refuses what the viewer may not do.

An engine without a viewer is that of one's own machine, where everything is allowed.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Final, cast

from sqlalchemy import Engine

from matching.data_files import data_path
from matching.errors import NotPermitted, Problem

_OPTION: Final = "viewer"


@dataclass(frozen=True)
class Viewer:
    """An account as it asks: its name, its role (`schema.ROLES`), and of an institute's account the institute."""

    account: str
    role: str
    organisation: str = ""


def as_viewer(engine: Engine, viewer: Viewer) -> Engine:
    """The same ledger, asked for a viewer; connections are shared."""
    return engine.execution_options(**{_OPTION: viewer})


def unrestricted(engine: Engine) -> Engine:
    """The same ledger as a whole: for what a permitted operation has to look at without showing it."""
    return engine.execution_options(**{_OPTION: None})


def viewer_of(engine: Engine) -> Viewer | None:
    """For whom the ledger is asked; None on one's own machine."""
    return cast(Viewer | None, engine.get_execution_options().get(_OPTION))


def may(engine: Engine, operation: str) -> bool:
    """Whether the viewer may do what `datasets/access/rights.toml` calls so."""
    viewer = viewer_of(engine)
    return viewer is None or viewer.role in rights().get(operation, ())


def permit(engine: Engine, operation: str, agent: str | None = None) -> None:
    """Raise `NotPermitted` where the viewer may not do this, or would do it in the name of another (`agent`)."""
    viewer = viewer_of(engine)
    if viewer is None:
        return
    if not may(engine, operation) or agent not in (None, viewer.account):
        raise NotPermitted(Problem("access.not_permitted", values={"account": viewer.account}))


@cache
def rights() -> dict[str, tuple[str, ...]]:
    """The roles that may do each operation."""
    with data_path("access", "rights.toml").open("rb") as source:
        found = tomllib.load(source)["operations"]
    return {operation: tuple(roles) for operation, roles in found.items()}
