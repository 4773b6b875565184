"""Taxonomies: trees of fields with names, descriptions, aliases and seed terms, one data file each.

The files of `datasets/fields/taxonomies` ship with the program; those of the folder that the setting
`taxonomies` names are added to them.
"""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, ValidationError

from matching.data_files import data_path
from matching.errors import DataFileError, Problem
from matching.fields.terms import normalised
from matching.settings import Settings


@dataclass(frozen=True)
class Node:
    """A field: its code, names, parent's code ("" at the top), plan group, descriptions, aliases, seed terms.

    `terms` gives each seed term its weight (0–1): 1, or less where another field claims it too.
    """

    code: str
    name_zh: str
    name_en: str
    parent: str
    group: str
    description_zh: str
    description_en: str
    aliases: tuple[str, ...]
    terms: Mapping[str, float]

    def name(self, language: str) -> str:
        """The name in a language of the screens."""
        return self.name_en if language == "en" else self.name_zh

    def description(self, language: str) -> str:
        """What belongs here, in a language of the screens."""
        return self.description_en if language == "en" else self.description_zh


@dataclass(frozen=True)
class Taxonomy:
    """Nodes in file order, and where the taxonomy comes from. Taxonomies are shown by rising `order`."""

    code: str
    name_zh: str
    name_en: str
    source: str
    order: int
    nodes: tuple[Node, ...]

    def name(self, language: str) -> str:
        """The name in a language of the screens."""
        return self.name_en if language == "en" else self.name_zh

    def node(self, code: str) -> Node:
        """The node of a code; `KeyError` when there is none."""
        return self._by_code[code]

    def top(self, code: str) -> Node:
        """The top-level node above a code, itself if it is one."""
        node = self.node(code)
        return self.top(node.parent) if node.parent else node

    def below(self, code: str) -> tuple[str, ...]:
        """The code itself and all codes under it."""
        children = [below for node in self.nodes if node.parent == code for below in self.below(node.code)]
        return (code, *children)

    @cached_property
    def _by_code(self) -> dict[str, Node]:
        return {node.code: node for node in self.nodes}

    @cached_property
    def fields(self) -> tuple[Node, ...]:
        """The nodes that records are assigned to: those with terms."""
        return tuple(node for node in self.nodes if node.terms)


@cache
def load_taxonomies() -> Mapping[str, Taxonomy]:
    """All taxonomies in use by their codes, in the order in which they are shown.

    Raises `DataFileError` when a file breaks a rule.
    """
    folders = [data_path("fields", "taxonomies"), Settings().taxonomies]
    files = [file for folder in folders if folder is not None for file in sorted(folder.glob("*.toml"))]
    read = [read_taxonomy(file) for file in files]
    twice = [code for code, count in Counter(taxonomy.code for taxonomy in read).items() if count > 1]
    if twice:
        raise DataFileError(*(Problem("taxonomy.twice", f"{code}.toml", values={"code": code}) for code in twice))
    return MappingProxyType({each.code: each for each in sorted(read, key=lambda each: (each.order, each.code))})


def load_taxonomy(code: str) -> Taxonomy:
    """A taxonomy in use by its code; `KeyError` when there is none."""
    return load_taxonomies()[code]


def first_taxonomy() -> Taxonomy:
    """The taxonomy that is shown where only one is: the province's own."""
    return next(iter(load_taxonomies().values()))


def read_taxonomy(file: Path) -> Taxonomy:
    """The taxonomy of a file. Raises `DataFileError` when it breaks a rule or is not in the form of one."""
    try:
        written = _File.model_validate(tomllib.loads(file.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise DataFileError(Problem("taxonomy.form", file.name, values={"reason": error})) from error
    head = {key: getattr(written, key) for key in ("code", "name_zh", "name_en", "source", "order")}
    taxonomy = Taxonomy(**head, nodes=tuple(_node(node) for node in written.node))
    if problems := broken_rules(taxonomy):
        raise DataFileError(*problems)
    return taxonomy


class _WrittenNode(BaseModel):
    """A node as a file writes it."""

    model_config = ConfigDict(strict=True, extra="forbid")

    code: str
    name_zh: str
    name_en: str
    parent: str
    group: str = ""
    description_zh: str
    description_en: str
    aliases: list[str]
    terms: list[str]
    shared: dict[str, float] = {}


class _File(BaseModel):
    """A taxonomy as a file writes it."""

    model_config = ConfigDict(strict=True, extra="forbid")

    code: str
    name_zh: str
    name_en: str
    source: str
    order: int
    node: list[_WrittenNode]


def _node(written: _WrittenNode) -> Node:
    shared = {normalised(term): weight for term, weight in written.shared.items()}
    terms = {normalised(term): shared.get(normalised(term), 1.0) for term in written.terms}
    words = written.model_dump(exclude={"aliases", "terms", "shared"})
    return Node(**words, aliases=tuple(written.aliases), terms=MappingProxyType(terms))


def broken_rules(taxonomy: Taxonomy) -> list[Problem]:
    """Codes are unique, parents exist, terms have two characters at least; two fields share none unweighted.

    A weight lies above 0 and below 1.
    """
    file = f"{taxonomy.code}.toml"
    codes = Counter(node.code for node in taxonomy.nodes)
    claims: dict[str, list[float]] = defaultdict(list)
    for node in taxonomy.nodes:
        for term, weight in node.terms.items():
            claims[term].append(weight)
    problems = [Problem("taxonomy.code_twice", file, values={"code": code}) for code, n in codes.items() if n > 1]
    problems += [
        Problem("taxonomy.no_parent", file, values={"code": node.code, "parent": node.parent})
        for node in taxonomy.nodes
        if node.parent and node.parent not in codes
    ]
    problems += [
        Problem("taxonomy.ring", file, values={"code": node.code})
        for node in taxonomy.nodes
        if _in_a_ring(node, taxonomy)
    ]
    if not taxonomy.fields:
        problems.append(Problem("taxonomy.no_field", file))
    for term, weights in claims.items():
        if len(weights) > 1 and 1.0 in weights:
            problems.append(Problem("taxonomy.term_twice", file, values={"term": term}))
        if any(not 0 < weight <= 1 for weight in weights):
            problems.append(Problem("taxonomy.term_weight", file, values={"term": term}))
        if len(term) < 2:
            problems.append(Problem("taxonomy.term_short", file, values={"term": term}))
    return problems


def _in_a_ring(node: Node, taxonomy: Taxonomy) -> bool:
    parents = {each.code: each.parent for each in taxonomy.nodes}
    above = node.parent
    for _ in taxonomy.nodes:
        if above == node.code:
            return True
        above = parents.get(above, "")
    return False
