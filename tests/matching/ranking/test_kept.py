"""A catalogue in segments ranks as if it had been placed at once."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
import pytest

from matching.fields.lexicon import load_lexicon
from matching.intake.reading import Reading
from matching.ranking.counting import count
from matching.ranking.features import Pairs
from matching.ranking.kept import Kept, beside, best_of, gathered, kept_of, with_placed
from matching.ranking.space import Placed, Space, fit, place
from matching.ranking.topk import build, search
from matching.ranking.vectors import vectors_of
from matching.ranking.weights import load_weights
from matching.schema import FIELDS, ID, Kind

WEIGHTS: Final = load_weights()
NO_FIELDS: Final = pl.DataFrame(schema=FIELDS)


def placed(space: Space, kind: Kind, frame: pl.DataFrame) -> Placed:
    return place(space, kind, count(frame, kind, WEIGHTS.parts[kind], load_lexicon()), NO_FIELDS)


@pytest.fixture(scope="module")
def sides(sample_demands: Reading, sample_achievements: Reading) -> tuple[pl.DataFrame, pl.DataFrame]:
    return (
        sample_demands.frame.sort("demand_id").head(12),
        sample_achievements.frame.sort("achievement_id").head(60),
    )


@pytest.fixture(scope="module")
def space(sides: tuple[pl.DataFrame, pl.DataFrame]) -> Space:
    counted = [count(side, kind, WEIGHTS.parts[kind], load_lexicon()) for side, kind in zip(sides, ID, strict=True)]
    return fit(counted[0], counted[1], NO_FIELDS, NO_FIELDS, WEIGHTS)


def test_later_segments_give_the_list_of_all_at_once(sides: tuple[pl.DataFrame, pl.DataFrame], space: Space) -> None:
    demands, achievements = sides
    older = achievements.head(40).with_columns(title=pl.col("title").reverse(), summary=pl.lit(""))
    kept = kept_of(space, placed(space, "achievements", older))
    kept = with_placed(kept, placed(space, "achievements", achievements[20:50]))
    kept = with_placed(
        kept, placed(space, "achievements", achievements[:30]), gone=achievements["achievement_id"][45:50]
    )
    there = achievements[:45]
    assert kept.ids == tuple(there["achievement_id"].sort())
    assert_as_if_at_once(kept, space, demands, there)


def test_a_catalogue_may_lose_everything(sides: tuple[pl.DataFrame, pl.DataFrame], space: Space) -> None:
    demands, achievements = sides
    kept = with_placed(
        kept_of(space, placed(space, "achievements", achievements)),
        placed(space, "achievements", achievements.clear()),
        gone=achievements["achievement_id"],
    )
    assert kept.ids == ()
    assert len(best_of(kept, placed(space, "demands", demands).rows, 5)[0]) == 0


def assert_as_if_at_once(kept: Kept, space: Space, demands: pl.DataFrame, there: pl.DataFrame) -> None:
    at_once, asking = placed(space, "achievements", there), placed(space, "demands", demands)
    rows, columns, scores = search(build(at_once.rows), asking.rows, 7)
    pairs, found = best_of(kept, asking.rows, 7)
    assert pairs.demands.tolist() == rows.tolist()
    assert pairs.achievements.tolist() == columns.tolist()
    assert found.tobytes() == scores.tobytes()
    whole, everything = gathered(kept, np.arange(len(kept.ids))), vectors_of(space, asking, at_once)
    assert whole.ids == at_once.ids
    for one, other in ((whole.rows, at_once.rows), (whole.titles, at_once.titles)):
        assert (one != other).nnz == 0
    vectors, narrow = beside(kept, asking, Pairs(rows[:9], columns[:9]))
    assert [vectors.achievement_ids[place] for place in narrow.achievements] == [
        everything.achievement_ids[place] for place in columns[:9]
    ]
    assert (vectors.achievements[narrow.achievements] != at_once.rows[columns[:9]]).nnz == 0
