"""The few rules of style that the theme cannot express: density, aligned figures, marked terms."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

_SHEET: Final = Path(__file__).with_name("style.css")


def apply_style() -> None:
    """Put the style sheet into the page."""
    st.html(_SHEET)
