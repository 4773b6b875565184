"""Field codes for records: from what a record states, else from its text, else none.

A stated field is compared with the nodes' names and aliases. Otherwise the seed terms decide: a term's evidence
is the weight of the best part of the record it stands in, a node's evidence e the sum over its distinct terms,
and its confidence

    share of the node in the record's evidence  x  e / (e + half),

so that both a rival field and thin evidence lower it (0–1). Nodes under the least confidence are not assigned.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache

import polars as pl
from rapidfuzz import fuzz, process

from matching.data_files import data_path
from matching.fields.taxonomies import Taxonomy, load_taxonomy
from matching.fields.terms import normalised, terms_in
from matching.intake.cells import words
from matching.schema import FIELDS


@dataclass(frozen=True)
class AssignmentRules:
    """The numbers of `datasets/fields/assignment.toml`."""

    taxonomies: tuple[str, ...]
    parts: dict[str, float]
    half: float
    least: float
    most: int
    stated: float


@cache
def load_rules() -> AssignmentRules:
    """The rules that ship with the program."""
    with data_path("fields", "assignment.toml").open("rb") as source:
        entry = tomllib.load(source)
    return AssignmentRules(tuple(entry["taxonomies"]), entry["parts"], **entry["confidence"])


def assign_fields(records: pl.DataFrame, id_column: str) -> pl.DataFrame:
    """Fields of each record in every taxonomy in use.

    `records` is a clean frame of demands or achievements. The result has the columns of `schema.FIELDS`, rows
    ordered by taxonomy, record and falling confidence; a record that nothing is known of has no row.
    """
    rules = load_rules()
    found = []
    for code in rules.taxonomies:
        taxonomy = load_taxonomy(code)
        stated = _from_statement(records, id_column, taxonomy, rules)
        silent = records.join(stated, left_on=id_column, right_on="record_id", how="anti")
        found += [stated, _from_text(silent, id_column, taxonomy, rules)]
    order = {code: place for place, code in enumerate(rules.taxonomies)}
    return (
        pl.concat(found)
        .sort(
            pl.col("taxonomy").replace_strict(order, return_dtype=pl.Int64),
            "record_id",
            pl.col("confidence").neg(),
            "code",
        )
        .select(FIELDS.keys())
    )


def _from_statement(records: pl.DataFrame, id_column: str, taxonomy: Taxonomy, rules: AssignmentRules) -> pl.DataFrame:
    distinct = records["field"].unique().to_list() if records.height else []
    resolved = {text: resolve(text, taxonomy, rules.stated) for text in distinct if text}
    rows = [
        (record_id, taxonomy.code, code, confidence, "stated", [term])
        for record_id, text in records.select(id_column, "field").iter_rows()
        for code, (confidence, term) in resolved.get(text, {}).items()
    ]
    return pl.DataFrame(rows, schema=FIELDS, orient="row")


def resolve(text: str, taxonomy: Taxonomy, least: float) -> dict[str, tuple[float, str]]:
    """Codes of the nodes that a stated field names, with how alike the names are (0–1) and the words used."""
    names = {
        normalised(name): node.code
        for node in taxonomy.fields
        for name in (node.code, node.name_zh, node.name_en, *node.aliases)
    }
    found: dict[str, tuple[float, str]] = {}
    for word in dict.fromkeys([text, *words(text)]):
        best = process.extractOne(normalised(word), names.keys(), scorer=fuzz.ratio, score_cutoff=least * 100)
        if best is not None:
            likeness = best[1] / 100
            code = names[best[0]]
            found[code] = max(found.get(code, (0.0, word)), (likeness, word))
    return found


def _from_text(records: pl.DataFrame, id_column: str, taxonomy: Taxonomy, rules: AssignmentRules) -> pl.DataFrame:
    code_of = {term: node.code for node in taxonomy.fields for term in node.terms}
    parts = [part for part in rules.parts if part in records.columns]
    hits = [
        _hits(records, id_column, part, list(code_of)).with_columns(weight=pl.lit(rules.parts[part])) for part in parts
    ]
    evidence = (
        pl.concat(hits)
        .group_by("record_id", "term")
        .agg(pl.col("weight").max())
        .with_columns(code=pl.col("term").replace_strict(code_of, return_dtype=pl.String()))
        .sort("record_id", "code", pl.col("weight").neg(), "term")
        .group_by("record_id", "code", maintain_order=True)
        .agg(pl.col("weight").sum().alias("evidence"), pl.col("term").alias("terms"))
    )
    share = pl.col("evidence") / pl.col("evidence").sum().over("record_id")
    belief = pl.col("evidence") / (pl.col("evidence") + rules.half)
    return (
        evidence.with_columns(confidence=share * belief)
        .filter(pl.col("confidence") >= rules.least)
        .sort("record_id", pl.col("confidence").neg(), "code")
        .group_by("record_id", maintain_order=True)
        .head(rules.most)
        .with_columns(taxonomy=pl.lit(taxonomy.code), basis=pl.lit("text"))
        .select(FIELDS.keys())
        .cast(pl.Schema(FIELDS))
    )


def _hits(records: pl.DataFrame, id_column: str, part: str, terms: list[str]) -> pl.DataFrame:
    """Record ids and terms found in one part, each pair once."""
    text = records[part]
    if text.dtype == pl.List(pl.String()):
        text = text.list.join("\n")
    plain = pl.Series([normalised(each) for each in text.to_list()], dtype=pl.String())
    return (
        pl.DataFrame({"record_id": records[id_column], "term": terms_in(plain, terms)})
        .explode("term")
        .drop_nulls("term")
        .unique()
    )
