"""Bodies, and which of them a name points at: its own text, the body it is a part of, or the one body it resembles."""

from __future__ import annotations

import re
import tomllib
from collections import ChainMap, defaultdict
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from matching.data_files import data_path
from matching.intake.organisation_names import (
    Name,
    counting_signs,
    gaps,
    holds_letters,
    letters_alike,
    parse_name,
    place_pattern,
    plain_name,
    rule,
    rules,
    subject_pattern,
    words_of,
)

_SHORTEST_START: Final = 3
_TRADE_NAME: Final = 2
_Found = Iterator[tuple[Name, str]]


@dataclass
class Bodies:
    """The bodies found so far, beyond those of `base`.

    `by_text` gives for a plain text the body and why; `index` what resembles, by kind of likeness and text.
    """

    by_text: MutableMapping[str, tuple[str, str]] = field(default_factory=dict)
    index: defaultdict[tuple[str, str], list[Name]] = field(default_factory=lambda: defaultdict(list))
    base: Bodies | None = None

    def extended(self) -> Bodies:
        """These bodies, to which others can be added without changing them."""
        return Bodies(ChainMap({}, self.by_text), base=self)

    def add(self, name: Name) -> None:
        """Take a name for a body of its own."""
        self.by_text.setdefault(name.plain, (name.written, "width"))
        self.by_text.setdefault(name.full, (name.written, "short"))
        if name in self.near("core", name.core):
            return
        self.index["core", name.core].append(name)
        for start in {name.plain[:1], name.core[:_TRADE_NAME]}:
            self.index["start", start].append(name)
        for gap in gaps(name.plain):
            self.index["gap", gap].append(name)

    def near(self, kind: str, text: str) -> list[Name]:
        """Bodies of which the core, the start, or the name without a letter is the text."""
        own = self.index.get((kind, text), [])
        return [*self.base.near(kind, text), *own] if self.base else own

    def find(self, name: Name) -> tuple[str, str] | None:
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

    def _whole_of_part(self, name: Name) -> str | None:
        for text in dict.fromkeys((name.plain, name.full)):
            for end in range(len(text) - 1, _SHORTEST_START - 1, -1):
                latin = text[end - 1 : end + 1].isascii()
                if text[:end] in self.by_text and not latin:
                    body = self.by_text[text[:end]][0]
                    if self._is_part(parse_name(body), text[end:], name.remark):
                        return body
                    break
        return None

    def _is_part(self, body: Name, rest: str, remark: str) -> bool:
        """Whether the rest of a name, after that of a body, names a part of it, or only says something of it."""
        company = rule("forms", "company").search(body.plain)
        university = rule("forms", "university").search(body.plain)
        if rest == remark and rule("unit", "remark").match(rest):
            return True
        if rest == remark and self.by_text.get(rest, ("", ""))[0] == body.written:
            return True
        if rule("unit", "other_body").search(rest):
            return False
        elsewhere = place_pattern("provinces", "cities").search(rest) is not None
        if company:
            return (rest == remark and not elsewhere) or rule("unit", "of_company").search(rest) is not None
        if university:
            is_part = rule("unit", "of_university").search(rest) and _is_school(rest)
            return bool(is_part and (not elsewhere or rule("unit", "anywhere").search(rest)))
        return bool(rule("unit", "of_institute").search(rest) and not rule("unit", "institute").search(rest))


@cache
def listed_bodies() -> Bodies:
    """The bodies of `datasets/organisations`, with their usual short and former names."""
    with data_path("organisations", "organisations.toml").open("rb") as source:
        entries = tomllib.load(source)["organisation"]
    bodies = Bodies()
    for entry in entries:
        bodies.add(parse_name(entry["name"]))
    for entry in entries:
        for reason, names in (("listed", entry["short"]), ("former", entry["former"])):
            for other in names:
                bodies.by_text[plain_name(other)] = (entry["name"], reason)
    return bodies


def _is_school(rest: str) -> bool:
    """Whether no school stands in the rest of a name, or one that is named by its subjects."""
    found = rule("unit", "school").match(rest)
    return found is None or (
        found[1] not in rules()["unit"]["independent"] and bool(subject_pattern().fullmatch(found[1]))
    )


def _same_core(name: Name, bodies: Bodies) -> _Found:
    """Bodies of which place or legal form are written otherwise; of several those that agree in more."""
    near = [body for body in bodies.near("core", name.core) if len(name.core) > 1 and _placed_alike(name, body)]
    words = rules()["forms"]["telling"]

    def agreement(body: Name) -> tuple[int, int]:
        return name.places == body.places, sum((word in name.form) == (word in body.form) for word in words)

    best = max(map(agreement, near), default=None)
    return ((body, "prefix" if name.form == body.form else "suffix") for body in near if agreement(body) == best)


def _placed_alike(name: Name, body: Name) -> bool:
    """Whether the places agree, or one name tells more of them; a company with a name of its own may tell none."""
    fewer, more = sorted((name.places, body.places), key=len)
    places = rules()["places"]
    if fewer:
        return fewer == more or (fewer < more and not fewer <= {*places["provinces"], *places["country"]})
    generic = subject_pattern().match(name.core)
    own_name = len(name.core) > _TRADE_NAME + 1 and (generic is None or len(generic[0]) == 1)
    return fewer == more or (bool(name.form or body.form) and own_name)


def _raised(name: Name, bodies: Bodies) -> _Found:
    """Bodies not listed (of the listed the former names are) that were a college or institute before."""
    for old, new in rules()["raised"].items():
        if name.core.endswith(old) and (name.core != old or len(old) > _TRADE_NAME):
            for body in bodies.near("core", name.core.removesuffix(old) + new):
                if (
                    body.places == name.places
                    and body.form == name.form
                    and body not in listed_bodies().near("core", body.core)
                ):
                    yield body, "former"


def _shortened(name: Name, bodies: Bodies) -> _Found:
    """Bodies whose name holds the letters of a name that is not whole: 冰砚重装, 石铁大, 中国农科院蔬菜所."""
    if name.whole:
        return
    academy = rule("forms", "academy")
    rest = academy.sub("", name.core)
    for body in bodies.near("start", name.core[:_TRADE_NAME]) if len(name.core) > _TRADE_NAME + 1 else ():
        other = academy.sub("", body.core)
        same_head = name.core.removesuffix(rest) == body.core.removesuffix(other) and rest[:2] == other[:2]
        own_name = rest != name.core or bool(rule("forms", "company").search(body.plain))
        alike = same_head and own_name and name.places <= body.places and holds_letters(other, rest, range(len(other)))
        if alike and counting_signs(rest) == counting_signs(other):
            yield body, "short"
    if _SHORTEST_START <= len(name.plain) <= _SHORTEST_START + 2:
        for body in bodies.near("start", name.plain[:1]):
            if rule("forms", "higher").search(body.plain):
                starts = {start for start, _ in words_of(body.core)}
                offset = len(body.full) - len(body.core)
                if holds_letters(body.full, name.plain, {offset + start for start in starts} | {len(body.full) - 2}):
                    yield body, "short"


def _english(name: Name, bodies: Bodies) -> _Found:
    """Bodies named in English by their place alone: Lanzhou University."""
    english = rules()["english"]
    for pattern, ending in english["endings"].items():
        if found := re.fullmatch(pattern, name.plain):
            body = bodies.by_text.get(english["places"].get(found[1], "") + ending)
            if body is not None:
                yield parse_name(body[0]), "short"


def _misspelt(name: Name, bodies: Bodies) -> _Found:
    """Bodies from whose name one is a slip of the pen away."""
    near = {body for gap in gaps(name.plain) for body in bodies.near("gap", gap)}
    return ((body, "typo") for body in near if _is_slip(name, body))


def _is_slip(name: Name, body: Name) -> bool:
    """Whether two names differ by a letter doubled, two exchanged, or one that sounds or looks alike, within a word."""
    first, second = sorted((name.plain, body.plain), key=len)
    place = next((at for at, (one, other) in enumerate(zip(first, second, strict=False)) if one != other), len(first))
    letters = second[place], first[place] if len(first) == len(second) else second[place]
    named = max(name, body, key=lambda each: (len(each.places), bool(each.form)))
    trade = named.plain.find(named.core[:_TRADE_NAME]) if named.form else len(second)
    counting = rules()["numbers"]["counting"]
    if trade <= place < trade + _TRADE_NAME or any(each.isascii() for each in letters):
        return False
    if len(first) < len(second):
        return place > 0 and second[place] == second[place - 1] and first[place:] == second[place + 1 :]
    if any(each in counting for each in letters):
        return False
    (_, one), (_, other) = words_of(first)[place], words_of(second)[place]
    if len(one) == len(other) or (name.places != body.places and name.places and body.places):
        return False
    exchanged = first[place : place + 2] == second[place : place + 2][::-1]
    rest = place + (2 if exchanged else 1)
    in_form = place >= len(first) - max(len(name.form), len(body.form))
    return first[rest:] == second[rest:] and (exchanged or in_form or letters_alike(*letters))
