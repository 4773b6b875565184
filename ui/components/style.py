"""The few rules of style that the theme cannot express: density, aligned figures, marked terms."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

from ui.access import settings, t

_SHEET: Final = Path(__file__).with_name("style.css")


def apply_style() -> None:
    """Put the style sheet into the page, and our words in place of the uploader's own, which has English ones alone."""
    words = (
        ('[data-testid="stFileUploaderDropzone"] button', t("upload.button")),
        (
            '[data-testid="stFileUploaderDropzoneInstructions"]',
            t("upload.limit", megabytes=settings().upload_megabytes),
        ),
    )
    rules = "\n".join(f'{place}::after {{ content: "{text}"; font-size: 1rem; }}' for place, text in words)
    st.html(f"<style>{_SHEET.read_text(encoding='utf-8')}\n{rules}</style>")
