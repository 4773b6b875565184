"""Where the judged data are that the project is measured on and learns from; they are not part of it."""

from __future__ import annotations

import os
from pathlib import Path

_SHARED = Path(__file__).resolve().parents[1].parent / "shared"


def products_file() -> Path:
    """The file of judged products: in the folder DUIJIE_FIELD_PRODUCTS, or in ../shared/field_products."""
    return Path(os.environ.get("DUIJIE_FIELD_PRODUCTS", _SHARED / "field_products")) / "products.csv"


def judged_pairs() -> Path:
    """The folder of the judged pairs: DUIJIE_JUDGED_PAIRS, or ../shared/judged_pairs."""
    return Path(os.environ.get("DUIJIE_JUDGED_PAIRS", _SHARED / "judged_pairs"))
