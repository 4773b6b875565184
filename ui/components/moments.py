"""Moments of the ledger, which are UTC, as the user's clock shows them."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from ui.access import settings


def local_minute(at: str) -> str:
    """A moment of the ledger to the minute: 2026-11-22T01:43:00.755+00:00 → 2026-11-22 09:43."""
    return f"{datetime.fromisoformat(at).astimezone(ZoneInfo(settings().timezone)):%Y-%m-%d %H:%M}"


def local_day(at: str) -> str:
    """The day of a moment of the ledger."""
    return local_minute(at)[:10]


def today() -> date:
    """This day by the user's clock."""
    return datetime.now(ZoneInfo(settings().timezone)).date()
