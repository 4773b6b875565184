"""The list of candidates: for every demand its best achievements, with parts of the score and reasons."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from matching.fields.taxonomies import load_taxonomy
from matching.ranking.analysis import characters
from matching.ranking.explanation import contributions
from matching.ranking.topk import top_k
from matching.ranking.vectors import BLOCKS, Vectors
from matching.ranking.weights import Weights
from matching.schema import CANDIDATES


def candidates(
    vectors: Vectors,
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    weights: Weights,
    top: int,
    progress: Callable[[int, int], None] | None = None,
) -> pl.DataFrame:
    """The best `top` achievements of each demand, as a frame of `schema.CANDIDATES`.

    Demands in the order of their ids, candidates by rank; ties by achievement id. The four parts sum to
    `score`; the contributions of `shared_terms` (the strongest) and `other_terms` (the rest, summed) to the
    text's parts.
    """
    rows, columns, _ = top_k(vectors.demands, vectors.achievements, top, progress)
    return (
        _parts(vectors, rows, columns, weights)
        .join(
            demands.select("demand_id", "enterprise", demand_title="title"),
            on="demand_id",
            maintain_order="left",
        )
        .join(
            achievements.select("achievement_id", "institute", achievement_title="title"),
            on="achievement_id",
            maintain_order="left",
        )
        .with_columns(rank=pl.int_range(1, pl.len() + 1).over("demand_id"))
        .select(CANDIDATES.keys())
        .cast(pl.Schema(CANDIDATES))
    )


def _parts(vectors: Vectors, rows: np.ndarray, columns: np.ndarray, weights: Weights) -> pl.DataFrame:
    starts = np.array(vectors.starts[1:])
    sums = np.zeros((len(rows), len(BLOCKS)))
    terms: list[list[dict[str, object]]] = []
    others = np.zeros(len(rows))
    fields: list[list[str]] = []
    for pair, (places, parts) in enumerate(contributions(vectors, rows, columns)):
        np.add.at(sums[pair], np.searchsorted(starts, places, side="right"), parts)
        in_text = places < starts[2]
        first_word = int(np.searchsorted(places[in_text], starts[0]))
        names, amounts = _merged(vectors.names[places[in_text]], parts[in_text], first_word)
        terms.append(
            [
                {"term": name, "contribution": amount}
                for name, amount in zip(names[: weights.terms], amounts[: weights.terms], strict=True)
            ]
        )
        others[pair] = amounts[weights.terms :].sum()
        by_part = np.argsort(-parts[~in_text], kind="stable")
        fields.append([str(name) for name in vectors.names[places[~in_text]][by_part]])
    return pl.DataFrame(
        {
            "demand_id": np.array(vectors.demand_ids, dtype=object)[rows],
            "achievement_id": np.array(vectors.achievement_ids, dtype=object)[columns],
            "score": sums.sum(axis=1),
            "character_part": sums[:, 0],
            "word_part": sums[:, 1],
            "concept_part": sums[:, 2],
            "field_part": sums[:, 3],
            "text_score": _share(sums[:, :3].sum(axis=1), weights.text),
            "field_score": _share(sums[:, 3], weights.field),
            "shared_terms": terms,
            "other_terms": others,
            "shared_fields": fields,
        },
        schema_overrides={
            "demand_id": pl.String(),
            "achievement_id": pl.String(),
            "shared_terms": CANDIDATES["shared_terms"],
            "shared_fields": CANDIDATES["shared_fields"],
        },
    )


def _share(part: np.ndarray, share: float) -> np.ndarray:
    """A part of the score in 0–1, before its share is applied; 0 where it has none."""
    return part / share if share else np.zeros_like(part)


def _merged(names: np.ndarray, amounts: np.ndarray, first_word: int) -> tuple[list[str], np.ndarray]:
    """Terms with their contributions, strongest first, ties by term.

    All views hold the same text, so that 碳纤维 comes as the word, its characters and their pairs. What is part of
    a shared word, or of a shared pair, is counted with it; `names` from `first_word` on are words and concepts.
    """
    owner: dict[str, str] = {}
    words = sorted(map(str, names[first_word:]), key=lambda word: (-len(word), word))
    pairs = sorted(name for name in map(str, names[:first_word]) if len(name) > 1)
    shared = set(map(str, names))
    for term in (*words, *pairs):
        whole = owner.setdefault(term, term)
        parts = characters(term)
        # A concept that one side writes in other words has no part in the characters that both write.
        if shared.issuperset(parts):
            owner |= {part: whole for part in parts if part not in owner}
    owned = np.array([owner.get(str(name), str(name)) for name in names], dtype=object)
    distinct, place = np.unique(owned.astype(str), return_inverse=True)
    summed = np.bincount(place, weights=amounts, minlength=len(distinct))
    order = np.lexsort((distinct, -summed))
    return [str(name) for name in distinct[order]], summed[order]


def field_names(shared: list[str], language: str) -> list[str]:
    """Names of shared fields, "taxonomy:code" each, in a language of the screens."""
    split = (name.split(":", 1) for name in shared)
    return [load_taxonomy(taxonomy).node(code).name(language) for taxonomy, code in split]
