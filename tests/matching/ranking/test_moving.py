"""A list moved at once by judgements: what ranking anew with them gives, and sums that still hold."""

from __future__ import annotations

import random
from typing import Final

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import records

from matching.pipeline import rank
from matching.ranking.levels import certainty, level_of, score_of
from matching.ranking.moving import moved
from matching.ranking.weights import load_weights
from matching.schema import CANDIDATES, FIELDS, JUDGEMENTS

EXACT: Final = 1e-12
# A run keeps probabilities after their limits, so that what it cut off is not known when its list is moved.
LIMITED: Final = 0.02
CLOSE: Final = 1e-9
NOISE: Final = load_weights().likeness.noise
REACHED: Final = ("reach_two", "reach_three", "reach_four")
NO_FIELDS: Final = pl.DataFrame(schema=FIELDS)

DEMANDS: Final = records(
    "demands",
    {"title": "沼气脱硫", "problem": "沼气工程硫化氢含量高，气味重，要求干法脱硫"},
    {"title": "锂电池负极材料低温性能", "problem": "低温放电容量不足"},
    {"title": "沼气脱硫剂", "problem": "沼气工程硫化氢含量高，气味重，要求干法脱硫"},
)
ACHIEVEMENTS: Final = records(
    "achievements",
    {"title": "沼气脱硫塔", "summary": "用于沼气工程的干法脱硫，硫化氢去除率高"},
    {"title": "沼气脱硫剂再生", "summary": "脱硫剂可反复使用"},
    {"title": "烟气脱硫"},
    {"title": "硫化氢气体检测仪", "figures": "检出限低"},
    {"title": "沼气发电机组"},
    {"title": "锂电池石墨负极", "summary": "低温放电容量高"},
    {"title": "气味治理工程"},
    {"title": "沼气工程", "summary": "厌氧发酵"},
)


def ranked(judgements: pl.DataFrame | None = None, top: int = 10) -> pl.DataFrame:
    return rank(
        DEMANDS, ACHIEVEMENTS, top, demand_fields=NO_FIELDS, achievement_fields=NO_FIELDS, judgements=judgements
    ).candidates


def said(levels: dict[str, int], demand_id: str = "D1") -> pl.DataFrame:
    rows = [(demand_id, achievement_id, level) for achievement_id, level in levels.items()]
    return pl.DataFrame(rows, schema=JUDGEMENTS, orient="row")


@pytest.fixture(scope="module")
def before() -> pl.DataFrame:
    rows = ranked().filter(demand_id="D1")
    assert rows.height >= 6
    return rows


LEVELS = st.dictionaries(
    st.sampled_from(ACHIEVEMENTS["achievement_id"].to_list()), st.integers(1, 4), min_size=1, max_size=8
)
BEFORE: Final = ranked().filter(demand_id="D1")


def numbers(rows: pl.DataFrame) -> np.ndarray:
    """What a judgement moves, by achievement."""
    return rows.sort("achievement_id").select("score", "certainty", *REACHED).to_numpy()


def assert_same(found: pl.DataFrame, expected: pl.DataFrame, within: float = CLOSE) -> None:
    """The same numbers for the achievements that both have."""
    both = found.join(expected, on="achievement_id", how="semi"), expected.join(found, on="achievement_id", how="semi")
    assert both[0].height > 0
    np.testing.assert_allclose(numbers(both[0]), numbers(both[1]), rtol=0, atol=within)


@settings(max_examples=15)
@given(LEVELS)
def test_moved_is_ranking_anew(levels: dict[str, int]) -> None:
    found = moved(BEFORE, said(levels), NOISE)
    anew = ranked(said(levels)).filter(demand_id="D1")
    assert_same(found, anew)
    assert (
        found["level"].to_list()
        == found.select(pl.Series("level", level_of(found.select(REACHED).to_numpy())))["level"].to_list()
    )
    gaps = anew["score"].diff(null_behavior="drop").abs().to_list()
    if min(gaps, default=1) > CLOSE:
        assert found["achievement_id"].to_list() == anew["achievement_id"].to_list()


def test_moved_is_ranking_anew_for_what_a_short_list_holds() -> None:
    short = ranked(top=4).filter(demand_id="D1")
    levels = {short["achievement_id"][0]: 1, short["achievement_id"][2]: 4}
    anew = ranked(said(levels), top=4).filter(demand_id="D1")
    assert_same(moved(short, said(levels), NOISE), anew)


def test_what_was_judged_before_the_ranking_is_known() -> None:
    """Two judgements before, two after: the pairs that nobody judged stand where all four put them."""
    first = {"A2": 2, "A5": 2}
    both = {**first, "A1": 4, "A7": 2}
    rows = ranked(said(first)).filter(demand_id="D1")
    open_rows = ~pl.col("achievement_id").is_in(list(first))
    found = moved(rows, said(both), NOISE).filter(open_rows)
    assert_same(found, ranked(said(both)).filter(demand_id="D1").filter(open_rows), LIMITED)


@pytest.mark.parametrize("later", ["D1", "D3"])
def test_judgements_of_a_near_demand_are_known(later: str) -> None:
    """D3 asks for the same: what was said of it before is in the list of D1, and the other way round."""
    other = "D3" if later == "D1" else "D1"
    known = said({"A1": 3, "A4": 2}, other)
    more = said({"A8": 2, "A2": 3}, later)
    rows = ranked(known).filter(demand_id=later)
    anew = ranked(pl.concat([known, more])).filter(demand_id=later)
    assert_same(moved(rows, more, NOISE), anew, LIMITED)


@settings(max_examples=40)
@given(LEVELS)
def test_sums_ranks_and_order(levels: dict[str, int]) -> None:
    found = moved(BEFORE, said(levels), NOISE)
    assert dict(found.schema) == CANDIDATES
    assert found["rank"].to_list() == list(range(1, found.height + 1))
    order = [(-score, identity) for score, identity in found.select("score", "achievement_id").rows()]
    assert order == sorted(order)
    assert sorted(found["achievement_id"]) == sorted(BEFORE["achievement_id"])
    for row in found.iter_rows(named=True):
        parts = [each["part"] for each in (*row["feature_parts"], *row["learned"])]
        assert row["base"] + sum(parts) + row["other_parts"] == pytest.approx(row["score"], abs=EXACT)
        assert 0 <= row["score"] <= 1
    probabilities = found.select(REACHED).to_numpy()
    assert (np.diff(probabilities, axis=1) <= 0).all()
    assert found["score"].to_numpy() == pytest.approx(score_of(probabilities), abs=EXACT)
    given_levels = found["level"].to_numpy()
    assert found["certainty"].to_numpy() == pytest.approx(certainty(probabilities, given_levels), abs=EXACT)


@settings(max_examples=40)
@given(LEVELS)
def test_what_was_learned_names_its_judgements(levels: dict[str, int]) -> None:
    """Never the pair's own, strongest first."""
    for row in moved(BEFORE, said(levels), NOISE).iter_rows(named=True):
        for each in row["learned"]:
            assert each["demand_id"] == "D1"
            assert each["achievement_id"] != row["achievement_id"]
            assert each["level"] == levels[each["achievement_id"]]
        amounts = [abs(each["part"]) for each in row["learned"]]
        assert amounts == sorted(amounts, reverse=True)


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_a_pairs_own_judgement_does_not_move_it(before: pl.DataFrame, level: int) -> None:
    for achievement_id in before["achievement_id"]:
        found = moved(before, said({achievement_id: level}), NOISE).filter(achievement_id=achievement_id)
        own = before.filter(achievement_id=achievement_id)
        assert found["score"][0] == pytest.approx(own["score"][0], abs=EXACT)
        assert found["learned"][0].to_list() == own["learned"][0].to_list()


def test_the_rest_of_the_list_follows_a_judgement(before: pl.DataFrame) -> None:
    others = pl.col("achievement_id") != "A1"
    rows = before.filter(others).sort("achievement_id")["score"]
    up, down = (moved(before, said({"A1": level}), NOISE).filter(others) for level in (4, 1))
    assert (up.sort("achievement_id")["score"] > rows).all()
    assert (down.sort("achievement_id")["score"] < rows).all()


def test_what_is_not_about_judgements_stays(before: pl.DataFrame) -> None:
    found = moved(before, said({"A1": 1, "A8": 4}), NOISE)
    changed = {"unlimited", "score", "level", "certainty", "rank", "learned", "other_parts", *REACHED}
    same = [name for name in CANDIDATES if name not in changed]
    # Compared as text, since a frame of lists does not sort.
    assert (
        found.select(same).sort("achievement_id").write_ndjson()
        == before.select(same).sort("achievement_id").write_ndjson()
    )


def test_without_judgements_the_list_stays(before: pl.DataFrame) -> None:
    assert moved(before, said({}), NOISE).equals(before)


def test_a_judgement_of_a_pair_that_is_not_in_the_list_changes_nothing(before: pl.DataFrame) -> None:
    assert moved(before, said({"A99": 4}), NOISE).equals(before)
    known = said({"A1": 4})
    both = said({"A1": 4, "A99": 1})
    assert moved(before, both, NOISE).equals(moved(before, known, NOISE))


def test_rows_of_a_run_that_knew_no_levels_stay(before: pl.DataFrame) -> None:
    unknown = [
        "level",
        "certainty",
        *REACHED,
        "base",
        "feature_parts",
        "learned",
        "other_parts",
        "unlimited",
        "covariances",
    ]
    older = before.with_columns(pl.lit(None, CANDIDATES[name]).alias(name) for name in unknown)
    assert moved(older, said({"A1": 4}), NOISE).equals(older)


def test_an_empty_list_stays_empty(before: pl.DataFrame) -> None:
    assert moved(before[:0], said({"A1": 4}), NOISE).equals(before[:0])


def test_a_list_of_one(before: pl.DataFrame) -> None:
    one = ranked(top=1).filter(demand_id="D1")
    assert_same(moved(one, said({one["achievement_id"][0]: 1}), NOISE), one)


def test_columns_that_a_screen_adds_are_kept(before: pl.DataFrame) -> None:
    more = before.with_columns(note=pl.col("achievement_id"))
    found = moved(more, said({"A1": 1}), NOISE)
    assert found["note"].to_list() == found["achievement_id"].to_list()


def test_the_order_of_judgements_does_not_matter(before: pl.DataFrame, rng: random.Random) -> None:
    levels = said({identity: rng.randint(1, 4) for identity in before["achievement_id"][:5]})
    shuffled = levels.sample(fraction=1, shuffle=True, seed=rng.randrange(2**32))
    assert moved(before, shuffled, NOISE).equals(moved(before, levels, NOISE))
