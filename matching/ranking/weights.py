"""Weights of the ranking, from `datasets/ranking/weights.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass
from functools import cache

from matching.data_files import data_path
from matching.schema import Kind


@dataclass(frozen=True)
class Likeness:
    """How far a judgement reaches: `near` is the least cosine of demands that learn from each other.

    `demand`, `achievement` and `features` are what each likeness counts, `noise` the variance of a judgement.
    """

    near: float
    demand: float
    achievement: float
    features: float
    noise: float


@dataclass(frozen=True)
class Weights:
    """Part weights by list, shares of the views in the text's similarity, of text and field in the similarity.

    `taxonomies` says what a taxonomy counts beside the others, 1 where it is not named. `retrieved` is the length of
    each demand's own list, that the level model puts in order; `strength` scikit-learn's C for that model; `terms` and
    `reasons` how many are kept with a candidate.
    """

    parts: dict[Kind, dict[str, int]]
    characters: float
    words: float
    concepts: float
    text: float
    field: float
    taxonomies: dict[str, float]
    retrieved: int
    strength: float
    likeness: Likeness
    terms: int
    reasons: int

    def as_values(self) -> dict[str, object]:
        """Plain values, to be hashed into a run."""
        return asdict(self)


@cache
def load_weights() -> Weights:
    """The weights that ship with the program."""
    with data_path("ranking", "weights.toml").open("rb") as source:
        entry = tomllib.load(source)
    return Weights(
        parts=entry["parts"],
        characters=entry["views"]["characters"],
        words=entry["views"]["words"],
        concepts=entry["views"]["concepts"],
        text=entry["score"]["text"],
        field=entry["score"]["field"],
        taxonomies=entry["taxonomies"],
        retrieved=entry["retrieval"]["length"],
        strength=entry["levels"]["strength"],
        likeness=Likeness(**entry["likeness"]),
        terms=entry["explanation"]["terms"],
        reasons=entry["explanation"]["reasons"],
    )
