"""Training of the field model from names and terms of the taxonomies, example names, the lexicon, and judged products.

Everything is one list of short texts with their node; how much each kind of text counts stands in
`datasets/fields/assignment.toml`. scikit-learn counts, weighs and fits.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp
from scipy.optimize import minimize_scalar
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.naive_bayes import MultinomialNB
from sklearn.svm import LinearSVC

from matching.data_files import data_path
from matching.errors import DataFileError, Problem
from matching.fields.grams import LONGEST, Vocabulary, count_grams, prepared
from matching.fields.lexicon import load_lexicon
from matching.fields.model import OUTSIDE, UNKNOWN, Classifier, FieldModel, chances, log_odds, tf_idf
from matching.fields.rules import load_rules
from matching.fields.taxonomies import Taxonomy

EXAMPLES: Final[dict[str, pl.DataType]] = {
    "text": pl.String(),
    "code": pl.String(),
    "weight": pl.Float64(),
    "judged": pl.Boolean(),
}
_FOLDS: Final = 5
_SEED: Final = 0


def examples_of(taxonomy: Taxonomy) -> pl.DataFrame:
    """What the data files say of a taxonomy's fields: a frame of `EXAMPLES`, each text and code once."""
    training = load_rules().training
    fields = {node.code for node in taxonomy.fields}
    rows: list[tuple[str, str, float]] = []
    for node in taxonomy.fields:
        rows += [(name, node.code, training.name) for name in (node.name_zh, node.name_en, *node.aliases)]
        rows += [(term, node.code, training.term * weight) for term, weight in node.terms.items()]
    if taxonomy.code == training.lexicon_taxonomy:
        groups = load_lexicon().groups
        rows += [(form, g.field, training.lexicon) for g in groups if g.field in fields for form in g.forms]
    rows += [(text, code, training.example) for text, code in _written_examples(taxonomy)]
    rows += [(phrase, UNKNOWN, training.background) for phrase in _background()]
    frame = pl.DataFrame(rows, schema=["text", "code", "weight"], orient="row")
    return (
        frame.with_columns(judged=False)
        .unique(["text", "code"], keep="first", maintain_order=True)
        .cast(pl.Schema(EXAMPLES))
    )


def _written_examples(taxonomy: Taxonomy) -> list[tuple[str, str]]:
    file = data_path("fields", "examples", f"{taxonomy.code}.csv")
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as source:
        found = [(row["text"], row["code"]) for row in csv.DictReader(source)]
    known = {node.code for node in taxonomy.fields}
    if unknown := {code for _, code in found} - known:
        raise DataFileError(Problem("taxonomy.no_code", file.name, values={"code": sorted(unknown)}))
    return found


def _background() -> list[str]:
    """Phrases that stand in records of every field and speak for none."""
    return data_path("fields", "background.txt").read_text("utf-8").split()


def read_products(file: Path, taxonomy: Taxonomy) -> pl.DataFrame:
    """Judged products of a file with product, industry and sub_industry, as a frame of `EXAMPLES`.

    The code is that of the second level where it is known, else that of the first.
    """
    names = {name: node for node in taxonomy.nodes for name in (node.name_zh, *node.aliases)}
    rows = []
    for product, industry, sub_industry in (
        pl.read_csv(file, infer_schema=False).select("product", "industry", "sub_industry").iter_rows()
    ):
        node = names.get(sub_industry or industry)
        if node is None or taxonomy.top(node.code) != names.get(industry):
            raise DataFileError(Problem("taxonomy.no_code", file.name, values={"code": sub_industry or industry}))
        rows.append((product, node.code, 1.0, True))
    return pl.DataFrame(rows, schema=EXAMPLES, orient="row")


def train(
    examples: Mapping[str, pl.DataFrame], taxonomies: Mapping[str, Taxonomy], records: pl.Series | None = None
) -> FieldModel:
    """Fit a model on the examples of each taxonomy (frames of `EXAMPLES`), both by the taxonomy's code.

    `records` are whole texts of demands and achievements, from which it is learned how common an n-gram is.
    """
    texts = {code: prepared(frame["text"]) for code, frame in examples.items()}
    names = pl.concat(texts.values()).unique(maintain_order=True)
    vocabulary = _vocabulary(names)
    read = names if records is None else pl.concat([names, prepared(records)])
    idf = TfidfTransformer().fit(count_grams([(1.0, read)], vocabulary)).idf_.astype(np.float32)
    classifiers = {
        code: fit(tf_idf(count_grams([(1.0, texts[code])], vocabulary), idf), frame, taxonomies[code])
        for code, frame in examples.items()
    }
    return FieldModel(vocabulary, idf, classifiers)


def _vocabulary(texts: pl.Series) -> Vocabulary:
    least = min(load_rules().training.least_texts, max(len(texts), 1))
    counter = CountVectorizer(analyzer="char", ngram_range=(1, LONGEST), lowercase=False, min_df=least)
    grams = counter.fit(texts.to_list()).get_feature_names_out()
    # Figures and marks alone speak for no field.
    return Vocabulary(tuple(gram for gram in grams if any(character.isalpha() for character in gram)))


def fit(features: sp.csr_matrix, examples: pl.DataFrame, taxonomy: Taxonomy) -> Classifier:
    """Fit a classifier and what makes confidences of its margins.

    An example of a node that has fields below it stands for the likeliest of them, as the other examples see it.
    Sharpness, slope and offset are fitted on the judged examples (all, where none is judged), each held out of the
    training of the margins that are used for it.
    """
    codes = (*(node.code for node in taxonomy.fields), UNKNOWN)
    given = examples["code"].to_numpy()
    weights = examples["weight"].to_numpy()
    labels = _labels(features, given, weights, codes, taxonomy)
    measured = examples["judged"].to_numpy() | (not examples["judged"].any())
    held_out = np.empty((len(labels), len(codes)))
    for seen, unseen in KFold(_FOLDS, shuffle=True, random_state=_SEED).split(labels):
        unseen = unseen[measured[unseen]]
        held_out[unseen] = _margins(features[seen], labels[seen], weights[seen], codes).margins(features[unseen])
    right = _under(given[measured], codes, taxonomy)
    sharpness = _sharpness(held_out[measured], right)
    slope, offset = _worth(chances(held_out[measured], sharpness), right)
    whole = _margins(features, labels, weights, codes)
    return replace(whole, sharpness=sharpness, slope=slope, offset=offset)


def _labels(
    features: sp.csr_matrix, given: np.ndarray, weights: np.ndarray, codes: tuple[str, ...], taxonomy: Taxonomy
) -> np.ndarray:
    sure = np.isin(given, codes)
    if sure.all():
        return given
    margins = _margins(features[sure], given[sure], weights[sure], codes).margins(features[~sure])
    labels = given.copy()
    labels[~sure] = np.array(codes)[np.where(_under(given[~sure], codes, taxonomy), margins, -np.inf).argmax(axis=1)]
    return labels


def _under(nodes: np.ndarray, codes: tuple[str, ...], taxonomy: Taxonomy) -> np.ndarray:
    """Whether each code is the node or stands under it, nodes x codes."""
    under = {node: [code in taxonomy.below(node) for code in codes] for node in set(nodes)}
    return np.array([under[node] for node in nodes])


def _margins(features: sp.csr_matrix, labels: np.ndarray, weights: np.ndarray, codes: tuple[str, ...]) -> Classifier:
    """Support vector machine, one against the rest, plus a share of naive Bayes; both are linear.

    A node without examples keeps the margin of what is outside.
    """
    training = load_rules().training
    machine = LinearSVC(C=training.cost, random_state=_SEED).fit(features, labels, sample_weight=weights)
    bayes = MultinomialNB(alpha=training.bayes_smoothing).fit(features, labels, sample_weight=weights)
    columns = [codes.index(code) for code in machine.classes_]
    # Of two classes the machine holds one side alone.
    sides = np.array([[-1.0], [1.0]]) if len(columns) == 2 else np.ones((len(columns), 1))
    coefficients = np.zeros((features.shape[1], len(codes)), dtype=np.float32)
    intercepts = np.full(len(codes), OUTSIDE, dtype=np.float32)
    # What an n-gram adds to all nodes alike tells them not apart.
    bayes_weights = bayes.feature_log_prob_ - bayes.feature_log_prob_.mean(axis=0)
    bayes_intercepts = bayes.class_log_prior_ - bayes.class_log_prior_.mean()
    coefficients[:, columns] = (sides * machine.coef_ + training.bayes * bayes_weights).T
    intercepts[columns] = sides.ravel() * machine.intercept_ + training.bayes * bayes_intercepts
    return Classifier(codes, coefficients, intercepts)


def _sharpness(margins: np.ndarray, right: np.ndarray) -> float:
    """The sharpness under which the right nodes together are most probable."""

    def surprise(logarithm: float) -> float:
        return -float(np.log((chances(margins, np.exp(logarithm)) * right).sum(axis=1)).sum())

    return float(np.exp(minimize_scalar(surprise, bounds=(-3.0, 5.0), method="bounded").x))


def _worth(chance: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Slope and offset of how often the most probable node is right, by its probability."""
    best = chance.argmax(axis=1)[:, None]
    hit = np.take_along_axis(right, best, axis=1).ravel()
    if hit.all() or not hit.any():
        return 1.0, 0.0
    regression = LogisticRegression(C=np.inf).fit(log_odds(np.take_along_axis(chance, best, axis=1)), hit)
    return float(regression.coef_[0, 0]), float(regression.intercept_[0])
