"""Names of organisations, written in many ways, are resolved to one; each finding is for a person to confirm.

A name points at a body: one that is listed (`datasets/organisations`), is in the ledger, or is written in full beside
it. Bodies are found in an order that does not depend on the order of the names, and a name is compared with bodies
alone, never with a name that points elsewhere: resolving what was resolved changes nothing.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from bisect import bisect_right
from collections import ChainMap, defaultdict
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, Final

import polars as pl
import rjieba
from rapidfuzz import fuzz

from matching.data_files import data_path

# Why a name is resolved to a body, the surest first. "short" is a short or English name that is not in the list.
REASONS: Final = ("same", "confirmed", "width", "listed", "former", "short", "suffix", "prefix", "unit", "typo")
RESOLVED: Final[dict[str, pl.DataType]] = {
    "written": pl.String(),
    "name": pl.String(),
    "reason": pl.String(),
    "likeness": pl.Float64(),
}
_CERTAIN: Final = frozenset({"same", "confirmed", "width", "listed", "former"})
_NONE: Final[Mapping[str, str]] = MappingProxyType({})
_NOT_A_LETTER: Final = re.compile(r"[\W_]+")
_BRACKETED: Final = re.compile(r".+?[(\[【〔「<](.+)[)\]】〕」>]\s*")
_SHORTEST_START: Final = 3
_TRADE_NAME: Final = 2


def resolve(names: Iterable[str], known: Iterable[str], confirmed: Mapping[str, str] = _NONE) -> pl.DataFrame:
    """What each distinct name is resolved to: the columns of `RESOLVED`, sorted by `written`.

    `known` are names of the ledger. `confirmed` maps a written name to the one that a person chose, to itself where
    proposals were refused. `likeness` (0–1) is 1 where text or list decide, else how alike the two texts are.
    """
    written = sorted({name.strip() for name in names} - {""})
    found = _resolved(written, known, confirmed)
    rows = [(each, *found[each], _likeness(each, *found[each])) for each in written]
    return pl.DataFrame(rows, schema=RESOLVED, orient="row")


def proposals(resolved: pl.DataFrame) -> pl.DataFrame:
    """The rows of `resolve` that a person has to decide: another name, which nobody confirmed."""
    return resolved.filter((pl.col("name") != pl.col("written")) & (pl.col("reason") != "confirmed"))


def same_organisation(first: str, second: str) -> tuple[bool, str]:
    """Whether two names are resolved to one, and the less sure of the two reasons ("" where they are not)."""
    found = _resolved([first.strip(), second.strip()], (), _NONE)
    (name, reason), (other, other_reason) = found[first.strip()], found[second.strip()]
    return (True, max(reason, other_reason, key=REASONS.index)) if name == other else (False, "")


def organisation_key(name: str, confirmed: Mapping[str, str] = _NONE) -> str:
    """A key by which names of one body compare equal: the confirmed or listed name, else the normalised one."""
    final = _followed(name.strip(), confirmed)
    return final if confirmed.get(final) == final else _listed_key(final)


@lru_cache(maxsize=1 << 17)
def _listed_key(written: str) -> str:
    name = _name(written)
    found = _listed().find(name)
    return found[0] if found else name.full


def _likeness(written: str, name: str, reason: str) -> float:
    by_text = reason in _CERTAIN and (reason != "former" or _plain(written) in _listed().by_text)
    return 1.0 if by_text else fuzz.ratio(_plain(written), _plain(name)) / 100


def _resolved(names: Iterable[str], known: Iterable[str], confirmed: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    bodies = _listed().extended()
    chosen = {_followed(each, confirmed) for each in confirmed}
    in_ledger = {name.strip() for name in known} - {""}
    found: dict[str, tuple[str, str]] = {}
    for name in sorted(map(_name, {*names, *in_ledger, *chosen}), key=lambda each: _rank(each, chosen, in_ledger)):
        other = None if name.written in chosen or name.written in confirmed else bodies.find(name)
        body, reason = other or (name.written, "confirmed" if name.written in confirmed else "same")
        found[name.written] = (_followed(body, confirmed), reason)
        if found[name.written][0] == name.written:
            bodies.add(name)
    return found


def _followed(name: str, confirmed: Mapping[str, str]) -> str:
    """The last of a chain of confirmed names; of a circle its first in the order of texts."""
    passed: list[str] = []
    while name in confirmed and name not in passed:
        passed.append(name)
        name = confirmed[name].strip()
    return min(passed[passed.index(name) :]) if name in passed else name


@cache
def _rules() -> dict[str, Any]:
    with data_path("organisations", "rules.toml").open("rb") as source:
        return tomllib.load(source)


@cache
def _pattern(table: str, name: str) -> re.Pattern[str]:
    return re.compile(_rules()[table][name])


def _any_of(words: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


@cache
def _place(*kinds: str) -> re.Pattern[str]:
    places = _rules()["places"]
    return re.compile(f"({_any_of(word for kind in kinds for word in places[kind])})({places['after']})?")


@cache
def _subjects() -> re.Pattern[str]:
    return re.compile(f"(?:{_any_of(_rules()['unit']['subjects'])})+")


@cache
def _number() -> re.Pattern[str]:
    figures = "0-9" + "".join(_rules()["digits"]) + _rules()["numbers"]["ten"]
    return re.compile(f"[{figures}]{{2,}}|(?<=第)[{figures}]")


def _figures(number: re.Match[str]) -> str:
    """A number in figures: 四十九 → 49, 七〇三 → 703."""
    text = "".join(_rules()["digits"].get(sign, sign) for sign in number[0])
    before, ten, after = text.partition(_rules()["numbers"]["ten"])
    return f"{before or '1'}{after or '0'}" if ten else text


@lru_cache(maxsize=1 << 17)
def _plain(written: str) -> str:
    """A name without width, case, spaces and punctuation, numbers in figures."""
    text = unicodedata.normalize("NFKC", written).casefold()
    return _NOT_A_LETTER.sub("", _number().sub(_figures, text)) or text.strip()


@dataclass(frozen=True, slots=True)
class _Name:
    """A name and its parts: `plain`, `full` (short words written out) = places, `core` and legal `form`."""

    written: str
    plain: str
    full: str
    places: frozenset[str]
    core: str
    form: str

    @property
    def whole(self) -> bool:
        return _pattern("forms", "whole").search(self.plain) is not None

    @property
    def remark(self) -> str:
        found = _BRACKETED.fullmatch(unicodedata.normalize("NFKC", self.written))
        return _plain(found[1]) if found else ""


@lru_cache(maxsize=1 << 17)
def _name(written: str) -> _Name:
    plain = full = _plain(written)
    for short in _rules()["short"]:
        full = re.sub(short["pattern"], short["full"], full)
    if full.startswith(_rules()["home_word"]):
        full = _rules()["home"] + full
    places, start = set(), 0
    while found := _place("country", "provinces", "cities", "districts").match(full, start):
        city = found[1] in _rules()["places"]["provinces"] and found[2] == _rules()["places"]["city"]
        places.add(found[0] if city else found[1])
        start = found.end()
    legal = _pattern("forms", "legal").search(full, start)
    end = legal.start() if legal else len(full)
    return _Name(written, plain, full, frozenset(places), full[start:end], full[end:])


def _rank(name: _Name, chosen: set[str], in_ledger: set[str]) -> tuple[object, ...]:
    """The order in which bodies are found: parents before parts, whole before short, known before new names."""
    return (
        name.written not in chosen,
        _listed().by_text.get(name.plain) != (name.written, "width"),
        bool(name.remark and name.plain != name.remark) or _pattern("unit", "part").search(name.full) is not None,
        not name.whole,
        not name.places,
        name.written not in in_ledger,
        name.core.endswith(tuple(_rules()["raised"])),
        -len(name.plain),
        len(set(_words(name.plain))),
        name.plain,
        name.written,
    )


@dataclass
class _Bodies:
    """The bodies found so far, beyond those of `base`.

    `by_text` gives for a plain text the body and why; `index` what resembles, by kind of likeness and text.
    """

    by_text: MutableMapping[str, tuple[str, str]] = field(default_factory=dict)
    index: defaultdict[tuple[str, str], list[_Name]] = field(default_factory=lambda: defaultdict(list))
    base: _Bodies | None = None

    def extended(self) -> _Bodies:
        """These bodies, to which others can be added without changing them."""
        return _Bodies(ChainMap({}, self.by_text), base=self)

    def add(self, name: _Name) -> None:
        """Take a name for a body of its own."""
        self.by_text.setdefault(name.plain, (name.written, "width"))
        self.by_text.setdefault(name.full, (name.written, "short"))
        if name in self.near("core", name.core):
            return
        self.index["core", name.core].append(name)
        for start in {name.plain[:1], name.core[:_TRADE_NAME]}:
            self.index["start", start].append(name)
        for gap in _gaps(name.plain):
            self.index["gap", gap].append(name)

    def near(self, kind: str, text: str) -> list[_Name]:
        """Bodies of which the core, the start, or the name without a letter is the text."""
        own = self.index.get((kind, text), [])
        return [*self.base.near(kind, text), *own] if self.base else own

    def find(self, name: _Name) -> tuple[str, str] | None:
        """The body that a name points at and why, or None."""
        if name.plain in self.by_text:
            body, reason = self.by_text[name.plain]
            return body, "same" if body == name.written else reason
        if name.full in self.by_text:
            return self.by_text[name.full][0], "short"
        if part_of := self._whole_of_part(name):
            return part_of, "unit"
        for looked_up in (_same_core, _raised, _shortened, _english, _misspelt):
            bodies = {body.written: (body.written, reason) for body, reason in looked_up(name, self)}
            if len(bodies) == 1:
                return next(iter(bodies.values()))
        return None

    def _whole_of_part(self, name: _Name) -> str | None:
        for text in dict.fromkeys((name.plain, name.full)):
            for end in range(len(text) - 1, _SHORTEST_START - 1, -1):
                latin = text[end - 1 : end + 1].isascii()
                if text[:end] in self.by_text and not latin:
                    body = self.by_text[text[:end]][0]
                    if self._is_part(_name(body), text[end:], name.remark):
                        return body
                    break
        return None

    def _is_part(self, body: _Name, rest: str, remark: str) -> bool:
        """Whether the rest of a name, after that of a body, names a part of it, or only says something of it."""
        company = _pattern("forms", "company").search(body.plain)
        university = _pattern("forms", "university").search(body.plain)
        if rest == remark and _pattern("unit", "remark").match(rest):
            return True
        if rest == remark and self.by_text.get(rest, ("", ""))[0] == body.written:
            return True
        if _pattern("unit", "other_body").search(rest):
            return False
        elsewhere = _place("provinces", "cities").search(rest) is not None
        if company:
            return (rest == remark and not elsewhere) or _pattern("unit", "of_company").search(rest) is not None
        if university:
            is_part = _pattern("unit", "of_university").search(rest) and _is_school(rest)
            return bool(is_part and (not elsewhere or _pattern("unit", "anywhere").search(rest)))
        return bool(_pattern("unit", "of_institute").search(rest) and not _pattern("unit", "institute").search(rest))


@cache
def _listed() -> _Bodies:
    with data_path("organisations", "organisations.toml").open("rb") as source:
        entries = tomllib.load(source)["organisation"]
    bodies = _Bodies()
    for entry in entries:
        bodies.add(_name(entry["name"]))
    for entry in entries:
        for reason, names in (("listed", entry["short"]), ("former", entry["former"])):
            for other in names:
                bodies.by_text[_plain(other)] = (entry["name"], reason)
    return bodies


def _is_school(rest: str) -> bool:
    """Whether no school stands in the rest of a name, or one that is named by its subjects."""
    found = _pattern("unit", "school").match(rest)
    return found is None or (found[1] not in _rules()["unit"]["independent"] and bool(_subjects().fullmatch(found[1])))


_Found = Iterator[tuple[_Name, str]]


def _same_core(name: _Name, bodies: _Bodies) -> _Found:
    """Bodies of which place or legal form are written otherwise; of several those that agree in more."""
    near = [body for body in bodies.near("core", name.core) if len(name.core) > 1 and _placed_alike(name, body)]
    words = _rules()["forms"]["telling"]

    def agreement(body: _Name) -> tuple[int, int]:
        return name.places == body.places, sum((word in name.form) == (word in body.form) for word in words)

    best = max(map(agreement, near), default=None)
    return ((body, "prefix" if name.form == body.form else "suffix") for body in near if agreement(body) == best)


def _placed_alike(name: _Name, body: _Name) -> bool:
    """Whether the places agree, or one name tells more of them; a company with a name of its own may tell none."""
    fewer, more = sorted((name.places, body.places), key=len)
    places = _rules()["places"]
    if fewer:
        return fewer == more or (fewer < more and not fewer <= {*places["provinces"], *places["country"]})
    generic = _subjects().match(name.core)
    own_name = len(name.core) > _TRADE_NAME + 1 and (generic is None or len(generic[0]) == 1)
    return fewer == more or (bool(name.form or body.form) and own_name)


def _raised(name: _Name, bodies: _Bodies) -> _Found:
    """Bodies not listed (of the listed the former names are) that were a college or institute before."""
    for old, new in _rules()["raised"].items():
        if name.core.endswith(old) and (name.core != old or len(old) > _TRADE_NAME):
            for body in bodies.near("core", name.core.removesuffix(old) + new):
                if (
                    body.places == name.places
                    and body.form == name.form
                    and body not in _listed().near("core", body.core)
                ):
                    yield body, "former"


def _shortened(name: _Name, bodies: _Bodies) -> _Found:
    """Bodies whose name holds the letters of a name that is not whole: 冰砚重装, 石铁大, 中国农科院蔬菜所."""
    if name.whole:
        return
    academy = _pattern("forms", "academy")
    rest = academy.sub("", name.core)
    for body in bodies.near("start", name.core[:_TRADE_NAME]) if len(name.core) > _TRADE_NAME + 1 else ():
        other = academy.sub("", body.core)
        same_head = name.core.removesuffix(rest) == body.core.removesuffix(other) and rest[:2] == other[:2]
        own_name = rest != name.core or bool(_pattern("forms", "company").search(body.plain))
        alike = same_head and own_name and name.places <= body.places and _holds(other, rest, range(len(other)))
        if alike and _counts(rest) == _counts(other):
            yield body, "short"
    if _SHORTEST_START <= len(name.plain) <= _SHORTEST_START + 2:
        for body in bodies.near("start", name.plain[:1]):
            if _pattern("forms", "higher").search(body.plain):
                starts = {start for start, _ in _words(body.core)}
                offset = len(body.full) - len(body.core)
                if _holds(body.full, name.plain, {offset + start for start in starts} | {len(body.full) - 2}):
                    yield body, "short"


def _counts(text: str) -> list[str]:
    return [letter for letter in text if letter.isdigit() or letter in _rules()["numbers"]["counting"]]


def _holds(text: str, letters: str, starts: Iterable[int]) -> bool:
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


def _english(name: _Name, bodies: _Bodies) -> _Found:
    """Bodies named in English by their place alone: Lanzhou University."""
    english = _rules()["english"]
    for pattern, ending in english["endings"].items():
        if found := re.fullmatch(pattern, name.plain):
            body = bodies.by_text.get(english["places"].get(found[1], "") + ending)
            if body is not None:
                yield _name(body[0]), "short"


def _misspelt(name: _Name, bodies: _Bodies) -> _Found:
    """Bodies from whose name one is a slip of the pen away."""
    near = {body for gap in _gaps(name.plain) for body in bodies.near("gap", gap)}
    return ((body, "typo") for body in near if _is_slip(name, body))


def _gaps(text: str) -> set[str]:
    """A text and what is left of it without one letter: two texts a letter apart have one of these in common."""
    return {text, *(text[:place] + text[place + 1 :] for place in range(len(text)))}


def _is_slip(name: _Name, body: _Name) -> bool:
    """Whether two names differ by a letter doubled, two exchanged, or one that sounds or looks alike, within a word."""
    first, second = sorted((name.plain, body.plain), key=len)
    place = next((at for at, (one, other) in enumerate(zip(first, second, strict=False)) if one != other), len(first))
    letters = second[place], first[place] if len(first) == len(second) else second[place]
    named = max(name, body, key=lambda each: (len(each.places), bool(each.form)))
    trade = named.plain.find(named.core[:_TRADE_NAME]) if named.form else len(second)
    counting = _rules()["numbers"]["counting"]
    if trade <= place < trade + _TRADE_NAME or any(each.isascii() for each in letters):
        return False
    if len(first) < len(second):
        return place > 0 and second[place] == second[place - 1] and first[place:] == second[place + 1 :]
    if any(each in counting for each in letters):
        return False
    (_, one), (_, other) = _words(first)[place], _words(second)[place]
    if len(one) == len(other) or (name.places != body.places and name.places and body.places):
        return False
    exchanged = first[place : place + 2] == second[place : place + 2][::-1]
    rest = place + (2 if exchanged else 1)
    in_form = place >= len(first) - max(len(name.form), len(body.form))
    return first[rest:] == second[rest:] and (exchanged or in_form or _alike(*letters))


@lru_cache(maxsize=1 << 14)
def _words(text: str) -> tuple[tuple[int, str], ...]:
    """For each letter where its word begins, and the word."""
    words: list[tuple[int, str]] = []
    for word in rjieba.cut(text, hmm=False):
        words.extend([(len(words), word)] * len(word))
    return tuple(words)


@lru_cache(maxsize=1 << 14)
def _alike(one: str, other: str) -> bool:
    looks = any(one in group and other in group for group in _rules()["typos"]["look_alikes"])
    return looks or (_syllable(one) == _syllable(other) != 0)


@cache
def _syllables() -> list[bytes]:
    return [first.encode("gb2312") for first in _rules()["typos"]["syllables"]]


def _syllable(letter: str) -> int:
    """The number of a letter's syllable, 0 for a letter outside the first level of GB 2312."""
    code = letter.encode("gb2312", errors="replace")
    return bisect_right(_syllables(), code) if code <= _LAST_ORDERED else 0


_LAST_ORDERED: Final = b"\xd7\xf9"
