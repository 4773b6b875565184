"""A space as plain arrays and back, to be kept in a file: no objects, so that nothing but data is ever read."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl

from matching.ranking.field_rows import FittedFields
from matching.ranking.space import Space, Terms

_VIEWS: Final = ("characters", "words", "concepts")


def space_arrays(space: Space) -> dict[str, np.ndarray]:
    """The space's values by name; texts as one array of UTF-8 bytes and where each begins, with the end of the last."""
    arrays = {
        "fields_common": space.fields.common,
        "fields_shares": space.fields.shares,
        "shares": np.array(space.shares, dtype=np.float64),
        "directions": space.directions,
        "fitted_on": np.array(space.fitted_on, dtype=np.int64),
        **_text_arrays("fields", space.fields.names),
    }
    for view in _VIEWS:
        terms: Terms = getattr(space, view)
        arrays |= {**_text_arrays(view, terms.names), f"{view}_idf": terms.idf}
    return arrays


def space_of(arrays: dict[str, np.ndarray]) -> Space:
    """The space of `space_arrays`; `KeyError` for an array that is not there."""
    return space_with(arrays, {name: _texts_of(name, arrays) for name in ("fields", *_VIEWS)})


def space_names(space: Space) -> dict[str, pl.Series]:
    """The texts of `space_arrays` as they are: terms of each view and fields."""
    return {"fields": space.fields.names, **{view: getattr(space, view).names for view in _VIEWS}}


def space_with(arrays: dict[str, np.ndarray], names: dict[str, pl.Series]) -> Space:
    """The space of `space_names` and of the other arrays of `space_arrays`; `KeyError` for one that is not there."""
    characters, words, concepts = (Terms(names[view], arrays[f"{view}_idf"]) for view in _VIEWS)
    shares, fitted_on = arrays["shares"].tolist(), arrays["fitted_on"].tolist()
    return Space(
        characters=characters,
        words=words,
        concepts=concepts,
        fields=FittedFields(names["fields"], arrays["fields_common"], arrays["fields_shares"]),
        shares=(shares[0], shares[1], shares[2], shares[3]),
        directions=arrays["directions"],
        fitted_on=(fitted_on[0], fitted_on[1]),
    )


def _text_arrays(name: str, texts: pl.Series) -> dict[str, np.ndarray]:
    begins = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum(texts.str.len_bytes().to_numpy(), out=begins[1:])
    return {
        f"{name}_texts": np.frombuffer("".join(texts).encode(), dtype=np.uint8),
        f"{name}_begins": begins,
    }


def _texts_of(name: str, arrays: dict[str, np.ndarray]) -> pl.Series:
    whole, begins = arrays[f"{name}_texts"].tobytes(), arrays[f"{name}_begins"].tolist()
    texts = [whole[begin:end].decode() for begin, end in pairwise(begins)]
    return pl.Series(texts, dtype=pl.String())
