"""Measure the assignment of fields and write docs/fields.md: `make fields-report` runs this.

Fields are measured on judged products by cross-validation, nothing being trained on the products that it is measured
on; what fields and lexicon do for the ranking is measured on the judged pairs. Both stand beside the project (see
scripts/train_fields.py); the document holds figures alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from judged_data import judged_pairs, products_file
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold
from train_fields import JUDGED, record_texts

from matching import evaluate, read_achievements, read_demands
from matching.fields.assignment import assign_fields
from matching.fields.crosswalk import load_crosswalk
from matching.fields.grams import prepared
from matching.fields.lexicon import load_lexicon
from matching.fields.model import UNKNOWN
from matching.fields.taxonomies import Taxonomy, load_taxonomies
from matching.fields.training import examples_of, read_products, train
from matching.intake.judgements import read_judgements
from matching.ranking.features import products
from matching.ranking.scoring import places_of
from matching.ranking.vectors import vectorize
from matching.ranking.weights import Weights, load_weights
from matching.settings import Settings

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "fields.md"
FOLDS = 10
SEED = 1
BINS = 10


@dataclass(frozen=True)
class HeldOut:
    """Assignments of products by models that have not seen them.

    `right` says whether code, or where the second level is not known the first, is the official one.
    """

    codes: np.ndarray
    given: np.ndarray
    confidences: np.ndarray
    top_right: np.ndarray
    right: np.ndarray
    known: np.ndarray


def held_out(taxonomy: Taxonomy) -> HeldOut:
    """Every product assigned by the model of the other folds."""
    products = read_products(products_file(), taxonomy)
    written, records = examples_of(taxonomy), record_texts()
    given = products["code"].to_numpy()
    codes, confidences = np.empty(len(given), dtype=object), np.zeros(len(given))
    for seen, unseen in KFold(FOLDS, shuffle=True, random_state=SEED).split(given):
        model = train({taxonomy.code: pl.concat([products[seen], written])}, {taxonomy.code: taxonomy}, records)
        classifier = model.classifiers[taxonomy.code]
        sure = classifier.confidences(model.features([(1.0, prepared(products["text"][unseen]))]))
        sure[:, classifier.codes.index(UNKNOWN)] = 0
        codes[unseen] = np.array(classifier.codes, dtype=object)[sure.argmax(axis=1)]
        confidences[unseen] = sure.max(axis=1)
    top = np.array([taxonomy.top(code).code for code in codes])
    top_right = top == np.array([taxonomy.top(code).code for code in given])
    known = np.array([bool(taxonomy.node(code).parent) for code in given])
    return HeldOut(codes, given, confidences, top_right, np.where(known, codes == given, top_right), known)


def calibration(found: HeldOut) -> list[tuple[float, float, float, int]]:
    """For each tenth of confidence that any product has: its upper end, mean confidence, share right, products."""
    tenth = np.minimum((found.confidences * BINS).astype(int), BINS - 1)
    return [
        ((each + 1) / BINS, found.confidences[tenth == each].mean(), found.right[tenth == each].mean(), n)
        for each in range(BINS)
        if (n := int((tenth == each).sum()))
    ]


def calibration_error(rows: list[tuple[float, float, float, int]]) -> float:
    """Expected calibration error (Naeini et al. 2015): mean distance of confidence and share right."""
    total = sum(n for *_, n in rows)
    return sum(n * abs(confidence - right) for _, confidence, right, n in rows) / total


def ranking_figures() -> tuple[float, list[tuple[str, float, float]]]:
    """AUC of field agreement alone between level 3–4 and level 1, nDCG@10 and MAP by what similarity is made of."""
    folder = judged_pairs()
    demands = read_demands(folder / "demands.csv")
    achievements = read_achievements(folder / "achievements.csv")
    judged = read_judgements(folder / "judgements.csv", Settings())
    weights = load_weights()
    alone = replace(weights, text=0.0, field=1.0)
    fields = assign_fields(demands, "demand_id"), assign_fields(achievements, "achievement_id")
    vectors = vectorize(demands, achievements, *fields, alone)
    pairs, known = places_of(vectors, judged)
    agreement = np.zeros(judged.height)
    agreement[known] = products(vectors.demands, vectors.achievements, pairs)
    levels = judged["level"].to_numpy()
    told = (levels >= 3) | (levels == 1)
    variants = {
        "TF-IDF alone (characters and words)": _without(weights, "concepts", "field"),
        "TF-IDF and lexicon": _without(weights, "field"),
        "TF-IDF and fields": _without(weights, "concepts"),
        "TF-IDF, lexicon and fields": weights,
    }
    rows = []
    for name, each in variants.items():
        quality = evaluate(demands, achievements, judged, weights=each)["retrieval"]
        rows.append((name, quality.ndcg_at_10, quality.mean_average_precision))
    return float(roc_auc_score(levels[told] >= 3, agreement[told])), rows


def _without(weights: Weights, *parts: str) -> Weights:
    """The weights without some parts, the others keeping their proportions."""
    if "concepts" in parts:
        rest = weights.characters + weights.words
        weights = replace(weights, concepts=0.0, characters=weights.characters / rest, words=weights.words / rest)
    return replace(weights, text=1.0, field=0.0) if "field" in parts else weights


def main() -> None:
    """Measure and write."""
    taxonomies = load_taxonomies()
    found = held_out(taxonomies[JUDGED])
    auc, qualities = ranking_figures()
    rows = calibration(found)
    values = {
        "folds": FOLDS,
        "products": len(found.given),
        "second": int(found.known.sum()),
        "industry": found.top_right.mean(),
        "sub_industry": found.right[found.known].mean(),
        "error": calibration_error(rows),
        "auc": auc,
        "gain": qualities[-1][1] - qualities[0][1],
        "groups": len(load_lexicon().groups),
        "forms": len(load_lexicon().concept_of),
        "links": len(load_crosswalk().links),
    }
    tables = {
        "taxonomies": _table(
            ("code", "taxonomy", "nodes", "fields", "seed terms"),
            [
                (code, each.name_en, len(each.nodes), len(each.fields), sum(len(node.terms) for node in each.fields))
                for code, each in taxonomies.items()
            ],
        ),
        "calibration": _table(
            ("confidence up to", "mean confidence", "share right", "products"),
            [(f"{end:.1f}", f"{mean:.3f}", f"{right:.3f}", n) for end, mean, right, n in rows],
        ),
        "industries": _table(("industry", "products", "right"), _by_industry(found, taxonomies[JUDGED])),
        "ranking": _table(
            ("score made of", "nDCG@10", "MAP"),
            [(name, f"{ndcg:.4f}", f"{mean:.4f}") for name, ndcg, mean in qualities],
        ),
    }
    template = Path(__file__).with_name("fields.md.template").read_text("utf-8")
    DOCUMENT.write_text(template.format(**values, **tables), encoding="utf-8")
    print(" ".join(f"{name} {value:.4f}" for name, value in values.items() if isinstance(value, float)))


def _by_industry(found: HeldOut, taxonomy: Taxonomy) -> list[tuple[str, int, str]]:
    tops = np.array([taxonomy.top(code).code for code in found.given])
    return [
        (taxonomy.node(code).name_zh, int((tops == code).sum()), f"{found.top_right[tops == code].mean():.3f}")
        for code in sorted(set(tops))
    ]


def _table(heading: tuple[str, ...], rows: list[tuple[object, ...]] | list[tuple[str, int, str]]) -> str:
    lines = [heading, tuple("---" for _ in heading), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    main()
