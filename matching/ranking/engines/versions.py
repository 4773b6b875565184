"""What has to be the same wherever blocks are ranked, that the lists be the same to the last byte."""

# Dask has types, but not everywhere.
# mypy: allow-untyped-calls

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from distributed import Client

from matching.errors import CallError, Problem

_PYTHON: Final = "Python"
_PACKAGES: Final = ("duijie", "numba", "numpy", "polars", "rapidfuzz", "scipy")


def versions() -> dict[str, str]:
    """Versions here by name."""
    return {_PYTHON: platform.python_version(), **{each: version(each) for each in _PACKAGES}}


def same_versions(client: Client, wanted: Mapping[str, str]) -> None:
    """`CallError` where the scheduler or a worker has another version than is wanted, or none."""
    other = [
        Problem("engine.versions", values={"place": place, "name": name, "there": there, "here": here})
        for name, here in wanted.items()
        for place, there in _there(client, name).items()
        if there != here
    ]
    if other:
        raise CallError(*other)


def _there(client: Client, name: str) -> dict[str, str]:
    """The version at the scheduler and at each worker, "-" where there is none.

    Asked by functions of the standard library: this program's own may be missing there.
    """
    asked = (platform.python_version,) if name == _PYTHON else (version, name)
    found: dict[str, object] = client.run(*asked, on_error="return")
    try:
        scheduler = client.run_on_scheduler(*asked)
    except PackageNotFoundError:
        scheduler = "-"
    return {
        client.scheduler_info()["address"]: str(scheduler),
        **{place: each if isinstance(each, str) else "-" for place, each in found.items()},
    }
