"""How high a table stands on the screen."""

from __future__ import annotations

from typing import Final

# Pixels of the heading, of a row, and of the frame.
_HEADING: Final = 32
_ROW: Final = 31
_FRAME: Final = 2


def height_of(rows: int, most: int) -> int:
    """Pixels of a table with so many rows, at most so many pixels: no blank rows below, a bar to scroll beyond."""
    return min(_HEADING + _ROW * rows + _FRAME, most)
