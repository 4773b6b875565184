"""Cells of text become values: amounts, dates, lists, choices. Each raises `ValueError` on what it cannot read."""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from datetime import date
from decimal import Decimal
from typing import Final

_UNITS: Final = {"亿元": 10**8, "亿": 10**8, "万元": 10**4, "万": 10**4, "元": 1, "yuan": 1}
# Above what any budget holds, and below what a 64-bit number does.
_MOST_YUAN: Final = 10**15
_AMOUNT: Final = re.compile(r"^(?:约|￥|¥)?\s*([0-9][0-9,]*(?:\.[0-9]+)?)\s*(亿元|亿|万元|万|元)?(?:人民币)?$")
_HEADING_UNIT: Final = re.compile(r"(亿元|万元|元|yuan)")
_DATE: Final = re.compile(r"^(\d{4})\s*[-./年]\s*(\d{1,2})(?:\s*[-./月]\s*(\d{1,2})\s*日?)?\s*月?(?:[ T].*)?$")
_COMPACT: Final = re.compile(r"^(\d{4})(\d{2})(\d{2})$")
_YEAR: Final = re.compile(r"^(\d{4})\s*年?$")
_SEPARATORS: Final = re.compile(r"[;,、/|\n\r\t]+|\s{2,}")


def yuan(text: str, heading: str) -> int | None:
    """An amount in whole yuan. Its unit is the cell's own, else the heading's, else 万元, as the forms have it.

    >>> yuan("1,200.5", "拟投入资金(万元)"), yuan("30万", "预算"), yuan("5000元", "价格")
    (12005000, 300000, 5000)
    """
    if not text:
        return None
    match = _AMOUNT.match(unicodedata.normalize("NFKC", text))
    if match is None:
        raise ValueError(text)
    unit = match[2] or _heading_unit(heading)
    amount = Decimal(match[1].replace(",", "")) * _UNITS[unit]
    if amount > _MOST_YUAN:
        raise ValueError(text)
    return int(amount.to_integral_value())


def _heading_unit(heading: str) -> str:
    found = _HEADING_UNIT.search(unicodedata.normalize("NFKC", heading).casefold())
    return found[1] if found else "万元"


def day(text: str) -> date | None:
    """A day: 2027-06-30, 2027.6.30, 2027/6/30, 20270630, 2027年6月30日; a month or a year stands for its last day."""
    if not text:
        return None
    plain = unicodedata.normalize("NFKC", text)
    if year := _YEAR.match(plain):
        return date(int(year[1]), 12, 31)
    match = _COMPACT.match(plain) or _DATE.match(plain)
    if match is None:
        raise ValueError(text)
    number, month = int(match[1]), int(match[2])
    if not 1 <= month <= 12:
        raise ValueError(text)
    return date(number, month, int(match[3]) if match[3] else monthrange(number, month)[1])


def words(text: str) -> list[str]:
    """A list of words, split at ; , 、 / | line breaks or wide spaces; repeated ones once, in order."""
    pieces = (piece.strip() for piece in _SEPARATORS.split(unicodedata.normalize("NFKC", text)))
    return list(dict.fromkeys(piece for piece in pieces if piece))


def choice(text: str, values: dict[str, tuple[str, ...]], default: str) -> str:
    """The value whose words include the text; the default for an empty cell."""
    if not text:
        return default
    plain = unicodedata.normalize("NFKC", text).casefold().strip()
    for value, known in values.items():
        if plain == value or plain in (word.casefold() for word in known):
            return value
    raise ValueError(text)
