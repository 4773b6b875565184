"""A written name of an organisation and its parts: places, name proper, legal form, numbers, words, syllables.

What names are made of is data (`datasets/organisations/rules.toml`).
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

from matching.data_files import data_path

_NOT_A_LETTER: Final = re.compile(r"[\W_]+")
# The last letter of level 1 of GB 2312, which is in the order of the syllables.
_LAST_ORDERED: Final = b"\xd7\xf9"


@cache
def rules() -> dict[str, Any]:
    """How names vary: `rules.toml`."""
    with data_path("organisations", "rules.toml").open("rb") as source:
        return tomllib.load(source)


@cache
def rule(table: str, name: str) -> re.Pattern[str]:
    """A pattern of the rules."""
    return re.compile(rules()[table][name])


def _any_of(words: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


@cache
def place_pattern(*kinds: str) -> re.Pattern[str]:
    """What finds a place of these kinds (first group) and the word after it that belongs to it (second)."""
    places = rules()["places"]
    return re.compile(f"({_any_of(word for kind in kinds for word in places[kind])})({places['after']})?")


@cache
def subject_pattern() -> re.Pattern[str]:
    """What finds subjects of teaching and trades, one after another."""
    return re.compile(f"(?:{_any_of(rules()['unit']['subjects'])})+")


@cache
def _number() -> re.Pattern[str]:
    figures = "0-9" + "".join(rules()["digits"]) + rules()["numbers"]["ten"]
    ordinal = rules()["numbers"]["ordinal"]
    return re.compile(f"[{figures}]{{2,}}|(?<={ordinal})[{figures}]")


def _figures(number: re.Match[str]) -> str:
    """A number in figures: 四十九 → 49, 七〇三 → 703."""
    text = "".join(rules()["digits"].get(sign, sign) for sign in number[0])
    before, ten, after = text.partition(rules()["numbers"]["ten"])
    return f"{before or '1'}{after or '0'}" if ten else text


@lru_cache(maxsize=1 << 17)
def plain_name(written: str) -> str:
    """A name without width, case, spaces and punctuation, numbers in figures."""
    text = unicodedata.normalize("NFKC", written).casefold()
    return _NOT_A_LETTER.sub("", _number().sub(_figures, text)) or text.strip()


@dataclass(frozen=True, slots=True)
class Name:
    """A name and its parts: `plain`, `full` (short words written out) = places, `core` and legal `form`."""

    written: str
    plain: str
    full: str
    places: frozenset[str]
    core: str
    form: str

    @property
    def whole(self) -> bool:
        """Whether the name ends as whole names do; else it may be a short one."""
        return rule("forms", "whole").search(self.plain) is not None

    @property
    def remark(self) -> str:
        """What stands in brackets at the end of the name, plain; empty where nothing does."""
        found = rule("unit", "bracketed").fullmatch(unicodedata.normalize("NFKC", self.written))
        return plain_name(found[1]) if found else ""


@lru_cache(maxsize=1 << 17)
def parse_name(written: str) -> Name:
    """A written name, taken apart."""
    plain = full = plain_name(written)
    for short in rules()["short"]:
        full = re.sub(short["pattern"], short["full"], full)
    if full.startswith(rules()["home_word"]):
        full = rules()["home"] + full
    places, start = set(), 0
    while found := place_pattern("country", "provinces", "cities", "districts").match(full, start):
        city = found[1] in rules()["places"]["provinces"] and found[2] == rules()["places"]["city"]
        places.add(found[0] if city else found[1])
        start = found.end()
    legal = rule("forms", "legal").search(full, start)
    end = legal.start() if legal else len(full)
    return Name(written, plain, full, frozenset(places), full[start:end], full[end:])


@lru_cache(maxsize=1 << 14)
def words_of(text: str) -> tuple[tuple[int, str], ...]:
    """For each letter where its word begins, and the word."""
    # Loaded when it is first needed, for its dictionary takes a tenth of a second.
    import rjieba

    words: list[tuple[int, str]] = []
    for word in rjieba.cut(text, hmm=False):
        words.extend([(len(words), word)] * len(word))
    return tuple(words)


def counting_signs(text: str) -> list[str]:
    """Figures and letters that count or order: names that differ in one are of different bodies."""
    return [letter for letter in text if letter.isdigit() or letter in rules()["numbers"]["counting"]]


def holds_letters(text: str, letters: str, starts: Iterable[int]) -> bool:
    """Whether a text begins with the first letter and holds the others in order, each after the last or at a start."""
    allowed = set(starts)
    places = {0} if text[:1] == letters[:1] else set()
    for letter in letters[1:]:
        places = {
            later
            for place in places
            for later in range(place + 1, len(text))
            if text[later] == letter and (later == place + 1 or later in allowed)
        }
    return bool(places)


def gaps(text: str) -> set[str]:
    """A text and what is left of it without one letter: two texts a letter apart have one of these in common."""
    return {text, *(text[:place] + text[place + 1 :] for place in range(len(text)))}


@lru_cache(maxsize=1 << 14)
def letters_alike(one: str, other: str) -> bool:
    """Whether two letters are of one syllable or look alike."""
    looks = any(one in group and other in group for group in rules()["typos"]["look_alikes"])
    return looks or (syllable(one) == syllable(other) != 0)


@cache
def _syllables() -> list[bytes]:
    return [first.encode("gb2312") for first in rules()["typos"]["syllables"]]


def syllable(letter: str) -> int:
    """The number of a letter's syllable, 0 for a letter outside the first level of GB 2312."""
    code = letter.encode("gb2312", errors="replace")
    return bisect_right(_syllables(), code) if code <= _LAST_ORDERED else 0
