"""The list of candidates: for every demand its best achievements, with the parts of their scores and reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
import scipy.sparse as sp

from matching.fields.taxonomies import load_taxonomy
from matching.ranking import levels
from matching.ranking.analysis import characters
from matching.ranking.explanation import contributions
from matching.ranking.features import GROUPS, Pairs, retrieve
from matching.ranking.learning import still_open
from matching.ranking.levels import LevelModel
from matching.ranking.scoring import Scored, place_in, places_of, score_pairs, titles_of, with_judged
from matching.ranking.vectors import BLOCKS, Vectors
from matching.ranking.weights import Weights
from matching.schema import CANDIDATES


@dataclass(frozen=True)
class Ranked:
    """Candidates as a frame of `schema.CANDIDATES`, and all pairs that were scored for them."""

    candidates: pl.DataFrame
    scored: Scored


def candidates(
    vectors: Vectors,
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    judgements: pl.DataFrame,
    weights: Weights,
    model: LevelModel,
    top: int,
    progress: Callable[[int, int], None] | None = None,
) -> Ranked:
    """The best `top` achievements of each demand, out of those that the retrieval finds.

    `judgements` is a frame of `schema.JUDGEMENTS`. Demands come in the order of their ids, candidates by rank; ties by
    achievement id. Three sums hold: the four parts make `similarity`; `shared_terms` (the strongest) and `other_terms`
    (the rest, summed) the text's parts; `base`, `feature_parts`, `learned` and `other_parts` make `score`.
    """
    lists = retrieve(vectors, max(top, weights.retrieved), progress)
    judged, known = places_of(vectors, judgements)
    pairs, found_levels = with_judged(lists, judged, judgements["level"].to_numpy()[known])
    scored = score_pairs(vectors, titles_of(demands, achievements), pairs, lists, found_levels, model, weights.likeness)
    chosen = _best(scored, place_in(pairs, lists), top)
    kept = pairs.of(chosen)
    frame = pl.concat(
        [
            _similarity(vectors, kept, weights),
            _judged(vectors, scored, chosen, model, weights.reasons),
            _open(scored, chosen),
        ],
        how="horizontal",
    )
    frame = (
        frame.join(
            demands.select("demand_id", "enterprise", demand_title="title"), on="demand_id", maintain_order="left"
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
    return Ranked(frame, scored)


def _best(scored: Scored, listed: np.ndarray, top: int) -> np.ndarray:
    """Places of the best of the listed pairs, demand by demand."""
    pairs = scored.pairs.of(listed)
    order = listed[np.lexsort((pairs.achievements, -scored.score[listed], pairs.demands))]
    demands = scored.pairs.demands[order]
    first = np.searchsorted(demands, demands)
    return np.asarray(order[np.arange(len(order)) - first < top])


def _judged(vectors: Vectors, scored: Scored, chosen: np.ndarray, model: LevelModel, reasons: int) -> pl.DataFrame:
    """Score, level and probabilities, and the parts that make the score."""
    base = levels.base_score(model)
    by_group = levels.grouped(levels.parts(model, scored.standardised[chosen]), model.names, GROUPS)
    amounts = np.column_stack(list(by_group.values()))
    moved = scored.learned.amounts[chosen]
    learned = [_reasons(vectors, scored, moved, place, reasons) for place in range(len(chosen))]
    told = np.array([sum(float(str(each["part"])) for each in reason) for reason in learned])
    score, level = scored.score[chosen], scored.level[chosen]
    return pl.DataFrame(
        {
            "score": score,
            "level": level,
            "certainty": levels.certainty(scored.reached[chosen], level),
            **{f"reach_{step}": scored.reached[chosen, place] for place, step in enumerate(("two", "three", "four"))},
            "base": np.full(len(chosen), base),
            "feature_parts": [
                [{"feature": name, "part": part} for name, part in zip(by_group, row, strict=True)]
                for row in amounts.tolist()
            ],
            "learned": learned,
            # Judgements that moved the pair less, and what the limits of probabilities take off.
            "other_parts": score - base - amounts.sum(axis=1) - told,
        },
        schema_overrides={name: CANDIDATES[name] for name in ("feature_parts", "learned")},
    )


def _reasons(
    vectors: Vectors, scored: Scored, moved: sp.csr_matrix, place: int, reasons: int
) -> list[dict[str, object]]:
    """The judgements that moved a pair most, with what they added to its score."""
    row = moved[[place]]
    order = np.lexsort((row.indices, -np.abs(row.data)))[:reasons]
    return [
        {
            "demand_id": vectors.demand_ids[scored.pairs.demands[judged]],
            "achievement_id": vectors.achievement_ids[scored.pairs.achievements[judged]],
            "level": int(scored.judged[judged]),
            "part": float(amount),
        }
        for judged, amount in zip(row.indices[order], row.data[order], strict=True)
    ]


def _open(scored: Scored, chosen: np.ndarray) -> pl.DataFrame:
    """For each candidate its probabilities before their limits, and its covariances with those of its demand."""
    demands = scored.pairs.demands[chosen]
    rows: list[list[float]] = []
    for demand in np.unique(demands):
        rows += still_open(scored.alike, scored.families, chosen[demands == demand]).tolist()
    return pl.DataFrame(
        {"unlimited": scored.unlimited[chosen].tolist(), "covariances": rows},
        schema={name: CANDIDATES[name] for name in ("unlimited", "covariances")},
    )


def _similarity(vectors: Vectors, pairs: Pairs, weights: Weights) -> pl.DataFrame:
    """The similarity of pairs taken apart."""
    rows, columns = pairs.demands, pairs.achievements
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
            "similarity": sums.sum(axis=1),
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
    """A part of the similarity in 0–1, before its share is applied; 0 where it has none."""
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
