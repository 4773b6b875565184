"""The level model: probabilities, levels, scores, their parts, and the model that ships."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import ROOT
from scipy.special import expit

from matching.intake.reading import Reading
from matching.pipeline import examine
from matching.ranking.features import Features, Pairs
from matching.ranking.levels import (
    STEPS,
    Examples,
    LevelModel,
    base_score,
    certainty,
    fit,
    grouped,
    level_of,
    load_model,
    model_of,
    parts,
    proper,
    reached,
    read_model,
    score_of,
    together,
    write_model,
)
from matching.ranking.told import GROUPS, shares
from matching.ranking.weights import load_weights
from matching.schema import JUDGEMENTS, LEVELS

EXACT: Final = 1e-12
GAINS: Final = (0, 1, 3, 7)

# Three regressions that cross: far to the right level 3 would be likelier than level 2, and level 4 than both.
CROSSING: Final = LevelModel(
    "by hand", ("words_a", "characters_b"), (0.0, 0.0), (1.0, 1.0), ((0.0, 1.0), (5.0, 1.0), (2.0, -1.0)), (0, -1, -3)
)

NUMBER = st.floats(-3, 3, allow_nan=False).map(lambda value: round(value, 3))


@st.composite
def models(draw: st.DrawFn, crossing: bool = True) -> LevelModel:
    """Models of one to five features; those that do not cross differ in their falling intercepts alone."""
    width = draw(st.integers(1, 5))
    row = st.lists(NUMBER, min_size=width, max_size=width).map(tuple)
    first = draw(row)
    coefficients = tuple(draw(row) for _ in range(3)) if crossing else (first,) * 3
    intercepts = draw(st.lists(NUMBER, min_size=3, max_size=3))
    return LevelModel(
        source="random",
        names=tuple(f"words_{place}" for place in range(width)),
        mean=(0.0,) * width,
        scale=(1.0,) * width,
        coefficients=coefficients,
        intercepts=tuple(intercepts if crossing else sorted(intercepts, reverse=True)),
    )


def drawn_rows(draw: st.DrawFn, model: LevelModel) -> np.ndarray:
    width = len(model.names)
    rows = draw(st.lists(st.lists(NUMBER, min_size=width, max_size=width), min_size=1, max_size=6))
    return np.array(rows)


@st.composite
def models_and_rows(draw: st.DrawFn, crossing: bool = True) -> tuple[LevelModel, np.ndarray]:
    model = draw(models(crossing))
    return model, drawn_rows(draw, model)


# Falling probabilities of reaching the levels 2, 3 and 4, as eighths: medians are exact and ties occur.
FALLING = st.lists(st.integers(0, 8), min_size=3, max_size=3).map(
    lambda each: [value / 8 for value in sorted(each, reverse=True)]
)


def sigmoid(value: float) -> float:
    return 1 / (1 + np.exp(-value))


def test_steps_are_the_gains_that_levels_add() -> None:
    assert pytest.approx([1 / 7, 2 / 7, 4 / 7], abs=1e-16) == STEPS
    assert STEPS.sum() == pytest.approx(1, abs=1e-15)


def test_probabilities_by_hand() -> None:
    """Logits 0 + b, 5a + b - 1, 2a - b - 3 at (1, 1): 1, 5, -2. The second may not exceed the first."""
    found = reached(CROSSING, np.array([[1.0, 1.0], [0.0, 0.0]]))
    assert found[0] == pytest.approx([sigmoid(1), sigmoid(1), sigmoid(-2)], abs=1e-15)
    assert found[1] == pytest.approx([0.5, sigmoid(-1), sigmoid(-3)], abs=1e-15)
    assert base_score(CROSSING) == pytest.approx((0.5 + 2 * sigmoid(-1) + 4 * sigmoid(-3)) / 7, abs=1e-15)


@given(models_and_rows())
def test_probabilities_lie_in_0_to_1_and_fall(case: tuple[LevelModel, np.ndarray]) -> None:
    model, rows = case
    found = reached(model, rows)
    assert found.shape == (len(rows), 3)
    assert (found >= 0).all()
    assert (found <= 1).all()
    assert (np.diff(found, axis=1) <= 0).all()


def test_far_away_nothing_overflows() -> None:
    found = reached(CROSSING, np.array([[1e6, 1e6], [-1e6, -1e6], [1e6, -1e6]]))
    assert np.isfinite(found).all()
    assert np.isfinite(parts(CROSSING, np.array([[1e6, 1e6]]))).all()


@given(FALLING)
def test_the_level_has_the_least_expected_absolute_error(row: list[float]) -> None:
    probabilities = shares(row)
    errors = {
        level: sum(p * abs(level - each) for p, each in zip(probabilities, LEVELS, strict=True)) for level in LEVELS
    }
    [level] = level_of(np.array([row])).tolist()
    assert level in LEVELS
    assert errors[level] == min(errors.values())


@pytest.mark.parametrize(
    ("row", "level"),
    [([0.4, 0.3, 0.2], 1), ([0.6, 0.3, 0.2], 2), ([0.6, 0.6, 0.2], 3), ([0.9, 0.8, 0.51], 4), ([0.5, 0.5, 0.5], 1)],
)
def test_levels_by_hand(row: list[float], level: int) -> None:
    assert level_of(np.array([row])).tolist() == [level]


@given(st.lists(FALLING, min_size=1, max_size=5))
def test_the_score_is_the_expected_gain(rows: list[list[float]]) -> None:
    expected = [sum(gain * p for gain, p in zip(GAINS, shares(row), strict=True)) / 7 for row in rows]
    found = score_of(np.array(rows))
    assert found == pytest.approx(expected, abs=1e-15)
    assert (found >= 0).all()
    assert (found <= 1 + 1e-15).all()


@given(FALLING)
def test_shares_and_certainty_are_of_one_distribution(row: list[float]) -> None:
    probabilities = shares(row)
    assert len(probabilities) == 4
    assert min(probabilities) >= 0
    assert sum(probabilities) == pytest.approx(1, abs=1e-15)
    many = np.array([row] * 4)
    assert certainty(many, np.array(LEVELS)) == pytest.approx(probabilities, abs=1e-15)
    level = level_of(many[:1])
    assert certainty(many[:1], level)[0] == probabilities[level[0] - 1]


def test_shares_by_hand() -> None:
    assert shares([0.75, 0.5, 0.125]) == [0.25, 0.25, 0.375, 0.125]


@given(st.lists(st.lists(st.floats(-2, 3), min_size=3, max_size=3), min_size=1, max_size=5))
def test_proper_gives_probabilities_and_leaves_them(rows: list[list[float]]) -> None:
    found = proper(np.array(rows))
    assert (found >= 0).all()
    assert (found <= 1).all()
    assert (np.diff(found, axis=1) <= 0).all()
    assert np.array_equal(proper(found), found)


def test_proper_by_hand() -> None:
    assert proper(np.array([[0.4, 0.7, -0.1], [1.2, 1.1, 0.3]])).tolist() == [[0.4, 0.4, 0.0], [1.0, 1.0, 0.3]]


def risen(model: LevelModel, rows: np.ndarray) -> np.ndarray:
    return score_of(reached(model, rows)) - base_score(model)


@given(models_and_rows(crossing=False))
def test_parts_sum_to_the_score_over_the_base(case: tuple[LevelModel, np.ndarray]) -> None:
    model, rows = case
    found = parts(model, rows)
    assert found.shape == rows.shape
    np.testing.assert_allclose(found.sum(axis=1), risen(model, rows), rtol=0, atol=EXACT)


@given(models_and_rows())
def test_parts_sum_to_the_probabilities_before_their_limits(case: tuple[LevelModel, np.ndarray]) -> None:
    """Where logits cross, the score is less than that: what the limits take off is no feature's part."""
    model, rows = case
    start = np.array(model.intercepts)
    free = (expit(rows @ model.weights.T + start) - expit(start)) @ STEPS
    np.testing.assert_allclose(parts(model, rows).sum(axis=1), free, rtol=0, atol=1e-9)
    assert (score_of(reached(model, rows)) <= free + expit(start) @ STEPS + EXACT).all()


def test_parts_of_a_step_that_is_held_down() -> None:
    """At (1, 0) reaching 3 is held down by reaching 2, whose logit no feature has moved."""
    row = np.array([[1.0, 0.0]])
    assert 0.06 < risen(CROSSING, row)[0] < parts(CROSSING, row).sum()


@given(models_and_rows(crossing=False))
def test_no_part_is_more_than_the_steepest_slope_allows(case: tuple[LevelModel, np.ndarray]) -> None:
    """A probability rises by a quarter of its logit at most."""
    model, rows = case
    bound = np.abs(rows[:, None, :] * model.weights).transpose(0, 2, 1) @ STEPS / 4
    assert (np.abs(parts(model, rows)) <= bound + 1e-9).all()


def test_parts_by_hand() -> None:
    """One regression three times, logit a + 3b - 1: from -1 at the average to 0 at (-2, 1), of which a has -2 of 1."""
    model = LevelModel("", ("words_a", "words_b"), (0, 0), (1, 1), ((1.0, 3.0),) * 3, (-1.0,) * 3)
    rise = 0.5 - sigmoid(-1)
    assert parts(model, np.array([[-2.0, 1.0]]))[0] == pytest.approx([-2 * rise, 3 * rise], abs=1e-15)


def test_an_average_pair_has_no_parts() -> None:
    assert parts(CROSSING, np.zeros((2, 2))).tolist() == [[0.0, 0.0]] * 2
    assert parts(CROSSING, np.zeros((0, 2))).shape == (0, 2)


def test_parts_are_summed_up_by_group() -> None:
    amounts = np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]])
    found = grouped(amounts, ("words_a", "title_b", "words"), {"words": "words", "title": "titles", "place": "place"})
    assert {name: column.tolist() for name, column in found.items()} == {
        "words": [5.0, 40.0],
        "titles": [2.0, 16.0],
        "place": [0.0, 0.0],
    }


def test_standardising_takes_the_features_by_name() -> None:
    model = LevelModel("", ("b", "a"), (1.0, 2.0), (2.0, 4.0), ((0.0, 0.0),) * 3, (0.0,) * 3)
    features = Features(("a", "unknown", "b"), np.array([[10.0, 99.0, 5.0]]))
    assert model.standardised(features).tolist() == [[2.0, 2.0]]


def some_examples(seed: int, count: int = 120) -> Examples:
    numbers = np.random.default_rng(seed)
    values = numbers.normal(size=(count, 4)) * [1, 10, 0.1, 0]
    noisy = values[:, 0] + 0.1 * values[:, 1] + 0.3 * numbers.normal(size=count)
    return Examples(Features(("a", "b", "c", "constant"), values), 1 + np.searchsorted([-1, 0, 1], noisy))


def test_fit_is_reproducible_and_rounded() -> None:
    found = fit(some_examples(1), 0.1, "here")
    assert found == fit(some_examples(1), 0.1, "here")
    assert found.names == ("a", "b", "c", "constant")
    assert found.source == "here"
    numbers = [*found.mean, *found.scale, *found.intercepts, *(each for row in found.coefficients for each in row)]
    assert numbers == [float(f"{each:.6g}") for each in numbers]


def test_fit_learns_what_it_is_shown() -> None:
    shown, held_out = some_examples(1), some_examples(2)
    model = fit(shown, 1.0, "")
    scores = score_of(reached(model, model.standardised(held_out.features)))
    means = [scores[held_out.levels == level].mean() for level in LEVELS]
    assert all(lower < higher for lower, higher in pairwise(means))
    # What never varies says nothing.
    assert [row[3] for row in model.coefficients] == [0.0] * 3


def test_fit_standardises_what_it_is_shown() -> None:
    shown = some_examples(1)
    values = fit(shown, 1.0, "").standardised(shown.features)
    assert values.mean(axis=0) == pytest.approx([0] * 4, abs=1e-4)
    assert values.std(axis=0) == pytest.approx([1, 1, 1, 0], abs=1e-4)


def test_a_greater_penalty_gives_smaller_weights() -> None:
    strong, weak = (np.abs(fit(some_examples(1), strength, "").weights).sum() for strength in (0.001, 1.0))
    assert strong < weak


@pytest.mark.parametrize("highest", [1, 2, 3])
def test_fit_refuses_examples_without_the_highest_level(highest: int) -> None:
    shown = some_examples(1)
    with pytest.raises(ValueError, match="class"):
        fit(Examples(shown.features, np.minimum(shown.levels, highest)), 0.1, "")


def test_examples_put_together() -> None:
    first, second = some_examples(1, 20), some_examples(2, 30)
    both = together(first, second)
    assert both.features.names == first.features.names
    assert np.array_equal(both.features.values[:20], first.features.values)
    assert np.array_equal(both.features.values[20:], second.features.values)
    assert both.levels.tolist() == [*first.levels.tolist(), *second.levels.tolist()]
    assert together(first, None) is first


def test_a_model_survives_writing_and_reading(tmp_path: Path) -> None:
    model = fit(some_examples(3), 0.1, "技术需求")
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    write_model(model, first)
    assert read_model(first) == model
    assert model_of(model.as_values()) == model
    write_model(read_model(first), second)
    assert second.read_bytes() == first.read_bytes()
    assert "技术需求" in first.read_text(encoding="utf-8")


def test_a_model_survives_being_kept_as_json() -> None:
    model = fit(some_examples(3), 0.1, "here")
    assert model_of(json.loads(json.dumps(model.as_values()))) == model


def test_the_shipped_model_is_written_by_the_program(tmp_path: Path) -> None:
    shipped = ROOT / "datasets" / "model" / "levels.json"
    write_model(load_model(), tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == shipped.read_bytes()


def test_the_shipped_model_is_whole() -> None:
    model = load_model()
    width = len(model.names)
    assert len(set(model.names)) == width > 0
    assert [len(model.mean), len(model.scale), *map(len, model.coefficients)] == [width] * 5
    assert len(model.intercepts) == 3
    assert min(model.scale) > 0
    assert np.isfinite([*model.mean, *model.scale, *model.intercepts, *model.weights.ravel()]).all()
    # On the average a higher level is rarer.
    assert all(higher > lower for higher, lower in pairwise(model.intercepts))


def test_the_shipped_model_names_its_source() -> None:
    assert "CCF BDCI 2019" in load_model().source
    assert "datasets/samples/judgements.csv" in load_model().source


def test_every_feature_of_the_shipped_model_has_a_group() -> None:
    names = load_model().names
    assert {name.split("_", 1)[0] for name in names} <= GROUPS.keys()
    found = grouped(np.ones((1, len(names))), names, GROUPS)
    assert sum(column[0] for column in found.values()) == len(names)
    assert all(column[0] > 0 for column in found.values())


def test_the_shipped_model_knows_the_features_that_are_taken(
    sample_demands: Reading, sample_achievements: Reading
) -> None:
    demands, achievements = sample_demands.frame[:4], sample_achievements.frame[:4]
    pairs = demands.select("demand_id").join(achievements.select("achievement_id"), how="cross")
    found = examine(demands, achievements, pairs, pl.DataFrame(schema=JUDGEMENTS), load_weights())
    assert isinstance(found.pairs, Pairs)
    assert set(load_model().names) <= set(found.features.names)
    standardised = load_model().standardised(found.features)
    assert standardised.shape == (16, len(load_model().names))
    assert np.isfinite(standardised).all()
    np.testing.assert_allclose(
        parts(load_model(), standardised).sum(axis=1), risen(load_model(), standardised), rtol=0, atol=EXACT
    )
