"""Cells of text become values: amounts, dates, lists, choices. Each raises `ValueError` on what it cannot read."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from calendar import monthrange
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Final

from matching.data_files import data_path

# Above what any budget holds, and below what a 64-bit number does.
_MOST_YUAN: Final = 10**15
_DEFAULT_UNIT: Final = 10_000
_FIGURES: Final = r"[0-9][0-9,]*(?:\.[0-9]+)?"
_DAY: Final = re.compile(
    r"(\d{4})\s*[-./年]\s*(\d{1,2})(?:\s*[-./月]\s*(\d{1,2})\s*日?)?\s*月?"
    r"(?:[ t]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"
)
_COMPACT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})?")
_YEAR: Final = re.compile(r"(\d{4})\s*年?")
# Days since the end of 1899, as spreadsheets count them: 1954 to 2119.
_SERIAL: Final = re.compile(r"([2-7]\d{4})(?:\.\d+)?")
_SERIAL_START: Final = date(1899, 12, 30)
_CHINESE: Final = re.compile(r"[\u3400-\u9fff]")


@cache
def _forms() -> dict[str, Any]:
    with data_path("columns", "cells.toml").open("rb") as source:
        return tomllib.load(source)


def plain(text: str) -> str:
    """A text without width and case, trimmed."""
    return unicodedata.normalize("NFKC", text).casefold().strip()


def says_nothing(text: str) -> bool:
    """Whether a cell only says that there is nothing to say: 无, /, 暂无."""
    return not text or plain(text) in _nothing()


@cache
def _nothing() -> frozenset[str]:
    return frozenset(plain(each) for each in _forms()["nothing"])


def is_error(text: str) -> bool:
    """Whether a cell shows an error of a spreadsheet in place of a value: #REF!."""
    return text.startswith("#") and plain(text) in _forms()["errors"]


def yuan(text: str, heading: str) -> int | None:
    """An amount in whole yuan. Its unit is the cell's own, else the heading's, else 万元, as the forms have it.

    Of a range the upper end; none for an amount that is left open.

    >>> yuan("1,200.5", "拟投入资金(万元)"), yuan("30万", "预算"), yuan("5000元", "价格"), yuan("50-100", "预算")
    (12005000, 300000, 5000, 1000000)
    """
    if says_nothing(text) or _is_open(text, "amount"):
        return None
    match = _amount_pattern().fullmatch(plain(text))
    if match is None:
        raise ValueError(text)
    number, unit = (match["upper"], match["upper_unit"]) if match["upper"] else (match["number"], match["unit"])
    factor = _forms()["amount"]["units"][unit] if unit else _heading_unit(heading)
    amount = _figure(number) * factor
    if amount > _MOST_YUAN:
        raise ValueError(text)
    return int(amount.to_integral_value())


def is_plain_amount(text: str) -> bool:
    """Whether an amount says no more than its number: not 面议, 50-100 or 100万以上."""
    if says_nothing(text):
        return True
    match = _amount_pattern().fullmatch(plain(text))
    return match is not None and not (match["upper"] or match["before"] or match["after"])


@cache
def _amount_pattern() -> re.Pattern[str]:
    forms = _forms()["amount"]
    units, before, after, between = (_any_of(forms[name]) for name in ("units", "before", "after", "between"))
    number = rf"{_FIGURES}|[{_chinese_figures()}]+"
    return re.compile(
        rf"(?P<before>(?:(?:{before})\s*)*)(?P<number>{number})\s*(?P<unit>{units})?"
        rf"(?:\s*(?:{between})\s*(?P<upper>{number})\s*(?P<upper_unit>{units})?)?\s*(?P<after>(?:(?:{after})\s*)*)"
    )


def _chinese_figures() -> str:
    return "".join([*_forms()["digits"], *_forms()["tens"]])


def _any_of(words: list[str] | dict[str, int]) -> str:
    return "|".join(re.escape(word) for word in sorted({plain(each) for each in words}, key=lambda each: -len(each)))


def _figure(text: str) -> Decimal:
    return Decimal(text.replace(",", "")) if text[0].isascii() else Decimal(chinese_number(text))


def chinese_number(text: str) -> int:
    """A number below ten thousand in Chinese figures: 二十五 is 25, 二〇二四 is 2024. Raises `ValueError` otherwise."""
    digits: dict[str, int] = _forms()["digits"]
    tens: dict[str, int] = _forms()["tens"]
    if not any(each in text for each in tens):
        return int("".join(str(digits[character]) for character in text))
    total, standing = 0, 0
    for character in text:
        if character in tens:
            total += (standing or 1) * tens[character]
            standing = 0
        else:
            standing = digits[character]
    return total + standing


def _heading_unit(heading: str) -> int:
    """The unit that a heading names in brackets or at its end; 万元 where it names none."""
    units: dict[str, int] = _forms()["amount"]["units"]
    found = re.search(_any_of(_forms()["amount"]["heading_units"]), plain(heading))
    return units[found[0]] if found else _DEFAULT_UNIT


def day(text: str) -> date | None:
    """A day: 2027-06-30, 2027.6.30, 20270630, 2027年6月30日, 二〇二七年六月, a spreadsheet's 46568, 2027年底.

    A month or a year stands for its last day, a range of days for its end; none for a day that is left open.
    """
    if says_nothing(text) or _is_open(text, "date"):
        return None
    written = plain(text)
    for word in _forms()["date"]["after"]:
        written = written.removesuffix(word).strip()
    try:
        return _day(written)
    except ValueError:
        return _last_of_range(written)


def _last_of_range(text: str) -> date:
    """The end of a range whose both ends are days, months or years."""
    for between in (*_forms()["date"]["between"], "-"):
        for match in re.finditer(re.escape(between), text):
            try:
                _day(text[: match.start()].strip())
                return _day(text[match.end() :].strip())
            except ValueError:
                continue
    raise ValueError(text)


def _day(text: str) -> date:
    text = _with_figures(text)
    if year := _YEAR.fullmatch(text):
        return date(int(year[1]), 12, 31)
    if serial := _SERIAL.fullmatch(text):
        return _SERIAL_START + timedelta(days=int(serial[1]))
    for part, last in _forms()["date"]["parts"].items():
        if text.endswith(part) and (year := _YEAR.fullmatch(text.removesuffix(part).strip() or text)):
            return _end_of_month(int(year[1]), last)
    match = _COMPACT.fullmatch(text) or _DAY.fullmatch(text)
    if match is None:
        raise ValueError(text)
    number, month = int(match[1]), int(match[2])
    return date(number, month, int(match[3])) if match[3] else _end_of_month(number, month)


def _end_of_month(year: int, month: int) -> date:
    if not 1 <= month <= 12 or year < 1:
        raise ValueError(f"{year}-{month}")
    return date(year, month, monthrange(year, month)[1])


def _with_figures(text: str) -> str:
    """二〇二四年三月 → 2024年3月. Other Chinese figures, as in 一季度, stay."""
    figures = rf"[{_chinese_figures()}]+(?=[年月日])"
    return re.sub(figures, lambda found: str(chinese_number(found[0])), text)


def _is_open(text: str, kind: str) -> bool:
    return plain(text) in _forms()[kind]["open"]


def words(text: str) -> list[str]:
    """A list of words, each once, in order: split at ; , 、 / | line ends or wide spaces, Chinese ones at any space."""
    if says_nothing(text):
        return []
    pieces = [piece.strip() for piece in _separators().split(unicodedata.normalize("NFKC", text)) if piece.strip()]
    if len(pieces) == 1 and all(_CHINESE.search(piece) for piece in pieces[0].split()):
        pieces = pieces[0].split()
    return list(dict.fromkeys(pieces))


@cache
def _separators() -> re.Pattern[str]:
    return re.compile(rf"[{re.escape(_forms()['separators'])}\n\r\t]+|\s{{2,}}")


def choice(text: str, values: dict[str, tuple[str, ...]], default: str) -> str:
    """The value whose words include the text; the default for an empty cell."""
    if not text:
        return default
    written = plain(text)
    for value, known in values.items():
        if written == value or written in (word.casefold() for word in known):
            return value
    raise ValueError(text)
