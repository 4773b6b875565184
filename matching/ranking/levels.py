"""The level model: how likely a pair is of level 4 强相关, 3 较强, 2 弱, 1 无, and what speaks for it.

Three logistic regressions over the standardised features say how likely a pair reaches the levels 2, 3 and 4. The score
is the expected gain, sum over k of (gain(k) - gain(k - 1)) P(level >= k), over the greatest gain; it lies in 0–1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.special import expit

from matching.data_files import data_path
from matching.ranking.evaluation import gain
from matching.ranking.features import Features
from matching.schema import LEVELS

# What reaching the levels 2, 3 and 4 adds to the score; sums to 1.
STEPS: Final = np.diff(gain(np.array(LEVELS))) / gain(np.array(LEVELS))[-1]
# Digits that are kept of a weight: what rounding of sums may change stands behind them.
_DIGITS: Final = 6
_FILE: Final = ("model", "levels.json")
# Below this rise of a logit the probability's slope is taken for its rise.
_FLAT: Final = 1e-9


@dataclass(frozen=True)
class LevelModel:
    """Weights of the level model.

    `mean` and `scale` standardise the features of `names`; `coefficients` (three rows) and `intercepts` give the
    logits of reaching the levels 2, 3 and 4. `source` says what the weights were learned from.
    """

    source: str
    names: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    coefficients: tuple[tuple[float, ...], ...]
    intercepts: tuple[float, ...]

    @cached_property
    def weights(self) -> np.ndarray:
        """The coefficients as an array: 3 x features."""
        return np.array(self.coefficients)

    def standardised(self, features: Features) -> np.ndarray:
        """The features that the model knows, in its order, mean 0 and deviation 1 in what it was learned from."""
        place = {name: column for column, name in enumerate(features.names)}
        values = features.values[:, [place[name] for name in self.names]]
        return np.asarray((values - np.array(self.mean)) / np.array(self.scale))

    def as_values(self) -> dict[str, object]:
        """Plain values, to be written or hashed into a run."""
        return asdict(self)


@dataclass(frozen=True)
class Examples:
    """Features of judged pairs and their levels, 1–4."""

    features: Features
    levels: np.ndarray


def together(first: Examples, second: Examples | None) -> Examples:
    """Two lots of examples with the same features as one."""
    if second is None:
        return first
    values = np.vstack([first.features.values, second.features.values])
    return Examples(Features(first.features.names, values), np.concatenate([first.levels, second.levels]))


def fit(examples: Examples, strength: float, source: str) -> LevelModel:
    """Learn a model from examples.

    `strength` is scikit-learn's C, the inverse of the penalty. Raises `ValueError` when the levels of the examples do
    not reach from 1 to 4.
    """
    # Learning alone needs it: what only ranks is not to wait until it is loaded.
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(examples.features.values)
    mean, scale = _rounded(scaler.mean_), _rounded(scaler.scale_)
    values = (examples.features.values - mean) / scale
    steps = [
        LogisticRegression(C=strength, max_iter=2000, tol=1e-6).fit(values, examples.levels >= level)
        for level in LEVELS[1:]
    ]
    return LevelModel(
        source=source,
        names=examples.features.names,
        mean=tuple(mean.tolist()),
        scale=tuple(scale.tolist()),
        coefficients=tuple(tuple(_rounded(step.coef_[0]).tolist()) for step in steps),
        intercepts=tuple(_rounded(np.concatenate([step.intercept_ for step in steps])).tolist()),
    )


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.array([float(f"{value:.{_DIGITS}g}") for value in values])


def write_model(model: LevelModel, path: Path) -> None:
    """Write a model as JSON; the same model always as the same bytes."""
    path.write_text(json.dumps(model.as_values(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_model(path: Path) -> LevelModel:
    """Read a model that `write_model` wrote."""
    return model_of(json.loads(path.read_text(encoding="utf-8")))


def model_of(values: Mapping[str, Any]) -> LevelModel:
    """The model that `LevelModel.as_values` gave these values of."""
    return LevelModel(
        source=values["source"],
        names=tuple(values["names"]),
        mean=tuple(values["mean"]),
        scale=tuple(values["scale"]),
        coefficients=tuple(map(tuple, values["coefficients"])),
        intercepts=tuple(values["intercepts"]),
    )


@cache
def load_model() -> LevelModel:
    """The model that ships with the program."""
    return read_model(data_path(*_FILE))


def reached(model: LevelModel, standardised: np.ndarray) -> np.ndarray:
    """Probabilities of reaching the levels 2, 3 and 4: pairs x 3, falling along each row."""
    return np.minimum.accumulate(expit(standardised @ model.weights.T + np.array(model.intercepts)), axis=1)


def score_of(reached: np.ndarray) -> np.ndarray:
    """The expected gain over the greatest gain, 0–1."""
    # Row by row: a product of matrices may round the last bit by how many rows there are.
    return np.asarray((reached * STEPS).sum(axis=1))


def level_of(reached: np.ndarray) -> np.ndarray:
    """The median level, 1–4, which has the least expected absolute error."""
    return np.asarray(1 + np.count_nonzero(reached > 0.5, axis=1))


def proper(values: np.ndarray) -> np.ndarray:
    """Probabilities of reaching levels from sums that may leave 0–1 or rise along a row."""
    return np.minimum.accumulate(np.clip(values, 0.0, 1.0), axis=1)


def certainty(reached: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """The probability of the level that is given to each pair."""
    bounds = np.column_stack([np.ones(len(reached)), reached, np.zeros(len(reached))])
    rows = np.arange(len(reached))
    return np.asarray(bounds[rows, levels - 1] - bounds[rows, levels])


def base_score(model: LevelModel) -> float:
    """The score of a pair with average features."""
    return float(score_of(reached(model, np.zeros((1, len(model.names)))))[0])


def parts(model: LevelModel, standardised: np.ndarray) -> np.ndarray:
    """What each feature adds to the score of an average pair: pairs x features.

    The logits are sums over the features, so the integral of a probability's slope along the straight way from the
    average pair (Sundararajan, Taly & Yan 2017, integrated gradients) has a closed form: each feature has its share of
    the logit's rise, and with it of the probability's. Rows sum to what the probabilities add to the base before they
    are made to fall along the levels; what that takes off is no feature's part.
    """
    average = np.array(model.intercepts)
    found = np.zeros_like(standardised)
    for amount, start, weights in zip(STEPS, average, model.weights, strict=True):
        rises = standardised * weights
        rise = rises.sum(axis=1)
        flat = np.abs(rise) < _FLAT
        slope = np.divide(expit(start + rise) - expit(start), rise, out=np.zeros_like(rise), where=~flat)
        slope[flat] = expit(start) * expit(-start)
        found += amount * slope[:, None] * rises
    return found


def grouped(amounts: np.ndarray, names: Sequence[str], groups: dict[str, str]) -> dict[str, np.ndarray]:
    """Parts of features summed up by group: a column of sums for each group, in the order of `groups`."""
    group = [groups[name.split("_", 1)[0]] for name in names]
    return {
        each: amounts[:, [place for place, found in enumerate(group) if found == each]].sum(axis=1)
        for each in dict.fromkeys(groups.values())
    }
