"""The kept index: after any changes it ranks as if all were ranked anew in the same space, byte for byte."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import pytest
from places import SAMPLES
from polars.testing import assert_frame_equal
from sqlalchemy import Engine, make_url

from matching.cli import main
from matching.fields.assignment import assign_fields
from matching.fields.lexicon import load_lexicon
from matching.intake.judgements import read_judgements
from matching.intake.reading import Reading, read_bytes
from matching.pipeline import load
from matching.pipeline.index_state import CATALOGUE, behind, index_folder
from matching.pipeline.keeping import Updated, updated
from matching.pipeline.ranking import no_judgements, rank
from matching.pipeline.reranking import RANKING, Reranked, ranking_fingerprint, rerank
from matching.ranking.candidates import candidates
from matching.ranking.counting import count
from matching.ranking.kept_files import open_kept
from matching.ranking.levels import load_model
from matching.ranking.refitting import RefitRule
from matching.ranking.space import place
from matching.ranking.vectors import vectors_of
from matching.ranking.weights import load_weights
from matching.schema import FIELDS
from matching.settings import Settings
from matching.wording import say

WEIGHTS: Final = replace(load_weights(), retrieved=6)
MODEL: Final = load_model()
NEVER: Final = RefitRule(changed=100.0, small=0, segments=3)
TOP: Final = 4


class World:
    """Lists that change, their fields and judgements."""

    def __init__(
        self, demands: pl.DataFrame, achievements: pl.DataFrame, fields: tuple[pl.DataFrame, pl.DataFrame]
    ) -> None:
        self.pool, self.fields = (demands, achievements), fields
        self.demands, self.achievements = demands[:16], achievements[:60]
        self.judgements = no_judgements()

    def update(self, folder: Path | None, rule: RefitRule = NEVER, *, refit: bool = False) -> Updated:
        return updated(folder, self.demands, self.achievements, *self.fields, WEIGHTS, rule=rule, refit=refit)

    def rank(self, folder: Path | None, found: Updated) -> Reranked:
        return rerank(folder, found, self.demands, self.achievements, self.judgements, WEIGHTS, MODEL, TOP)

    def match(self, folder: Path) -> tuple[Updated, Reranked]:
        found = self.update(folder)
        return found, self.rank(folder, found)

    def fingerprint(self, found: Updated) -> str:
        return ranking_fingerprint(found, self.judgements, WEIGHTS, MODEL, TOP)

    def change(self, rng: random.Random) -> str:
        """One change, and what it was."""
        kind = rng.choice(("add", "edit", "withdraw", "judge", "judge", "unjudge", "ask", "reword", "drop", "fields"))
        there = self.achievements["achievement_id"].to_list()
        if kind == "add":
            more = self.pool[1].filter(~pl.col("achievement_id").is_in(there)).sample(3, seed=rng.randrange(99))
            self.achievements = pl.concat([self.achievements, more]).sample(fraction=1, shuffle=True, seed=1)
        elif kind == "edit":
            some = rng.sample(there, 2)
            other = pl.col("achievement_id").is_in(some)
            text = pl.when(other).then(pl.col("summary").str.slice(0, 16)).otherwise("summary")
            self.achievements = self.achievements.with_columns(summary=text)
        elif kind == "withdraw":
            self.achievements = self.achievements.filter(~pl.col("achievement_id").is_in(rng.sample(there, 2)))
        elif kind == "judge":
            said = {
                "demand_id": [rng.choice(self.demands["demand_id"].to_list())],
                "achievement_id": [rng.choice(there)],
                "level": [rng.randrange(1, 5)],
            }
            self.judgements = pl.concat([self.judgements, pl.DataFrame(said, schema=self.judgements.schema)])
        elif kind == "unjudge" and self.judgements.height:
            self.judgements = self.judgements.sample(self.judgements.height - 1, seed=rng.randrange(99))
        elif kind == "ask":
            asked = self.demands["demand_id"].implode()
            more = self.pool[0].filter(~pl.col("demand_id").is_in(asked)).head(1)
            # One that says nearly the same as another, so that it learns from it.
            twin = self.demands.sample(1, seed=rng.randrange(99)).with_columns(demand_id=more["demand_id"])
            self.demands = pl.concat([self.demands, twin])
        elif kind == "reword":
            other = pl.col("demand_id") == rng.choice(self.demands["demand_id"].to_list())
            title = pl.when(other).then(pl.col("title") + pl.col("title").str.head(2)).otherwise("title")
            self.demands = self.demands.with_columns(title=title)
        elif kind == "drop":
            self.demands = self.demands.filter(pl.col("demand_id") != rng.choice(self.demands["demand_id"].to_list()))
        elif kind == "fields":
            lost = rng.choice(there)
            self.fields = self.fields[0], self.fields[1].filter(pl.col("record_id") != lost)
        return kind


@pytest.fixture(scope="module")
def pool(sample_demands: Reading, sample_achievements: Reading) -> tuple[pl.DataFrame, pl.DataFrame]:
    return sample_demands.frame, sample_achievements.frame[:90]


@pytest.fixture(scope="module")
def fields(pool: tuple[pl.DataFrame, pl.DataFrame]) -> tuple[pl.DataFrame, pl.DataFrame]:
    return assign_fields(pool[0], "demand_id"), assign_fields(pool[1], "achievement_id")


@pytest.fixture
def world(pool: tuple[pl.DataFrame, pl.DataFrame], fields: tuple[pl.DataFrame, pl.DataFrame]) -> World:
    found = World(*pool, fields)
    found.judgements = (
        read_judgements(SAMPLES / "judgements.csv", Settings())
        .join(found.demands, on="demand_id", how="semi")
        .join(found.achievements, on="achievement_id", how="semi")
        .head(40)
        .select(found.judgements.columns)
    )
    return found


def at_once(world: World, found: Updated) -> pl.DataFrame:
    """All placed in the same space and ranked by what ranks files."""
    space, lexicon = found.catalogue.kept.space, load_lexicon()
    sides = [
        place(space, kind, count(frame, kind, WEIGHTS.parts[kind], lexicon), fields)
        for kind, frame, fields in zip(
            ("demands", "achievements"), (world.demands, world.achievements), world.fields, strict=True
        )
    ]
    vectors = vectors_of(space, *sides)
    ranked = candidates(vectors, world.demands, world.achievements, world.judgements, WEIGHTS, MODEL, TOP)
    return ranked.candidates


def assert_same(one: pl.DataFrame, other: pl.DataFrame) -> None:
    assert_frame_equal(one, other.select(one.columns), check_exact=True)


def test_a_first_ranking_is_that_of_files(world: World, tmp_path: Path) -> None:
    found, ranked = world.match(tmp_path / "index")
    by_files = rank(
        world.demands,
        world.achievements,
        TOP,
        demand_fields=world.fields[0],
        achievement_fields=world.fields[1],
        judgements=world.judgements,
        weights=WEIGHTS,
        model=MODEL,
    )
    assert found.fitted == "none"
    assert ranked.kept == 0
    assert_same(ranked.candidates, by_files.candidates)


@pytest.mark.parametrize("part", range(3))
def test_after_any_changes_all_is_as_if_ranked_anew(
    world: World, tmp_path: Path, rng: random.Random, part: int
) -> None:
    rng.seed(rng.random() + part)
    folder = tmp_path / "index"
    world.match(folder)
    kept = 0
    for _ in range(4):
        done = [world.change(rng) for _ in range(rng.randrange(1, 4))]
        found, ranked = world.match(folder)
        assert found.fitted == ""
        kept += ranked.kept
        anew = world.rank(None, found)
        assert anew.kept == 0
        assert_same(ranked.candidates, anew.candidates)
        assert_same(ranked.candidates, at_once(world, found)), done
        reopened = open_kept(folder / CATALOGUE)
        assert not isinstance(reopened, str)
        assert reopened.kept.ids == tuple(world.achievements["achievement_id"].sort())
        assert len(reopened.kept.segments) <= 1 + NEVER.segments
    assert kept > 0


def test_what_does_not_change_is_not_ranked(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    found, ranked = world.match(folder)
    again, same = world.match(folder)
    assert (same.ranked, same.kept) == (0, 16)
    assert world.fingerprint(again) == world.fingerprint(found)
    assert_same(same.candidates, ranked.candidates)
    world.achievements = world.achievements.filter(pl.col("achievement_id") != ranked.candidates["achievement_id"][0])
    later, _ = world.match(folder)
    assert later.done.gone == (ranked.candidates["achievement_id"][0],)
    assert world.fingerprint(later) != world.fingerprint(found)


def test_what_came_back_is_found_again_and_what_went_stays_away(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    whole = world.achievements
    world.match(folder)
    world.achievements = whole[5:]
    world.match(folder)
    world.achievements = whole[3:]
    found, ranked = world.match(folder)
    assert found.catalogue.kept.ids == tuple(whole[3:]["achievement_id"].sort())
    assert_same(ranked.candidates, at_once(world, found))


def test_new_words_count_once_the_space_is_fitted_anew(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    rule = RefitRule(changed=0.1, small=0, segments=8)
    first = world.update(folder, rule)
    assert (first.fitted, first.behind.records, first.behind.since) == ("none", 76, 0)
    world.achievements = world.pool[1][:67]
    later = world.update(folder, rule)
    assert (later.fitted, later.behind.since) == ("", 7)
    world.achievements = world.pool[1][:68]
    anew = world.update(folder, rule)
    assert (anew.fitted, anew.behind.since, anew.behind.records) == ("changes", 0, 84)
    assert len(anew.catalogue.kept.segments) == 1
    assert world.update(folder, rule).fitted == ""
    assert world.update(folder, rule, refit=True).fitted == "asked"


def test_small_lists_are_fitted_at_every_change(world: World, tmp_path: Path) -> None:
    rule = RefitRule(changed=0.1, small=77, segments=8)
    world.update(tmp_path, rule)
    assert world.update(tmp_path, rule).fitted == ""
    world.achievements = world.pool[1][:61]
    assert world.update(tmp_path, rule).fitted == "changes"


def test_other_weights_or_another_model_rank_all_anew(world: World, tmp_path: Path) -> None:
    world.match(tmp_path)
    found = world.update(tmp_path)
    more = rerank(tmp_path, found, world.demands, world.achievements, world.judgements, WEIGHTS, MODEL, TOP + 1)
    assert more.kept == 0
    other = replace(WEIGHTS, text=0.9, field=0.1)
    anew = updated(tmp_path, world.demands, world.achievements, *world.fields, other, rule=NEVER)
    assert anew.fitted == "rules"
    assert [problem.key for problem in anew.problems()] == ["index.rules"]
    ranked = rerank(tmp_path, anew, world.demands, world.achievements, world.judgements, other, MODEL, TOP)
    assert ranked.kept == 0


def test_lists_without_words_or_fields_are_kept_too(world: World, tmp_path: Path) -> None:
    world.demands, world.achievements = (
        side.with_columns(title=pl.lit("。"), summary=pl.lit("")) if "summary" in side.columns else side
        for side in (world.demands, world.achievements)
    )
    world.fields = pl.DataFrame(schema=FIELDS), pl.DataFrame(schema=FIELDS)
    _, ranked = world.match(tmp_path)
    _, again = world.match(tmp_path)
    assert_same(again.candidates, ranked.candidates)
    assert np.array_equal(again.candidates["score"].to_numpy(), ranked.candidates["score"].to_numpy())


def test_a_damaged_index_is_made_anew_and_it_is_said(world: World, tmp_path: Path) -> None:
    found, ranked = world.match(tmp_path)
    for part in (CATALOGUE, RANKING):
        path = max((tmp_path / part).glob("*.npy"), key=lambda each: each.stat().st_size)
        path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    again, anew = world.match(tmp_path)
    assert (again.fitted, anew.damaged, anew.kept) == ("damaged", True, 0)
    assert [problem.key for problem in again.problems()] == ["index.damaged"]
    assert_same(anew.candidates, ranked.candidates)
    assert world.fingerprint(again) == world.fingerprint(found)
    assert world.match(tmp_path)[1].ranked == 0


def test_where_nothing_can_be_written_it_is_ranked_all_the_same_and_said(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "index"
    found, ranked = world.match(folder)
    assert [problem.key for problem in found.problems()] == ["index.not_written"]
    assert str(folder) in found.problems()[0].text("en")
    assert_same(ranked.candidates, world.match(tmp_path / "index")[1].candidates)


def test_how_far_weights_are_behind_is_read_without_the_records(world: World, tmp_path: Path) -> None:
    assert behind(tmp_path) is None
    world.update(tmp_path)
    world.achievements = world.pool[1][:70]
    found = world.update(tmp_path).behind
    assert behind(tmp_path) == found
    assert (found.records, found.since) == (76, 10)
    said = say("index.behind", "en", **found.said("Asia/Shanghai"))
    assert "76 records" in said
    assert "13.2%" in said


def test_an_index_is_beside_its_ledger_or_where_it_was_asked_for(tmp_path: Path) -> None:
    beside = make_url(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    assert index_folder(beside) == tmp_path / "ledger.sqlite.index"
    assert index_folder(make_url("sqlite://")) is None
    chosen = index_folder(beside, tmp_path / "fast")
    other = index_folder(make_url("postgresql://somebody:secret@host/ledger"), tmp_path / "fast")
    assert chosen is not None
    assert other is not None
    assert chosen.parent == other.parent == tmp_path / "fast"
    assert chosen != other
    assert "index" in str(index_folder(make_url("postgresql://host/ledger")))


def test_the_command_says_how_far_weights_are_behind_and_what_was_damaged(
    ranked: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matching.pipeline.keeping.load_refit_rule", lambda: RefitRule(0.1, 0, 8))

    def match(*arguments: str) -> tuple[str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["match", "--top", "3", *arguments])
        assert ended.value.code == 0
        return capsys.readouterr()

    assert "此后变动" not in match()[0]
    more = read_bytes("more.csv", "登记号,成果名称\nN1,沼气脱硫塔\n".encode(), "achievements", Settings())
    load(ranked, more, "周某")
    assert "此后变动 1 条（0.4%），超过 10% 时重新拟合" in match()[0]
    assert "此后变动" not in match("--refit")[0]
    path = max((tmp_path / "ledger.sqlite.index" / CATALOGUE).glob("*.npy"), key=lambda each: each.stat().st_size)
    path.write_bytes(path.read_bytes()[:-1])
    assert say("index.damaged") in match()[1]
    assert say("index.damaged") not in match()[1]
