"""Names of organisations, written in many ways, are resolved to one; each finding is for a person to confirm.

A name points at a body: one that is listed (`datasets/organisations`), is in the ledger, or is written in full beside
it. Bodies are found in an order that does not depend on the order of the names, and a name is compared with bodies
alone, never with a name that points elsewhere: resolving what was resolved changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import polars as pl
from rapidfuzz import fuzz

from matching.intake.organisation_bodies import listed_bodies
from matching.intake.organisation_names import Name, parse_name, plain_name, rule, rules, words_of

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
    name = parse_name(written)
    found = listed_bodies().find(name)
    return found[0] if found else name.full


def _likeness(written: str, name: str, reason: str) -> float:
    by_text = reason in _CERTAIN and (reason != "former" or plain_name(written) in listed_bodies().by_text)
    return 1.0 if by_text else fuzz.ratio(plain_name(written), plain_name(name)) / 100


def _resolved(names: Iterable[str], known: Iterable[str], confirmed: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    bodies = listed_bodies().extended()
    chosen = {_followed(each, confirmed) for each in confirmed}
    in_ledger = {name.strip() for name in known} - {""}
    found: dict[str, tuple[str, str]] = {}
    for name in sorted(map(parse_name, {*names, *in_ledger, *chosen}), key=lambda each: _rank(each, chosen, in_ledger)):
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


def _rank(name: Name, chosen: set[str], in_ledger: set[str]) -> tuple[object, ...]:
    """The order in which bodies are found: parents before parts, whole before short, known before new names."""
    return (
        name.written not in chosen,
        listed_bodies().by_text.get(name.plain) != (name.written, "width"),
        bool(name.remark and name.plain != name.remark) or rule("unit", "part").search(name.full) is not None,
        not name.whole,
        not name.places,
        name.written not in in_ledger,
        name.core.endswith(tuple(rules()["raised"])),
        -len(name.plain),
        len(set(words_of(name.plain))),
        name.plain,
        name.written,
    )
