"""Stages of maturity as institutes write them, and the readiness levels that they stand for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matching.errors import DataFileError
from matching.fields.maturity import Stage, broken_rules, load_stages, stage_of

STAGES = ["小试", "中试", "试生产", "小批量", "产业化", "市场化"]
GOOD = (
    Stage("first", "初", "First", 1, 3, ("初期",)),
    Stage("second", "中", "Second", 4, 4, ()),
    Stage("third", "末", "Third", 5, 9, ("末期",)),
)


def levels(written: str) -> tuple[int, int]:
    stage = stage_of(written)
    assert stage is not None, written
    return stage.trl_from, stage.trl_to


def test_the_shipped_stages_break_no_rule() -> None:
    assert broken_rules(load_stages()) == []


def test_what_institutes_write_maps_to_rising_levels() -> None:
    found = [levels(written) for written in STAGES]
    assert found == [(4, 4), (5, 6), (7, 7), (8, 8), (9, 9), (9, 9)]
    assert found == sorted(found)
    assert len({stage_of(written) for written in STAGES}) == len(STAGES)


def test_the_stages_cover_all_levels() -> None:
    covered = {level for stage in load_stages() for level in range(stage.trl_from, stage.trl_to + 1)}
    assert covered == set(range(1, 10))


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("小试阶段", "小试"),
        (" 小试 ", "小试"),
        ("中试阶段", "中试"),
        ("已完成中试", "中试"),
        ("Pilot Scale", "中试"),
        ("ＰＩＬＯＴ", "中试"),
        ("试生产阶段", "试生产"),
        ("小批量生产", "小批量"),
        ("Small-Batch Production", "小批量"),
        ("量产", "产业化"),
        ("产业化应用", "产业化"),
        ("已上市", "市场化"),
        ("商业化", "市场化"),
        ("实验室", "实验室研究"),
        ("r&d stage", "实验室研究"),
    ],
)
def test_a_stage_is_known_however_it_is_written(written: str, name: str) -> None:
    stage = stage_of(written)
    assert stage is not None
    assert stage.name_zh == name


@pytest.mark.parametrize("written", ["", "  ", "不详", "小", "试", "中试完成后待小试", "TRL"])
def test_an_unknown_text_names_no_stage(written: str) -> None:
    assert stage_of(written) is None


def test_every_name_of_a_stage_leads_to_it() -> None:
    for stage in load_stages():
        for name in (stage.code, stage.name("zh_CN"), stage.name("en"), *stage.aliases):
            assert stage_of(name) == stage


def test_levels_are_shown_as_a_range_where_they_are_one() -> None:
    assert [stage.levels for stage in GOOD] == ["1-3", "4", "5-9"]


def test_good_stages_break_no_rule() -> None:
    assert broken_rules(GOOD) == []


@pytest.mark.parametrize(
    ("place", "changes", "key", "values"),
    [
        (1, {"aliases": ("初期",)}, "maturity.twice", {"name": "初期"}),
        (1, {"name_en": "FIRST"}, "maturity.twice", {"name": "first"}),
        (0, {"trl_from": 0}, "maturity.levels", {"code": "first"}),
        (1, {"trl_from": 4, "trl_to": 3}, "maturity.levels", {"code": "second"}),
        (2, {"trl_from": 3}, "maturity.levels", {"code": "third"}),
        (2, {"trl_to": 10}, "maturity.levels", {"code": "third"}),
    ],
)
def test_each_broken_rule_is_found_and_worded(
    place: int, changes: dict[str, object], key: str, values: dict[str, object]
) -> None:
    stages = [replace(stage, **changes) if place == number else stage for number, stage in enumerate(GOOD)]
    [problem] = broken_rules(tuple(stages))
    assert (problem.key, problem.file, problem.values) == (key, "maturity.toml", values)
    for language in ("zh_CN", "en"):
        assert all(str(value) in DataFileError(problem).text(language) for value in values.values())
