"""Regions: the place that a record names, as the code of a prefecture of the home province or of another province."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any, Final

import polars as pl

from matching.data_files import data_path
from matching.errors import DataFileError, Problem
from matching.fields.terms import closed_up, normalised_texts, terms_in
from matching.wording import say

_FILE: Final = "regions.toml"
UNKNOWN: Final = "unknown"
# Stands between the names that were found in one text.
_BETWEEN: Final = "\x1f"
_MARKS: Final = r"[\p{P}\p{S}]+"


@dataclass(frozen=True)
class Region:
    """A code that tables are cut by, its names, and the national codes of the divisions below it by their names."""

    code: str
    name_zh: str
    name_en: str
    forms: tuple[str, ...]
    divisions: Mapping[str, str]

    def name(self, language: str) -> str:
        """The name in a language of the screens."""
        return self.name_en if language == "en" else self.name_zh


@dataclass(frozen=True)
class Regions:
    """All regions in the order of tables, the names that several of them have, and names of no place at all."""

    home: str
    regions: tuple[Region, ...]
    shared: Mapping[str, tuple[str, ...]]
    roads: frozenset[str]

    @cached_property
    def by_code(self) -> Mapping[str, Region]:
        """The regions by their codes."""
        return {region.code: region for region in self.regions}

    @cached_property
    def meant(self) -> Mapping[str, tuple[str, ...]]:
        """The codes that each name may mean; none for the name of a street."""
        own = {form: (region.code,) for region in self.regions for form in region.forms}
        return {**dict.fromkeys(self.roads, ()), **own, **self.shared}

    @cached_property
    def names(self) -> list[str]:
        """Every name that is looked for."""
        return list(self.meant)

    def is_home(self, code: str) -> bool:
        """Whether a code is the home province or one of its prefectures."""
        return code[:2] == self.home[:2]


@cache
def load_regions() -> Regions:
    """The regions that ship with the program. Raises `DataFileError` when the file breaks a rule."""
    with data_path("fields", _FILE).open("rb") as source:
        regions = regions_from(tomllib.load(source))
    if problems := broken_rules(regions):
        raise DataFileError(*problems)
    return regions


def regions_from(written: Mapping[str, Any]) -> Regions:
    """The regions of a file's content, unchecked."""
    entries = [*written["prefecture"], *written["province"], *written["elsewhere"]]
    home = [entry for entry in entries if entry["code"] == written["home"]]
    below = sorted(written["prefecture"], key=lambda entry: str(entry["code"]))
    others = [entry for entry in written["province"] if entry not in home]
    shared = {_clean(each): tuple(codes) for each, codes in written["shared"].items()}
    found = tuple(
        _region(entry, written["endings"], frozenset(written["only_whole"]), shared)
        for entry in (*home, *below, *others, *written["elsewhere"])
    )
    bare = [form for region in found for form in region.forms if not form.endswith(tuple(written["endings"]))]
    roads = frozenset(form + road for form in bare if not form.isascii() for road in written["roads"])
    return Regions(written["home"], found, shared, roads)


def _region(
    entry: Mapping[str, Any], endings: Sequence[str], only_whole: frozenset[str], shared: Mapping[str, Sequence[str]]
) -> Region:
    divisions = {name: code for code, name in [*entry.get("divisions", ()), *entry.get("own_divisions", ())]}
    official = [each for each in (entry["name_zh"], *divisions) if each.endswith(tuple(endings))]
    short = [_short(each, endings) for each in official]
    usable = [each for each in short if len(each) > 1 and each not in only_whole]
    forms = dict.fromkeys(_cleaned(pl.Series([*official, *usable, entry["name_en"], *entry["aliases"]])))
    own = tuple(form for form in forms if form not in shared)
    return Region(entry["code"], entry["name_zh"], entry["name_en"], own, divisions)


def _short(official: str, endings: Sequence[str]) -> str:
    return official.removesuffix(next(ending for ending in endings if official.endswith(ending)))


def _clean(written: str) -> str:
    return str(_cleaned(pl.Series([written]))[0])


def _cleaned(texts: pl.Series) -> pl.Series:
    """Normalised, with a space for punctuation and none beside Chinese characters."""
    return closed_up(normalised_texts(texts).str.replace_all(_MARKS, " ")).str.strip_chars()


def broken_rules(regions: Regions) -> list[Problem]:
    """No code and no name stands twice; a shared name is one of two places or more, all of which exist."""
    codes = Counter(region.code for region in regions.regions)
    codes.update(code for region in regions.regions for code in region.divisions.values())
    forms = Counter(form for region in regions.regions for form in region.forms)
    twice = [each for counted in (codes, forms) for each, count in counted.items() if count > 1]
    problems = [Problem("regions.twice", _FILE, values={"name": each}) for each in twice]
    known = regions.by_code.keys()
    wrong = [each for each, of in regions.shared.items() if len(set(of)) < 2 or not known >= set(of)]
    return problems + [Problem("regions.shared", _FILE, values={"name": each}) for each in wrong]


def region_codes() -> tuple[str, ...]:
    """All codes in the order of tables: the home province, its prefectures by code, the others."""
    return tuple(load_regions().by_code)


def name(code: str, language: str) -> str:
    """The region's name in a language of the screens."""
    return say("region.unknown", language) if code == UNKNOWN else load_regions().by_code[code].name(language)


def in_province(code: str) -> bool | None:
    """Whether a region lies in the home province; None for one that is not known."""
    return None if code == UNKNOWN else load_regions().is_home(code)


@lru_cache(maxsize=4096)
def region_of(written: str) -> str:
    """The code of the region that a text names, "unknown" where it names none or more than one may be meant."""
    return str(regions_of(pl.Series([written], dtype=pl.String()))[0])


def regions_of(texts: pl.Series) -> pl.Series:
    """`region_of` of every text of a column; a missing text is "unknown". Each different text is looked at once."""
    different = texts.fill_null("").unique()
    found = terms_in(_cleaned(different), load_regions().names).list.join(_BETWEEN)
    # Thousands of addresses name but a few hundred places.
    sets = found.unique()
    codes = pl.Series([_resolved(each.split(_BETWEEN)) for each in sets], dtype=pl.String())
    by_text = found.replace_strict(sets, codes, return_dtype=pl.String())
    return texts.fill_null("").replace_strict(different, by_text, return_dtype=pl.String()).alias(texts.name)


def _resolved(names: Sequence[str]) -> str:
    """The region that the names of a text mean. The larger place stands first in Chinese and last in English."""
    regions = load_regions()
    meant = [codes for each in names if (codes := regions.meant.get(each, ()))]
    if all(each.isascii() for each in names):
        meant.reverse()
    sure = [codes[0] for codes in meant if len(codes) == 1]
    if sure and sure[0] != regions.home:
        return sure[0]
    if sure:
        return _in_home(meant, regions)
    candidates = frozenset.intersection(*map(frozenset, meant)) if meant else frozenset()
    if len(candidates) == 1:
        return next(iter(candidates))
    return regions.home if candidates and all(map(regions.is_home, candidates)) else UNKNOWN


def _in_home(meant: Sequence[Sequence[str]], regions: Regions) -> str:
    """The prefecture of a text that says which province it is in: the first name that is a single one's there."""
    for codes in meant:
        below = [code for code in codes if regions.is_home(code) and code != regions.home]
        if len(below) == 1:
            return below[0]
    return regions.home
