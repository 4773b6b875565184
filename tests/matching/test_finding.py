"""A demand that is typed gets the list that a run gives to the same demand in the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from places import SAMPLES
from polars.testing import assert_frame_equal
from sqlalchemy import Engine

from matching.errors import CallError, NothingToDo, NotPermitted
from matching.intake.reading import Reading, read_file
from matching.ledger.catalogue import current_fields, current_records
from matching.ledger.database import open_ledger
from matching.ledger.rights import Viewer, as_viewer
from matching.ledger.runs import candidates_of
from matching.ledger.withdrawal import withdraw
from matching.pipeline import find, find_record, load, loaded, match_ledger
from matching.pipeline.finding import parted
from matching.ranking.finding import Catalogue
from matching.schema import CANDIDATES

TOP: Final = 10
TYPED: Final = ("demand_id", "title", "problem")
# What only the demand of the ledger has.
OF_DEMAND: Final = ("demand_id", "demand_title", "enterprise")


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory, sample_achievements: Reading) -> Iterator[Engine]:
    """A ledger whose demands say no more than a title and, most of them, a problem; ranked, nothing judged."""
    folder = tmp_path_factory.mktemp("finding")
    rows = read_file(Path(SAMPLES / "demands.csv"), "demands").frame.select(TYPED).sort("demand_id").head(12)
    rows = rows.with_columns(problem=pl.when(pl.int_range(pl.len()) % 4 > 0).then("problem").otherwise(pl.lit("")))
    headings = dict(zip(TYPED, ("需求编号", "需求名称", "主要问题"), strict=True))
    rows.rename(headings).write_csv(folder / "demands.csv")
    engine = open_ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
    load(engine, read_file(folder / "demands.csv", "demands"), "甲")
    load(engine, sample_achievements, "甲")
    match_ledger(engine, TOP, "甲")
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def catalogue(typed: Engine) -> Catalogue:
    return loaded(typed)


def test_a_typed_demand_has_the_list_of_the_run(typed: Engine, catalogue: Catalogue) -> None:
    """To the last bit: scores, levels, reasons and their parts."""
    for row in current_records(typed, "demands", TYPED).iter_rows(named=True):
        found = find(catalogue, f"{row['title']}\n{row['problem']}", TOP)
        same_as_the_run(typed, row["demand_id"], found)


def same_as_the_run(engine: Engine, demand_id: str, found: pl.DataFrame) -> None:
    run = candidates_of(engine, 1, demand_id)
    assert found.height == run.height > 0
    columns = [name for name in CANDIDATES if name in run.columns and name not in OF_DEMAND]
    assert_frame_equal(
        found.rename({"achievement_title": "title"}).select([*columns, "title"]),
        run.select([*columns, "title"]),
        check_exact=True,
    )


def test_a_whole_demand_has_the_list_of_the_run(ranked: Engine) -> None:
    catalogue = loaded(ranked)
    demands, fields = current_records(ranked, "demands"), current_fields(ranked, "demands", terms=False)
    for row in range(0, demands.height, 9):
        demand = demands[row]
        known = fields.filter(pl.col("record_id") == demand["demand_id"][0])
        same_as_the_run(ranked, demand["demand_id"][0], find_record(catalogue, demand, TOP, known))


def test_a_title_alone_is_enough_and_says_less(catalogue: Catalogue) -> None:
    title, problem = "风电叶片除冰", "冬季叶片覆冰，需要电热除冰材料"
    alone, whole = find(catalogue, title, 3), find(catalogue, f"\n  {title} \r\n\n{problem}", 3)
    assert alone.columns == whole.columns == list(CANDIDATES)
    assert alone["demand_title"].unique().to_list() == whole["demand_title"].unique().to_list() == [title]
    assert alone["rank"].to_list() == [1, 2, 3]
    assert alone["score"].to_list() != whole["score"].to_list()


def test_more_can_be_asked_for_than_there_is(catalogue: Catalogue) -> None:
    found = find(catalogue, "大豆", 1000)
    assert 0 < found.height < catalogue.records.height
    assert found["score"].is_sorted(descending=True)


@pytest.mark.parametrize("text", ["？！", "\U0001f600"])
def test_what_no_achievement_says_finds_nothing(catalogue: Catalogue, text: str) -> None:
    found = find(catalogue, text)
    assert found.is_empty()
    assert found.columns == list(CANDIDATES)


def test_a_text_is_needed_and_a_place_on_the_list(catalogue: Catalogue) -> None:
    with pytest.raises(CallError, match=r"find\.no_text|没有写需求"):
        find(catalogue, " \n\t ")
    with pytest.raises(CallError):
        find(catalogue, "大豆", 0)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("除冰", ("除冰", "")),
        ("除冰\n叶片\n覆冰", ("除冰", "叶片\n覆冰")),
        ("\n\n 除冰 \r\n叶片 ", ("除冰", "叶片")),
        (" ", ("", "")),
    ],
)
def test_a_line_break_parts_title_and_problem(text: str, parts: tuple[str, str]) -> None:
    assert parted(text) == parts


def test_what_is_not_to_be_had_is_not_found(ranked: Engine) -> None:
    demand = current_records(ranked, "demands", ["title"])["title"][0]
    best = find(loaded(ranked), demand, 1)["achievement_id"][0]
    withdraw(ranked, "achievements", best, "甲", "已自行转化")
    catalogue = loaded(ranked)
    assert best not in catalogue.records["achievement_id"]
    assert best not in find(catalogue, demand, 50)["achievement_id"]


def test_an_empty_ledger_is_said(ledger: Engine) -> None:
    with pytest.raises(NothingToDo) as refused:
        loaded(ledger)
    assert "duijie load" in refused.value.text("en")


def test_demands_are_not_needed(ledger: Engine, sample_achievements: Reading) -> None:
    load(ledger, sample_achievements, "甲")
    assert find(loaded(ledger), "大豆蛋白低温提取", 5).height > 0


@pytest.mark.parametrize("role", ["institute", "official"])
def test_institutes_and_officials_find_nothing(typed: Engine, role: str) -> None:
    with pytest.raises(NotPermitted):
        loaded(as_viewer(typed, Viewer("某人", role, "示例研究所")))
