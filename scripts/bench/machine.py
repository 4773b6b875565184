"""The machine that was measured on: processor, caches, memory, versions of what is compared."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from importlib.metadata import version
from typing import Any, Final

# What `lscpu` calls it, and what the figures do.
_WANTED: Final = {
    "Model name:": "processor",
    "L1d cache:": "cache_1",
    "L2 cache:": "cache_2",
    "L3 cache:": "cache_3",
}
_PACKAGES: Final = (
    *("numpy", "scipy", "numba", "polars", "scikit-learn", "rjieba"),
    *("sparse-dot-topn", "bm25s", "tantivy", "rank-bm25"),
)


def machine() -> dict[str, Any]:
    """Its description; caches as `lscpu` prints them, of all cores together; memory in MB."""
    said = subprocess.run(
        ["lscpu", "-J"],  # noqa: S607 - where it stands differs between systems
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    found = {each["field"]: each["data"] for each in _flat(json.loads(said.stdout)["lscpu"])}
    return {
        **{name: found.get(field, "") for field, name in _WANTED.items()},
        "cores": os.cpu_count(),
        "memory": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6,
        "system": platform.system(),
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
        "packages": {name: version(name) for name in _PACKAGES},
    }


def _flat(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Newer versions put fields below each other."""
    return [each for field in fields for each in (field, *_flat(field.get("children", [])))]
