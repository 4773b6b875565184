"""Made demands beside the real ones of the judged pairs: lengths, distinct terms, how vocabularies grow."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl
from judged_data import judged_pairs

from bench.made_records import records
from matching.fields.terms import normalised
from matching.intake.reading import read_file
from matching.ranking.analysis import VIEWS

# Vocabularies' growth is fitted from so many records on: the first ones say little.
_FROM: Final = 20
# Parts of a real demand, all of which one made text stands for.
_PARTS: Final = ("problem", "targets", "expected", "tried")


def likeness() -> list[dict[str, Any]]:
    """A row for the real demands that have a text, and one for as many made ones.

    characters: of title and text, mean and tenths; distinct: terms per record by view, mean; growth: the exponent by
    which the vocabulary grows with the number of terms read (Heaps), by view; once: share of terms that one record has.
    """
    demands = read_file(judged_pairs() / "demands.csv", "demands").frame
    texts = demands.select(text=pl.concat_str(["title", *_PARTS], separator="\n"), content=pl.concat_str(_PARTS))
    real = texts.filter(pl.col("content") != "")["text"].to_list()
    made = records(len(real)).select(pl.concat_str(["title", "text"], separator="\n")).to_series().to_list()
    return [{"list": "real", **_described(real)}, {"list": "made", **_described(made)}]


def _described(texts: list[str]) -> dict[str, Any]:
    lengths = np.array([len(text) for text in texts])
    terms = {name: [view(normalised(text)) for text in texts] for name, view in VIEWS.items()}
    return {
        "records": len(texts),
        "characters": float(lengths.mean()),
        "tenths": [float(np.quantile(lengths, share)) for share in (0.1, 0.5, 0.9)],
        "distinct": {name: float(np.mean([len(set(each)) for each in found])) for name, found in terms.items()},
        "growth": {name: _growth(found) for name, found in terms.items()},
        "once": {name: _once(found) for name, found in terms.items()},
    }


def _growth(records_terms: list[list[str]]) -> float:
    """The slope of the logarithms of distinct terms over those of all terms, record after record."""
    known: set[str] = set()
    points = []
    read = 0
    for terms in records_terms:
        known.update(terms)
        read += len(terms)
        points.append((read, len(known)))
    logs = np.log(np.array(points[min(_FROM, len(points) // 2) :], dtype=np.float64))
    return float(np.polyfit(logs[:, 0], logs[:, 1], 1)[0])


def _once(records_terms: list[list[str]]) -> float:
    found: dict[str, int] = {}
    for terms in records_terms:
        for term in set(terms):
            found[term] = found.get(term, 0) + 1
    return sum(times == 1 for times in found.values()) / len(found)
