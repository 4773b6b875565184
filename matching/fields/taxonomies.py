"""Taxonomies: trees of fields with names, aliases and seed terms, one data file each."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from matching.data_files import data_path
from matching.errors import DataFileError, Problem
from matching.fields.terms import normalised


@dataclass(frozen=True)
class Node:
    """A field: its code, names, parent's code ("" at the top), plan group, aliases and seed terms."""

    code: str
    name_zh: str
    name_en: str
    parent: str
    group: str
    aliases: tuple[str, ...]
    terms: tuple[str, ...]

    def name(self, language: str) -> str:
        """The name in a language of the screens."""
        return self.name_en if language == "en" else self.name_zh


@dataclass(frozen=True)
class Taxonomy:
    """Nodes in file order, and where the taxonomy comes from."""

    code: str
    name_zh: str
    name_en: str
    source: str
    nodes: tuple[Node, ...]

    def name(self, language: str) -> str:
        """The name in a language of the screens."""
        return self.name_en if language == "en" else self.name_zh

    def node(self, code: str) -> Node:
        """The node of a code; `KeyError` when there is none."""
        return self._by_code[code]

    @cached_property
    def _by_code(self) -> dict[str, Node]:
        return {node.code: node for node in self.nodes}

    @cached_property
    def fields(self) -> tuple[Node, ...]:
        """The nodes that records are assigned to: those with terms."""
        return tuple(node for node in self.nodes if node.terms)


@cache
def load_taxonomy(code: str) -> Taxonomy:
    """A taxonomy of `datasets/fields` by its code. Raises `DataFileError` when it breaks a rule."""
    with data_path("fields", f"{code}.toml").open("rb") as source:
        entry: dict[str, Any] = tomllib.load(source)
    nodes = tuple(
        Node(
            code=node["code"],
            name_zh=node["name_zh"],
            name_en=node["name_en"],
            parent=node["parent"],
            group=node["group"],
            aliases=tuple(node["aliases"]),
            terms=tuple(normalised(term) for term in node["terms"]),
        )
        for node in entry["node"]
    )
    taxonomy = Taxonomy(entry["code"], entry["name_zh"], entry["name_en"], entry["source"], nodes)
    if problems := broken_rules(taxonomy):
        raise DataFileError(*problems)
    return taxonomy


def broken_rules(taxonomy: Taxonomy) -> list[Problem]:
    """Codes must be unique, parents exist, terms have two characters at least and one node each."""
    file = f"{taxonomy.code}.toml"
    codes = Counter(node.code for node in taxonomy.nodes)
    terms = Counter(term for node in taxonomy.nodes for term in node.terms)
    problems = [Problem("taxonomy.code_twice", file, values={"code": code}) for code, n in codes.items() if n > 1]
    problems += [
        Problem("taxonomy.no_parent", file, values={"code": node.code, "parent": node.parent})
        for node in taxonomy.nodes
        if node.parent and node.parent not in codes
    ]
    problems += [Problem("taxonomy.term_twice", file, values={"term": term}) for term, n in terms.items() if n > 1]
    problems += [Problem("taxonomy.term_short", file, values={"term": term}) for term in terms if len(term) < 2]
    return problems
