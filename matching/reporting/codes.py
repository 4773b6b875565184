"""Codes that stand in tables for what has no name of its own."""

from __future__ import annotations

from typing import Final

# Of what nobody stated, or what was not understood.
UNKNOWN: Final = "unknown"
# Of a name that the reader must not learn.
HIDDEN: Final = "hidden"
