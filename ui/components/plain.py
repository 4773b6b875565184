"""Text of a record inside a label: Streamlit reads labels as Markdown, which could load pictures or links."""

from __future__ import annotations

import re
from typing import Final

_PUNCTUATION: Final = re.compile(r"([!-/:-@\[-`{-~])")


def plain(text: str) -> str:
    """The text with every ASCII punctuation mark escaped, on one line."""
    return _PUNCTUATION.sub(r"\\\1", " ".join(text.split()))
