"""Field codes for records: from what a record states, else from its text, else none.

A stated field is compared with the nodes' codes, names and aliases. Otherwise the field model reads the text:
nodes that it is confident enough of are assigned, several where several are; with none the field is unknown.
What agents corrected is learned from first.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp
from rapidfuzz import fuzz, process

from matching.fields.deciding import evidence, term_features
from matching.fields.grams import marked
from matching.fields.model import UNKNOWN, FieldModel, load_model, with_corrections
from matching.fields.rules import AssignmentRules, load_rules
from matching.fields.taxonomies import Taxonomy, load_taxonomies
from matching.fields.terms import BETWEEN, normalised, normalised_texts
from matching.fields.training import examples_of, train
from matching.intake.cells import words
from matching.schema import FIELDS, STATED, TEXT

# Records are read in slices, so that memory does not grow with the catalogue.
_SLICE: Final = 10_000


def assign_fields(
    records: pl.DataFrame,
    id_column: str,
    corrections: pl.DataFrame | None = None,
    taxonomies: Iterable[str] | None = None,
) -> pl.DataFrame:
    """Fields of each record in every taxonomy in use, or in those named.

    `records` is a clean frame of demands or achievements, or any frame with some of their columns. `corrections`
    has such columns too, and taxonomy and codes (a list): a row for what an agent said of a record. The result has
    the columns of `schema.FIELDS`, rows ordered by taxonomy, record and falling confidence; a record that nothing
    is known of has no row.
    """
    rules = load_rules()
    chosen = tuple(load_taxonomies() if taxonomies is None else taxonomies)
    found = [pl.DataFrame(schema=FIELDS)]
    slices = [records[start : start + _SLICE] for start in range(0, records.height, _SLICE)]
    for model in models_of(chosen):
        learned = learned_from(model, corrections, rules)
        terms = term_features(model)
        read_slice = partial(_from_text, id_column=id_column, model=learned, terms=terms, rules=rules)
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            found += threads.map(read_slice, slices)
    read = pl.concat(found)
    if "field" in records.columns:
        stated = pl.concat(_from_statement(records, id_column, load_taxonomies()[code], rules) for code in chosen)
        read = _preferred(stated, read)
    order = {code: place for place, code in enumerate(chosen)}
    place = pl.col("taxonomy").replace_strict(order, return_dtype=pl.Int64)
    ordered = read.sort(place, "record_id", pl.col("confidence").neg(), "code")
    # A field may be stated, and be what the text says more closely of another one that is stated.
    return ordered.unique(["taxonomy", "record_id", "code"], keep="first", maintain_order=True)


@cache
def models_of(codes: tuple[str, ...]) -> tuple[FieldModel, ...]:
    """The model that ships with the program, and one of its own for each taxonomy that a user added."""
    shipped = load_model()
    known = {code: classifier for code, classifier in shipped.classifiers.items() if code in codes}
    added = [code for code in codes if code not in known]
    trained = [train({code: examples_of(load_taxonomies()[code])}, load_taxonomies()) for code in added]
    return (*([replace(shipped, classifiers=known)] if known else []), *trained)


def learned_from(model: FieldModel, corrections: pl.DataFrame | None, rules: AssignmentRules) -> FieldModel:
    """A model after what agents corrected, as `assign_fields` takes it."""
    if corrections is None or corrections.is_empty():
        return model
    classifiers = {}
    for code, classifier in model.classifiers.items():
        said = corrections.filter(pl.col("taxonomy") == code)
        features = features_in(texts_of_records(said, rules), model)
        right = [
            _fields_of(chosen, margins, classifier.codes, load_taxonomies()[code])
            for chosen, margins in zip(said["codes"].to_list(), classifier.margins(features), strict=True)
        ]
        classifiers[code] = with_corrections(classifier, features, right, rules.caution)
    return replace(model, classifiers=classifiers)


def _fields_of(chosen: list[str], margins: np.ndarray, codes: tuple[str, ...], taxonomy: Taxonomy) -> list[str]:
    """The fields meant by what an agent chose: of a node that has fields below it, the likeliest one."""
    meant = []
    for code in chosen:
        below = [place for place, each in enumerate(codes) if each in taxonomy.below(code)]
        meant += [codes[max(below, key=lambda place: margins[place])]] if below else []
    return meant


def features_in(texts: list[tuple[float, pl.Series]], model: FieldModel) -> sp.csr_matrix:
    """What a model reads of the texts: records x n-grams."""
    return model.features([(weight, marked(column)) for weight, column in texts])


def texts_of_records(records: pl.DataFrame, rules: AssignmentRules) -> list[tuple[float, pl.Series]]:
    """Normalised columns of text with their weights; lists of texts are joined by semicolons."""
    present = [(weight, records[part]) for part, weight in rules.parts.items() if part in records.columns]
    return [
        (weight, normalised_texts(column.list.join(BETWEEN) if column.dtype == pl.List(pl.String()) else column))
        for weight, column in present
    ]


def _from_text(
    records: pl.DataFrame, id_column: str, model: FieldModel, terms: sp.csr_matrix, rules: AssignmentRules
) -> pl.DataFrame:
    texts = texts_of_records(records, rules)
    if not texts:
        return pl.DataFrame(schema=FIELDS)
    features = features_in(texts, model)
    whole = pl.select(pl.concat_str([column for _, column in texts], separator=BETWEEN)).to_series()
    known = evidence(whole, features, model, terms)
    found = []
    for taxonomy, classifier in model.classifiers.items():
        confidences = classifier.confidences(features)
        # A text without a single known n-gram says nothing, whatever the node's general share is.
        confidences[features.getnnz(axis=1) == 0] = 0
        confidences[:, classifier.codes.index(UNKNOWN)] = 0
        rows, columns = believed_in(confidences, rules)
        assigned = pl.DataFrame(
            {
                "record_id": records[id_column].gather(rows),
                "code": pl.Series(classifier.codes, dtype=pl.String()).gather(columns),
                "confidence": confidences[rows, columns].astype(np.float64),
                "terms": known.deciding(rows, columns, classifier, rules.terms),
            }
        )
        found.append(
            assigned.select(
                "record_id",
                pl.lit(taxonomy).alias("taxonomy"),
                "code",
                "confidence",
                pl.lit(TEXT).alias("basis"),
                "terms",
            )
        )
    return pl.concat(found)


def believed_in(confidences: np.ndarray, rules: AssignmentRules) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the confidences that are high enough, at most `rules.most` a row, the highest first."""
    kept = min(rules.most, confidences.shape[1])
    least_kept = -np.partition(-confidences, kept - 1, axis=1)[:, kept - 1 : kept]
    sure = confidences.max(axis=1, keepdims=True) >= rules.sure
    rows, columns = np.nonzero(sure & (confidences >= rules.least) & (confidences >= least_kept))
    order = np.lexsort((columns, -confidences[rows, columns], rows))
    return rows[order], columns[order]


def _from_statement(records: pl.DataFrame, id_column: str, taxonomy: Taxonomy, rules: AssignmentRules) -> pl.DataFrame:
    distinct = records["field"].unique().to_list() if records.height else []
    resolved = {said: resolve(said, taxonomy, rules.stated) for said in distinct if said}
    rows = [
        (record_id, taxonomy.code, code, confidence, STATED, [term])
        for record_id, said in records.select(id_column, "field").iter_rows()
        for code, (confidence, term) in resolved.get(said, {}).items()
    ]
    return pl.DataFrame(rows, schema=FIELDS, orient="row")


def resolve(said: str, taxonomy: Taxonomy, least: float) -> dict[str, tuple[float, str]]:
    """Codes of the nodes that a stated field names, with how alike the names are (0–1) and the words used."""
    names = _names(taxonomy.code)
    found: dict[str, tuple[float, str]] = {}
    for word in dict.fromkeys([said, *words(said)]):
        best = process.extractOne(normalised(word), names.keys(), scorer=fuzz.ratio, score_cutoff=least * 100)
        if best is not None:
            likeness = best[1] / 100
            code = names[best[0]]
            found[code] = max(found.get(code, (0.0, word)), (likeness, word))
    return found


@cache
def _names(code: str) -> dict[str, str]:
    """Code of each normalised name of a taxonomy; where two nodes share a name it is the lower one's."""
    nodes = sorted(load_taxonomies()[code].nodes, key=lambda node: bool(node.terms))
    return {
        normalised(name): node.code for node in nodes for name in (node.code, node.name_zh, node.name_en, *node.aliases)
    }


def _preferred(stated: pl.DataFrame, read: pl.DataFrame) -> pl.DataFrame:
    """What is stated leaves no room for what the text says, but that it may say more closely what is meant."""
    known = ["taxonomy", "record_id"]
    below = pl.DataFrame(
        [
            (taxonomy.code, node.code, code)
            for taxonomy in load_taxonomies().values()
            for node in taxonomy.nodes
            for code in taxonomy.below(node.code)[1:]
        ],
        schema={"taxonomy": pl.String, "stated": pl.String, "code": pl.String},
        orient="row",
    )
    wide = stated.select(*known, stated="code").join(below, on=["taxonomy", "stated"])
    closer = read.join(wide.select(*known, "code").unique(), on=[*known, "code"], how="semi")
    refined = wide.join(closer, on=[*known, "code"], how="semi").select(*known, code="stated").unique()
    free = read.join(stated, on=known, how="anti")
    return pl.concat([free, closer, stated.join(refined, on=[*known, "code"], how="anti")])
