"""Codes in words that several screens say alike."""

from __future__ import annotations

from ui.access import t


def verdict_words(verdict: str, reason: str) -> str:
    """A verdict with the reason of a rejection."""
    words = t(f"verdict.{verdict}")
    return t("review.with_reason", verdict=words, reason=t(f"reason.{reason}")) if reason else words
