"""Where the data files are: beside the sources in a checkout, inside the package in an installed wheel."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent


def data_path(*parts: str) -> Path:
    """Path of a file or folder below `datasets`."""
    packaged = _PACKAGE / "datasets"
    root = packaged if packaged.is_dir() else _PACKAGE.parent / "datasets"
    return root.joinpath(*parts)
