"""Weights of the ranking, from `datasets/ranking/weights.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass
from functools import cache

from matching.data_files import data_path
from matching.schema import Kind


@dataclass(frozen=True)
class Weights:
    """Part weights by list, shares of the views in the text score, of text and field in the score.

    `taxonomies` says what a taxonomy counts beside the others, 1 where it is not named.
    """

    parts: dict[Kind, dict[str, int]]
    characters: float
    words: float
    concepts: float
    text: float
    field: float
    taxonomies: dict[str, float]
    terms: int

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
        terms=entry["explanation"]["terms"],
    )
