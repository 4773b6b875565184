"""Titles: what they are compared by, and which of many are worth it, for they share rare pairs of characters.

Records and titles stand as their places from 0; pairs as two arrays, the smaller place first, each once and in order.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz, process

from matching.data_files import data_path
from matching.schema import Kind

Places = npt.NDArray[np.int64]
Pairs = tuple[Places, Places]
Progress = Callable[[int, int], None]

# Pairs compared at a time, for their texts stand in lists meanwhile.
_CHUNK: Final = 500_000
# Punctuation between digits parts two figures, but for a point within one: 1.5 is neither 15 nor 1 5.
_BETWEEN_DIGITS: Final = re.compile(r"(?<=\d)(?!\.\d)[\W_]+(?=\d)")
_ELSEWHERE: Final = re.compile(r"(?<!\d)[\W_]+|[\W_]+(?!\d)")


@dataclass(frozen=True, slots=True)
class Title:
    """A title: `plain`, all of it; `core` and `whole`, without generic words and without or with remarks.

    `series` says which part of a series it is, `figures` the figures and model numbers outside remarks.
    """

    plain: str
    core: str
    whole: str
    series: frozenset[str]
    figures: frozenset[str]


@cache
def rules() -> dict[str, Any]:
    """The rules file, its patterns compiled."""
    with data_path("duplicates", "rules.toml").open("rb") as source:
        found = tomllib.load(source)
    for name in ("remark", "foreign", "series", "figure", "number"):
        found[name] = re.compile(found[name])
    for kind in ("demands", "achievements"):
        found[kind] = {name: re.compile(pattern) for name, pattern in found[kind].items()}
    traditional, simplified = found["writing"]["traditional"], found["writing"]["simplified"]
    found["traditional"] = re.compile(f"[{re.escape(traditional)}]")
    found["writing"] = str.maketrans(traditional, simplified)
    found["first"] = {word: words.partition("|")[0] for words in found["same"] for word in words.split("|")}
    found["same"] = re.compile("|".join(found["same"]))
    return found


def read_title(text: str, kind: Kind) -> Title:
    """What a title is compared by."""
    found = rules()
    spelt = found["same"].sub(lambda word: found["first"][word[0]], _spelt(text))
    numerals = found["numerals"]
    series = (number for each in found["series"].finditer(spelt) for number in each.groups() if number)
    unnumbered = found["series"].sub("", spelt)
    without = found["remark"].sub("", found["foreign"].sub("", unnumbered))
    figures = (figure.strip("./-") for figure in found["figure"].findall(without) if re.search(r"\d", figure))
    core, whole = (
        found[kind]["edges"].sub("", found[kind]["generic"].sub("", _squeezed(part))) for part in (without, unnumbered)
    )
    return Title(
        plain=plain(text),
        # A title of generic words alone is compared by these.
        core=core or _squeezed(without) or _squeezed(spelt),
        whole=whole or _squeezed(spelt),
        series=frozenset(numerals.get(number, number) for number in series),
        figures=frozenset(figures),
    )


def plain(text: str) -> str:
    """A text without width, case, traditional characters, spaces and punctuation, but for what parts figures."""
    return _squeezed(_spelt(text))


def numbers(text: str) -> frozenset[str]:
    """The figures of a text, as they stand."""
    return frozenset(rules()["number"].findall(_spelt(text)))


@lru_cache(maxsize=1 << 16)
def words_of(core: str) -> frozenset[str]:
    """Words of a normalised title, as rjieba cuts it without guessing new words."""
    # Loaded when it is first needed, for its dictionary takes a tenth of a second.
    import rjieba

    return frozenset(rjieba.cut(core, hmm=False))


def _spelt(text: str) -> str:
    spelt = unicodedata.normalize("NFKC", text).casefold()
    # Looking for a character to translate takes a tenth of the time of translating.
    return spelt.translate(rules()["writing"]) if rules()["traditional"].search(spelt) else spelt


def _squeezed(spelt: str) -> str:
    return _ELSEWHERE.sub("", _BETWEEN_DIGITS.sub(" ", spelt))


@dataclass(frozen=True)
class Bounds:
    """How much is compared: `rarest` bigrams per title, whole blocks up to `block`, else the next `window` members."""

    rarest: int
    block: int
    window: int


def within_blocks(blocks: Places, members: Places, bounds: Bounds, wanted: npt.NDArray[np.bool_]) -> Pairs:
    """Pairs of members of the same block, at least one of them `wanted`.

    `blocks` is the block of each entry of `members`, which stand in the order that neighbours are taken from. A block
    of more than `bounds.block` members gives at most `bounds.window` pairs for each.
    """
    order = np.argsort(blocks, kind="stable")
    blocks, members = blocks[order], members[order]
    _, starts, sizes = np.unique(blocks, return_index=True, return_counts=True)
    left = np.repeat(starts + sizes, sizes) - np.arange(len(blocks)) - 1
    reach = np.minimum(left, np.repeat(np.where(sizes > bounds.block, bounds.window, sizes), sizes))
    keys = [np.empty(0, np.int64)]
    for step in range(1, int(reach.max(initial=0)) + 1):
        entries = np.flatnonzero(reach >= step)
        one, other = members[entries], members[entries + step]
        seen = (one != other) & (wanted[one] | wanted[other])
        keys.append(_keys(one[seen], other[seen], len(wanted)))
    return _pairs(np.concatenate(keys), len(wanted))


def near_titles(
    titles: Sequence[str],
    wanted: npt.NDArray[np.bool_],
    bounds: Bounds,
    cutoff: float,
    progress: Progress | None = None,
) -> Pairs:
    """Pairs of different titles that share `cutoff` (0–1) of their characters or more, whatever the order of these.

    `titles` are distinct, sorted and normalised. Found are pairs that share one of the rarest bigrams of both or two of
    them, bounded as in `within_blocks`. `progress` is told the hundredths of all work done, up to 50, and 100.
    """
    first, second = within_blocks(*_bigram_blocks(titles, wanted, bounds.rarest), bounds, wanted)
    bags = np.array(["".join(sorted(title)) for title in titles], dtype=object)
    near = np.zeros(len(first), dtype=np.bool_)
    for start in range(0, len(first), _CHUNK):
        part = slice(start, start + _CHUNK)
        likeness = process.cpdist(
            bags[first[part]].tolist(),
            bags[second[part]].tolist(),
            scorer=fuzz.ratio,
            score_cutoff=cutoff * 100,
            workers=-1,
        )
        near[part] = likeness > 0
        if progress:
            progress(50 * min(start + _CHUNK, len(first)) // len(first), 100)
    return first[near], second[near]


def spread(pairs: Pairs, groups: Sequence[Sequence[int]], orders: Callable[[int], str], bounds: Bounds) -> Pairs:
    """Pairs of records from pairs of groups: all with all, or nearest neighbours where that were too many.

    Beyond `bounds.block` records in a group, each record of the smaller group is paired with the `bounds.window`
    records before and after it in the larger one, by `orders`.
    """
    one: list[int] = []
    other: list[int] = []
    sorted_orders: dict[int, list[str]] = {}
    for pair in zip(*(side.tolist() for side in pairs), strict=True):
        small, large = sorted(pair, key=lambda group: (len(groups[group]), group))
        for record in groups[small]:
            near = groups[large]
            if len(near) > bounds.block:
                if large not in sorted_orders:
                    sorted_orders[large] = [orders(each) for each in near]
                place = bisect_left(sorted_orders[large], orders(record))
                near = near[max(0, place - bounds.window) : place + bounds.window]
            one.extend([record] * len(near))
            other.extend(near)
    size = 1 + max((max(group) for group in groups), default=0)
    return _pairs(_keys(np.array(one, np.int64), np.array(other, np.int64), size), size)


def merged(size: int, *parts: Pairs) -> Pairs:
    """All pairs of the parts, each once; `size` is more than every place."""
    return _pairs(np.concatenate([_keys(*part, size) for part in parts]), size)


def _keys(one: Places, other: Places, size: int) -> Places:
    return np.minimum(one, other) * size + np.maximum(one, other)


def _pairs(keys: Places, size: int) -> Pairs:
    # Millions of keys are sorted in a tenth of the time that numpy's `unique` takes.
    keys = np.sort(keys)
    keys = keys[np.diff(keys, prepend=-1) > 0]
    return keys // max(size, 1), keys % max(size, 1)


def _bigram_blocks(titles: Sequence[str], wanted: npt.NDArray[np.bool_], rarest: int) -> Pairs:
    """Blocks and their members: a title under each of its rarest bigrams and under every two of them.

    A bigram that no other title has is no block, so that the two that a wrong character makes push out none.
    """
    members, grams = _bigrams(titles)
    counts = np.bincount(grams)
    members, grams = members[counts[grams] > 1], grams[counts[grams] > 1]
    order = np.lexsort((grams, counts[grams], members))
    members, grams = members[order], grams[order]
    _, starts, sizes = np.unique(members, return_index=True, return_counts=True)
    rank = np.arange(len(members)) - np.repeat(starts, sizes)
    chosen = np.full((len(titles), rarest), -1, dtype=np.int64)
    kept = rank < rarest
    chosen[members[kept], rank[kept]] = grams[kept]
    # Two bigrams make one number, the smaller first; a bigram alone is paired with itself.
    sides = [(place, place) for place in range(rarest)] + list(combinations(range(rarest), 2))
    blocks, filed = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for one, other in sides:
        has = np.flatnonzero((chosen[:, one] >= 0) & (chosen[:, other] >= 0))
        blocks.append(_keys(chosen[has, one], chosen[has, other], len(counts)))
        filed.append(has)
    every, everyone = np.concatenate(blocks), np.concatenate(filed)
    # Where little is wanted, most blocks hold none of it.
    if not wanted.all():
        useful = np.isin(every, every[wanted[everyone]])
        every, everyone = every[useful], everyone[useful]
    order = np.argsort(everyone, kind="stable")
    return every[order], everyone[order]


def _bigrams(titles: Sequence[str]) -> Pairs:
    """The title and the number of each distinct bigram of each title; a title of one character is its own bigram."""
    padded = [title if len(title) > 1 else title * 2 for title in titles]
    codes = np.frombuffer("".join(padded).encode("utf-32-le"), dtype=np.uint32).astype(np.int64)
    owner = np.repeat(np.arange(len(padded)), [len(title) for title in padded])
    inside = np.flatnonzero(owner[:-1] == owner[1:])
    _, grams = np.unique((codes[inside] << 21) | codes[inside + 1], return_inverse=True)
    size = int(grams.max(initial=0)) + 1
    return _pairs(owner[inside] * size + grams, size)
