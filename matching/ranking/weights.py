"""Weights of the ranking, from `datasets/ranking/weights.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass
from functools import cache

from matching.data_files import data_path
from matching.schema import Kind


@dataclass(frozen=True)
class Weights:
    """Part weights by list, shares of the views in the text score, shares of text and field in the score."""

    parts: dict[Kind, dict[str, int]]
    characters: float
    words: float
    text: float
    field: float
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
        text=entry["score"]["text"],
        field=entry["score"]["field"],
        terms=entry["explanation"]["terms"],
    )
