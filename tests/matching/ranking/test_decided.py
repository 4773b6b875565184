"""What decisions say about levels."""

from __future__ import annotations

import tomllib

import pytest
from places import ROOT

from matching.ranking.decided import DecisionLevels, load_decision_levels
from matching.schema import LEVELS, REJECT_REASONS, VERDICTS


@pytest.mark.parametrize(
    ("verdict", "reason", "level"),
    [
        ("accept", "", 4),
        ("reject", "other_problem", 1),
        ("reject", "other_material", 2),
        ("reject", "not_mature", 3),
        ("reject", "too_dear", 3),
        ("reject", "too_vague", None),
        ("reject", "not_available", None),
        ("reject", "duplicate", None),
        ("reject", "other", None),
        ("reject", "", None),
        ("later", "", None),
    ],
)
def test_levels_of_decisions(verdict: str, reason: str, level: int | None) -> None:
    assert load_decision_levels().level(verdict, reason) == level


def test_every_verdict_and_reason_has_an_answer() -> None:
    for verdict in VERDICTS:
        for reason in ("", *REJECT_REASONS):
            level = load_decision_levels().level(verdict, reason if verdict == "reject" else "")
            assert level is None or level in LEVELS


def test_reasons_are_those_of_the_program() -> None:
    assert load_decision_levels().reject.keys() <= set(REJECT_REASONS)


def test_no_rejection_says_as_much_as_an_acceptance() -> None:
    known = load_decision_levels()
    assert known.accept == max(LEVELS)
    assert all(level < known.accept for level in known.reject.values())


def test_the_file_says_where_it_is_from_and_is_what_is_loaded() -> None:
    entry = tomllib.loads((ROOT / "datasets" / "ranking" / "judgements.toml").read_text(encoding="utf-8"))
    assert entry["source"]
    learn = entry["learn"]
    assert load_decision_levels() == DecisionLevels(
        entry["accept"], entry["reject"], learn["pairs"], learn["demands"], learn["each_level"]
    )


def test_what_it_takes_to_learn_can_be_divided_into_folds() -> None:
    """Five folds of demands, each level in every fold."""
    known = load_decision_levels()
    assert known.least_demands >= 5
    assert known.least_each >= 5
    assert known.least_pairs >= max(known.least_demands, 4 * known.least_each)
    assert load_decision_levels() is load_decision_levels()
