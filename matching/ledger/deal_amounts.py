"""Amounts of deals as people write them, exact to the fen: whole numbers and decimals, no floats."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from matching.errors import CallError, Problem
from matching.intake import cells

_FEN: Final = 100
_WAN_FEN: Final = 10_000 * _FEN
_NUMBER: Final = re.compile(r"([0-9][0-9,]*(?:\.[0-9]+)?)(.*)", re.DOTALL)


def read_fen(written: str, heading: str) -> int | None:
    """An amount in fen. Its unit is its own, else that of the heading of its field, else 万元; None for an empty text.

    Raises `CallError` for what is no single amount, or is finer than a fen.

    >>> read_fen("12.345678", "Amount"), read_fen("80,000.55 元", "Amount")
    (12345678, 8000055)
    """
    text = cells.plain(written)
    if not text:
        return None
    try:
        whole = cells.yuan(text, heading)
        if whole is None or not cells.is_plain_amount(text):
            raise ValueError(text)
        amount = _exact(text, heading) if _NUMBER.fullmatch(text) else Decimal(whole)
    except ValueError as error:
        raise CallError(Problem("deal.not_an_amount", values={"text": written.strip()})) from error
    fen = amount * _FEN
    if fen != fen.to_integral_value():
        raise CallError(Problem("deal.finer_than_fen", values={"text": written.strip()}))
    return int(fen)


def _exact(text: str, heading: str) -> Decimal:
    """The figure times what the same cell with a one in it would be read as: the unit, as the cell reader knows it."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(text)
    unit = cells.yuan(f"1{match[2]}", heading)
    if unit is None:
        raise ValueError(text)
    return Decimal(match[1].replace(",", "")) * unit


def wan_text(fen: int | None) -> str:
    """An amount in 万元 with two decimals, or with all that it has: 1,234.50; "" for none.

    >>> wan_text(1_234_500_000), wan_text(12_345_678)
    ('1,234.50', '12.345678')
    """
    if fen is None:
        return ""
    exact = Decimal(fen) / _WAN_FEN
    return f"{exact:,.2f}" if fen % (_WAN_FEN // 100) == 0 else f"{exact.normalize():,f}"


def rounded_wan_text(fen: int) -> str:
    """An amount in 万元 with two decimals, halves up, for where many stand side by side.

    >>> rounded_wan_text(12_345_678)
    '12.35'
    """
    return f"{(Decimal(fen) / _WAN_FEN).quantize(Decimal('0.01'), ROUND_HALF_UP):,}"
