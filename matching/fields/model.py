"""The field model: linear scores of n-grams for every node of every taxonomy, and probabilities made of them.

A record is its TF-IDF over n-grams, sublinear and of length 1 (scikit-learn's weighting); a node's margin is a
linear function of it, and the probabilities of a taxonomy's nodes are

    softmax(sharpness x margins),

the sharpness being fitted on examples held out in training (temperature scaling, Guo et al. 2017). A node's
confidence is what such a probability p proved to be worth on them (Platt 1999):

    1 / (1 + exp(-(slope x ln(p / (1 - p)) + offset))).
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp
from scipy.special import expit, logit, softmax
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import Ridge

from matching.data_files import data_path
from matching.errors import DataFileError, Problem
from matching.fields.grams import Vocabulary, count_grams
from matching.fields.taxonomies import load_taxonomies

_GRAMS: Final = "grams"
_IDF: Final = "idf"
_ABOUT: Final = "about"
# The code under which a classifier keeps what speaks for none of its nodes.
UNKNOWN: Final = ""
# The margins that training asks for: a record's own nodes on one side, all others on the other.
INSIDE, OUTSIDE = 1.0, -1.0
_LEAST_CHANCE: Final = 1e-6
# How many times its chance the likeliest node must have for the text to have told anything.
_TOLD: Final = 1.5
_STEPS: Final = 2047
# What a classifier is stored with beside its arrays.
_NUMBERS: Final = ("sharpness", "slope", "offset")


@dataclass(frozen=True)
class Classifier:
    """Margins of one taxonomy's nodes, `weights` being n-grams x nodes, and what makes confidences of them."""

    codes: tuple[str, ...]
    weights: np.ndarray
    intercepts: np.ndarray
    sharpness: float = 1.0
    slope: float = 1.0
    offset: float = 0.0

    def margins(self, features: sp.csr_matrix) -> np.ndarray:
        """Margins, records x nodes."""
        return np.asarray(features @ self.weights + self.intercepts)

    def probabilities(self, features: sp.csr_matrix) -> np.ndarray:
        """Probabilities of the nodes, records x nodes; rows sum to 1."""
        return chances(self.margins(features), self.sharpness)

    def confidences(self, features: sp.csr_matrix) -> np.ndarray:
        """How far each node is believed, 0–1, records x nodes; where none is likelier than chance, its chance alone."""
        probabilities = self.probabilities(features)
        worth = expit(self.slope * log_odds(probabilities) + self.offset)
        told = probabilities.max(axis=1, keepdims=True) > _TOLD / len(self.codes)
        return np.asarray(np.where(told, worth, probabilities))


def chances(margins: np.ndarray, sharpness: float) -> np.ndarray:
    """softmax(sharpness x margins), row by row."""
    return np.asarray(softmax(sharpness * margins, axis=1))


def log_odds(chance: np.ndarray) -> np.ndarray:
    """ln(p / (1 - p)), kept finite."""
    return np.asarray(logit(np.clip(chance, _LEAST_CHANCE, 1 - _LEAST_CHANCE)))


@dataclass(frozen=True)
class FieldModel:
    """N-grams with their inverse document frequencies, and a classifier for each taxonomy by its code."""

    vocabulary: Vocabulary
    idf: np.ndarray
    classifiers: Mapping[str, Classifier]

    def features(self, parts: Sequence[tuple[float, pl.Series]]) -> sp.csr_matrix:
        """TF-IDF of records given as weighted, `prepared` parts; rows of length 1, empty where nothing is known."""
        return tf_idf(count_grams(parts, self.vocabulary), self.idf)


def tf_idf(counts: sp.csr_matrix, idf: np.ndarray) -> sp.csr_matrix:
    """(1 + ln tf) x idf, rows brought to length 1."""
    if not min(counts.shape):
        return counts
    weighting = TfidfTransformer(sublinear_tf=True)
    weighting.idf_ = idf
    return sp.csr_matrix(weighting.transform(counts))


def with_corrections(
    classifier: Classifier, features: sp.csr_matrix, codes: Sequence[Sequence[str]], caution: float
) -> Classifier:
    """The classifier after an agent's corrections: `codes` are the right nodes of the records in `features`, or none.

    What the margins lack of +1 for the right nodes, and exceed -1 for the others, is fitted by ridge regression
    on top of the weights there are; `caution` is its penalty: with 1, a single correction goes half the way.
    """
    if not features.shape[0]:
        return classifier
    right = np.array([[code in (chosen or [UNKNOWN]) for code in classifier.codes] for chosen in codes])
    margins = classifier.margins(features)
    lacking = np.where(right, np.maximum(INSIDE - margins, 0), np.minimum(OUTSIDE - margins, 0))
    learned = Ridge(alpha=caution, fit_intercept=False, solver="lsqr", tol=1e-8).fit(features, lacking)
    return replace(classifier, weights=classifier.weights + np.atleast_2d(learned.coef_).T.astype(np.float32))


@cache
def load_model() -> FieldModel:
    """The model that ships with the program (`datasets/model/fields.npz`).

    Raises `DataFileError` when the taxonomies have other fields than the model was trained for.
    """
    file = data_path("model", "fields.npz")
    model = read_model(file)
    known = load_taxonomies()
    for code, classifier in model.classifiers.items():
        if {node.code for node in known[code].fields} != set(classifier.codes) - {UNKNOWN}:
            raise DataFileError(Problem("model.outdated", file.name, values={"taxonomy": code}))
    return model


def read_model(file: Path) -> FieldModel:
    """The model of a file."""
    with np.load(file) as stored:
        about = json.loads(bytes(stored[_ABOUT]))
        grams = tuple(bytes(stored[_GRAMS]).decode().split("\n"))
        classifiers = {
            code: Classifier(
                tuple(entry["codes"]),
                stored[f"{code}.weights"].astype(np.float32) * stored[f"{code}.scales"],
                stored[f"{code}.intercepts"],
                *(entry[number] for number in _NUMBERS),
            )
            for code, entry in about["taxonomies"].items()
        }
        return FieldModel(Vocabulary(grams), stored[_IDF], classifiers)


def write_model(model: FieldModel, source: str, file: Path) -> None:
    """Store a model: weights in steps of 1/2047 of each node's largest one; equal models make equal bytes."""
    entries = {
        code: {"codes": c.codes, **{number: getattr(c, number) for number in _NUMBERS}}
        for code, c in model.classifiers.items()
    }
    about = json.dumps({"source": source, "taxonomies": entries}, ensure_ascii=False, indent=1)
    arrays: dict[str, np.ndarray] = {
        _ABOUT: np.frombuffer(about.encode(), dtype=np.uint8),
        _GRAMS: np.frombuffer("\n".join(model.vocabulary.grams).encode(), dtype=np.uint8),
        _IDF: model.idf.astype(np.float32),
    }
    for code, classifier in model.classifiers.items():
        scales = np.abs(classifier.weights).max(axis=0) / _STEPS
        scales[scales == 0] = 1
        arrays[f"{code}.weights"] = np.rint(classifier.weights / scales).astype(np.int16)
        arrays[f"{code}.scales"] = scales.astype(np.float32)
        arrays[f"{code}.intercepts"] = classifier.intercepts.astype(np.float32)
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, array in arrays.items():
            held = io.BytesIO()
            np.lib.format.write_array(held, array, allow_pickle=False)
            # A fixed date: numpy's own writer stamps the hour, and equal models would differ.
            packed.writestr(zipfile.ZipInfo(f"{name}.npy"), held.getvalue(), zipfile.ZIP_DEFLATED)
