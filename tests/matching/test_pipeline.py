"""Stages put together: ranking with and without known fields, the samples' intended pairs, the ledger's run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from places import SAMPLES
from records import records
from sqlalchemy import Engine, insert

import matching
from matching.errors import NothingToDo
from matching.fields.assignment import assign_fields
from matching.intake.judgements import read_judgements
from matching.intake.reading import Reading, read_bytes
from matching.ledger import catalogue
from matching.ledger.database import writing
from matching.ledger.decisions import decide
from matching.ledger.judgements import add_model, judgements, learned_model, set_level
from matching.ledger.runs import CANDIDATE_ROWS, Run, candidates_of, latest_run
from matching.ledger.tables import pair_level
from matching.pipeline import Ranking, current_model, explain, learn_levels, load, match_ledger, rank, review_list
from matching.ranking.levels import load_model
from matching.ranking.weights import load_weights
from matching.schema import CANDIDATES, FIELDS
from matching.settings import Settings

# Where the program under test is.
SOURCE: Final = Path(matching.__file__).parents[1]

# The samples were written with these pairs in mind: a demand, and the achievements that answer it.
INTENDED: Final = {
    "XQ2026001": "CG2026009 CG2026045",
    "XQ2026002": "CG2026023 CG2026025 CG2026032",
    "XQ2026003": "CG2026003 CG2026005 CG2026059",
    "XQ2026004": "CG2026031 CG2026034 CG2026042 CG2026062",
    "XQ2026005": "CG2026027 CG2026058",
    "XQ2026006": "CG2026013 CG2026014",
    "XQ2026008": "CG2026031 CG2026034 CG2026042 CG2026062",
    "XQ2026010": "CG2026029 CG2026038",
    "XQ2026011": "CG2026041 CG2026052",
    "XQ2026012": "CG2026036 CG2026063",
    "XQ2026015": "CG2026010 CG2026015",
    "XQ2026016": "CG2026018 CG2026044",
    "XQ2026017": "CG2026004 CG2026007",
    "XQ2026019": "CG2026016 CG2026067",
    "XQ2026020": "CG2026006",
    "XQ2026021": "CG2026070 CG2026091 CG2026112",
    "XQ2026022": "CG2026074 CG2026094 CG2026099",
    "XQ2026023": "CG2026069 CG2026075 CG2026089",
    "XQ2026024": "CG2026080 CG2026117",
    "XQ2026026": "CG2026118 CG2026123",
    "XQ2026027": "CG2026129 CG2026131",
    "XQ2026028": "CG2026107 CG2026110",
    "XQ2026029": "CG2026081 CG2026104",
    "XQ2026030": "CG2026088 CG2026108 CG2026121",
    "XQ2026032": "CG2026068 CG2026125",
    "XQ2026034": "CG2026084 CG2026126 CG2026127",
    "XQ2026035": "CG2026086 CG2026090",
    "XQ2026036": "CG2026076 CG2026120",
    "XQ2026037": "CG2026111",
    "XQ2026039": "CG2026074 CG2026094 CG2026099",
    "XQ2026042": "CG2026147 CG2026163",
    "XQ2026043": "CG2026150 CG2026188",
    "XQ2026044": "CG2026149 CG2026186",
    "XQ2026045": "CG2026170 CG2026187",
    "XQ2026046": "CG2026153 CG2026179",
    "XQ2026047": "CG2026141 CG2026151 CG2026158",
    "XQ2026048": "CG2026172 CG2026183",
    "XQ2026049": "CG2026154 CG2026156",
    "XQ2026051": "CG2026144 CG2026167",
    "XQ2026052": "CG2026165 CG2026168",
    "XQ2026053": "CG2026159 CG2026171",
    "XQ2026055": "CG2026155 CG2026178",
    "XQ2026057": "CG2026153 CG2026179",
    "XQ2026058": "CG2026190 CG2026191",
    "XQ2026060": "CG2026137 CG2026142 CG2026196",
}


@pytest.fixture(scope="module")
def samples(sample_demands: Reading, sample_achievements: Reading) -> Ranking:
    return rank(sample_demands.frame, sample_achievements.frame)


@pytest.fixture(scope="module")
def ranks(samples: Ranking) -> dict[tuple[str, str], int]:
    rows = samples.candidates.select("demand_id", "achievement_id", "rank").iter_rows()
    return {(demand, achievement): place for demand, achievement, place in rows}


PAIRS: Final = [(demand, achievement) for demand, those in INTENDED.items() for achievement in those.split()]


def test_the_intended_pairs_are_all_there() -> None:
    assert len(PAIRS) == len(set(PAIRS)) == 102


def test_every_intended_pair_is_among_the_first_ten(ranks: dict[tuple[str, str], int]) -> None:
    assert [pair for pair in PAIRS if pair not in ranks] == []
    assert max(ranks.values()) == 10


def test_most_intended_pairs_are_among_the_first_three(ranks: dict[tuple[str, str], int]) -> None:
    near = [pair for pair in PAIRS if ranks.get(pair, 99) <= 3]
    assert len(near) >= 92


def test_an_intended_pair_leads_most_lists(ranks: dict[tuple[str, str], int]) -> None:
    led = [
        demand for demand, those in INTENDED.items() if any(ranks.get((demand, each)) == 1 for each in those.split())
    ]
    assert len(led) >= 0.85 * len(INTENDED)


def test_known_fields_give_what_assigned_fields_give(
    samples: Ranking, sample_demands: Reading, sample_achievements: Reading
) -> None:
    demands, achievements = sample_demands.frame, sample_achievements.frame
    known = rank(
        demands,
        achievements,
        demand_fields=assign_fields(demands, "demand_id"),
        achievement_fields=assign_fields(achievements, "achievement_id"),
    )
    assert known.candidates.equals(samples.candidates)
    assert known.fingerprint == samples.fingerprint


def test_known_fields_are_taken_as_they_are(sample_demands: Reading, sample_achievements: Reading) -> None:
    demand, achievement = "XQ2026001", "CG2026001"
    stated = {
        side: pl.DataFrame([(record, "contract_fields", "01", 1.0, "stated", [])], schema=FIELDS, orient="row")
        for side, record in (("demand_fields", demand), ("achievement_fields", achievement))
    }
    ranking = rank(sample_demands.frame, sample_achievements.frame, **stated)
    why = explain(ranking, demand, achievement)
    assert why.fields.select("taxonomy", "code").rows() == [("contract_fields", "01")]
    assert why.field_part == pytest.approx(load_weights().field, abs=1e-6)
    others = ranking.candidates.filter((pl.col("demand_id") != demand) | (pl.col("achievement_id") != achievement))
    assert others["field_part"].unique().to_list() == [0]


def test_weights_are_those_that_ship_unless_given(samples: Ranking) -> None:
    assert samples.weights == load_weights()
    assert samples.candidates.group_by("demand_id").len()["len"].unique().to_list() == [10]


def test_progress_is_told_step_by_step() -> None:
    told: list[tuple[str, int, int]] = []
    rank(
        records("demands", {"title": "锂电池"}, {"title": "沼气"}),
        records("achievements", {"title": "锂电池"}),
        progress=lambda step, done, total: told.append((step, done, total)),
    )
    before = [("fields", 0, 1), ("fields", 1, 1), ("vectors", 0, 1), ("vectors", 1, 1)]
    # The lists of both demands, then their candidates.
    assert told == [*before, ("rank", 1, 2), ("rank", 2, 2)]


def test_another_process_gives_the_same_list(samples: Ranking) -> None:
    """Hashes of texts differ from process to process; the order of sets must not come through."""
    script = (
        "import sys, matching\n"
        f"demands = matching.read_demands({str(SAMPLES / 'demands.csv')!r})\n"
        f"achievements = matching.read_achievements({str(SAMPLES / 'achievements.xlsx')!r})\n"
        "ranking = matching.rank(demands, achievements)\n"
        "sys.stdout.buffer.write((ranking.fingerprint + '\\n' + ranking.candidates.write_ndjson()).encode())\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4567"}
    done = subprocess.run([sys.executable, "-c", script], cwd=SOURCE, env=environment, capture_output=True, check=True)
    assert done.stdout.decode() == f"{samples.fingerprint}\n{samples.candidates.write_ndjson()}"


def read(kind: str, *rows: str) -> Reading:
    """A file of ids, titles and states."""
    heading = {"demands": "需求编号,需求名称,状态", "achievements": "登记号,成果名称,状态"}[kind]
    return read_bytes(f"{kind}.csv", "\n".join([heading, *rows]).encode(), kind)  # type: ignore[arg-type]


DEMANDS: Final = ("X1,沼气脱硫,", "X2,锂电池负极材料,")
ACHIEVEMENTS: Final = ("C1,沼气脱硫塔,", "C2,锂电池硅碳负极材料,")


def fill(engine: Engine, demands: tuple[str, ...] = DEMANDS, achievements: tuple[str, ...] = ACHIEVEMENTS) -> None:
    load(engine, read("demands", *demands), "周某")
    load(engine, read("achievements", *achievements), "周某")


def test_a_file_is_loaded_with_its_fields(ledger: Engine) -> None:
    file = read("achievements", *ACHIEVEMENTS)
    assert load(ledger, file, "周某").new == ("C1", "C2")
    assert load(ledger, file, "周某").unchanged == ("C1", "C2")
    expected = assign_fields(file.frame, "achievement_id").sort("record_id", "taxonomy", "code")
    assert expected.height > 0
    assert catalogue.current_fields(ledger, "achievements").sort("record_id", "taxonomy", "code").equals(expected)


def test_the_ledger_is_ranked_as_the_files_are(ranked: Engine, samples: Ranking) -> None:
    run = latest_run(ranked)
    assert run is not None
    assert (run.top, run.demands, run.achievements, run.candidates) == (10, 60, 200, 600)
    assert run.agent == "周某"
    columns = [name for name in CANDIDATES if name in CANDIDATE_ROWS and name != "institute"]
    expected = samples.candidates.filter(demand_id="XQ2026001").select(columns)
    assert candidates_of(ranked, run.run_id, "XQ2026001").select(columns).equals(expected)


def test_a_match_of_the_ledger_tells_its_steps(ledger: Engine) -> None:
    fill(ledger)
    told: list[tuple[str, int, int]] = []
    match_ledger(ledger, 10, "周某", lambda *step: told.append(step))
    assert told[-1] == ("write", 1, 1)


def test_when_nothing_has_changed_the_newest_run_stands(ledger: Engine) -> None:
    fill(ledger)
    first = match_ledger(ledger, 10, "周某")
    assert match_ledger(ledger, 10, "吴某") == first
    assert match_ledger(ledger, 5, "周某").run_id != first.run_id


def test_a_changed_record_makes_a_new_run(ledger: Engine) -> None:
    fill(ledger)
    first = match_ledger(ledger, 10, "周某")
    load(ledger, read("demands", "X1,沼气脱硫提纯,"), "周某")
    second = match_ledger(ledger, 10, "周某")
    assert second.run_id != first.run_id
    assert latest_run(ledger) == second


def test_what_is_closed_or_gone_takes_no_part(ledger: Engine) -> None:
    """C2 shares no text with X1, only doubtful fields, so it comes last."""
    states = ("已关闭", "已过期", "已对接")
    demands = [f"X{place},沼气脱硫,{state}" for place, state in enumerate(states, start=3)]
    gone = [f"C{place},沼气脱硫塔,{state}" for place, state in enumerate(("已转让", "已撤回", "洽谈中"), start=3)]
    fill(ledger, (*DEMANDS, *demands), (*ACHIEVEMENTS, *gone))
    run = match_ledger(ledger, 10, "周某")
    assert (run.demands, run.achievements) == (3, 3)
    assert candidates_of(ledger, run.run_id, "X1")["achievement_id"].to_list() == ["C1", "C5", "C2"]
    assert candidates_of(ledger, run.run_id, "X5")["achievement_id"].to_list() == ["C1", "C5", "C2"]
    assert candidates_of(ledger, run.run_id, "X3").height == 0


@pytest.mark.parametrize(
    ("demands", "achievements"),
    [((), ACHIEVEMENTS), (DEMANDS, ()), ((), ()), (("X1,沼气脱硫,已关闭",), ACHIEVEMENTS)],
    ids=["no demands", "no achievements", "nothing", "closed"],
)
def test_without_both_lists_there_is_nothing_to_do(
    ledger: Engine, demands: tuple[str, ...], achievements: tuple[str, ...]
) -> None:
    if demands:
        load(ledger, read("demands", *demands), "周某")
    if achievements:
        load(ledger, read("achievements", *achievements), "周某")
    with pytest.raises(NothingToDo):
        match_ledger(ledger, 10, "周某")
    assert latest_run(ledger) is None


def test_a_run_without_candidates_is_a_run(ledger: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """No common text, and a field is known of the demand alone."""
    known = pl.DataFrame([("X1", "contract_fields", "05", 0.7, "text", [])], schema=FIELDS, orient="row")
    monkeypatch.setattr(
        "matching.pipeline.loading.assign_fields", lambda records, *_: known.filter("demand_id" in records)
    )
    fill(ledger, ("X1,毛衣编织,",), ("C1,沼气脱硫塔,",))
    run = match_ledger(ledger, 10, "周某")
    assert run.candidates == 0
    assert latest_run(ledger) == run


def test_a_pair_outside_the_list_is_explained_too(samples: Ranking) -> None:
    """An agent may ask about any pair; one that the retrieval did not find has a similarity and no score."""
    listed = samples.candidates.filter(demand_id="XQ2026001")
    others = [each for each in samples.vectors.achievement_ids if each not in set(listed["achievement_id"])]
    found = [explain(samples, "XQ2026001", each) for each in others]
    assert all(0 <= each.similarity <= 1 for each in found)
    scores = [each.score for each in found if each.score is not None]
    assert len(scores) == samples.weights.retrieved - listed.height
    assert 0 <= min(scores) <= max(scores) <= listed["score"].min()
    assert all((each.level is None) == (each.certainty is None) == (each.score is None) for each in found)


def test_a_record_that_states_a_field_and_one_below_it_has_each_once(ledger: Engine) -> None:
    """新材料 and 前沿新材料 within it are stated, and the text speaks for the narrower one as well."""
    text = "需求编号,需求名称,技术领域\nX1,石墨烯导电浆料,新材料、前沿新材料\n"
    file = read_bytes("demands.csv", text.encode(), "demands")
    assert file.frame["field"].to_list() == ["新材料、前沿新材料"]
    found = assign_fields(file.frame, "demand_id").select("taxonomy", "code")
    assert found.filter(found.is_duplicated()).rows() == []
    load(ledger, file, "周某")
    assert catalogue.current_fields(ledger, "demands").height == found.height


def test_no_score_is_above_1(sample_demands: Reading) -> None:
    """A list against itself, in which a record meets its own text and its own fields."""
    demands = sample_demands.frame
    achievements = records("achievements", *demands.select(achievement_id="demand_id", title="title").to_dicts())
    titles = records("demands", *demands.select("demand_id", "title").to_dicts())
    found = rank(titles, achievements).candidates
    assert found["score"].max() <= 1 + 1e-12
    first = found.filter(rank=1)
    assert first["demand_title"].equals(first["achievement_title"], check_names=False)


def test_a_title_of_marks_alone_has_no_field() -> None:
    """A text without a single known n-gram says nothing."""
    demands = records("demands", {"title": "——"}, {"title": "。"})
    assert assign_fields(demands, "demand_id").height == 0


def test_a_field_stated_twice_over_counts_once() -> None:
    """The same record on both sides has a similarity of 1, not more."""
    same = {"title": "石墨烯导电浆料", "field": "新材料、前沿新材料"}
    found = rank(records("demands", same), records("achievements", same)).candidates
    assert found.select("similarity", "field_score").row(0) == pytest.approx((1, 1), abs=1e-6)


DEMAND: Final = "XQ2026001"


def decided(engine: Engine, run: Run, **verdicts: tuple[str, str]) -> None:
    for achievement, (verdict, reason) in verdicts.items():
        decide(
            engine,
            demand_id=DEMAND,
            achievement_id=achievement,
            run_id=run.run_id,
            verdict=verdict,
            reason=reason,
            agent="周某",
            nonce="1",
            seen=None,
        )


def newest(engine: Engine) -> Run:
    run = latest_run(engine)
    assert run is not None
    return run


def test_without_judgements_the_list_is_as_it_was_ranked(ranked: Engine) -> None:
    run = newest(ranked)
    assert review_list(ranked, run.run_id, DEMAND).equals(candidates_of(ranked, run.run_id, DEMAND))
    assert current_model(ranked) == load_model()


def test_decisions_move_candidates_at_once_and_as_the_next_match_does(ranked: Engine) -> None:
    run = newest(ranked)
    before = candidates_of(ranked, run.run_id, DEMAND)
    ids = before["achievement_id"].to_list()
    decided(ranked, run, **{ids[0]: ("reject", "other_problem"), ids[2]: ("accept", "")})
    moved = review_list(ranked, run.run_id, DEMAND)
    assert (
        candidates_of(ranked, run.run_id, DEMAND)
        .drop("verdict", "reason")
        .select("rank", "score")
        .equals(before.select("rank", "score"))
    ), "the run stays as it was written"
    assert moved["rank"].to_list() == list(range(1, 11))
    assert set(moved["achievement_id"]) == set(ids)
    assert moved["achievement_id"].to_list() != ids
    again = match_ledger(ranked, 10, "周某")
    assert again.run_id == run.run_id + 1
    assert again.fingerprint != run.fingerprint
    matched = candidates_of(ranked, again.run_id, DEMAND)
    pair = moved.join(matched, on="achievement_id", suffix="_matched", maintain_order="left")
    assert pair.height >= 8
    assert pair["rank_matched"].is_sorted()
    for name in ("score", "certainty", "reach_two", "reach_three", "reach_four"):
        assert pair[name].to_list() == pytest.approx(pair[f"{name}_matched"].to_list(), abs=1e-9)
    assert pair["level"].equals(pair["level_matched"], check_names=False)
    # The list that takes the decisions in already is not moved by them once more.
    now = review_list(ranked, again.run_id, DEMAND)
    whole = ["rank", "achievement_id", "level", "learned", "feature_parts"]
    assert now.select(whole).equals(matched.select(whole))
    for name in ("score", "other_parts", "reach_two", "reach_three", "reach_four"):
        assert now[name].to_list() == pytest.approx(matched[name].to_list(), abs=1e-12)
    assert match_ledger(ranked, 10, "周某") == again


def test_a_decision_moves_others_and_not_its_own_pair(ranked: Engine) -> None:
    run = newest(ranked)
    before = candidates_of(ranked, run.run_id, DEMAND)
    own = before["achievement_id"][0]
    decided(ranked, run, **{own: ("reject", "other_problem")})
    scores = dict(review_list(ranked, run.run_id, DEMAND).select("achievement_id", "score").iter_rows())
    change = {each: scores[each] - score for each, score in before.select("achievement_id", "score").iter_rows()}
    assert change.pop(own) == 0
    assert all(each <= 0 for each in change.values())
    assert min(change.values()) < 0


def test_what_says_nothing_moves_nothing(ranked: Engine) -> None:
    run = newest(ranked)
    ids = candidates_of(ranked, run.run_id, DEMAND)["achievement_id"].to_list()
    decided(ranked, run, **{ids[0]: ("reject", "duplicate"), ids[1]: ("later", "")})
    rows = candidates_of(ranked, run.run_id, DEMAND)
    assert review_list(ranked, run.run_id, DEMAND).equals(rows)
    assert match_ledger(ranked, 10, "周某") == run


def test_too_little_is_not_learned_from(ledger: Engine) -> None:
    fill(ledger)
    set_level(ledger, "X1", "C1", 4, "周某", "1")
    set_level(ledger, "X9", "C1", 4, "周某", "2")
    with pytest.raises(NothingToDo) as refused:
        learn_levels(ledger, "周某", force=True)
    [problem] = refused.value.problems
    assert problem.key == "learn.too_little"
    # What is judged of records that are not in the catalogue does not count.
    assert problem.values == {"pairs": 1, "demands": 1, "least_pairs": 200, "least_demands": 20}
    assert "200" in refused.value.text("en")
    assert learned_model(ledger) is None


@pytest.fixture
def judged(ranked: Engine) -> Engine:
    """The samples with all that is judged of them."""
    said = read_judgements(SAMPLES / "judgements.csv", Settings()).to_dicts()
    rows = [{**row, "agent": "周某", "nonce": str(number), "at": ""} for number, row in enumerate(said)]
    with writing(ranked) as connection:
        connection.execute(insert(pair_level), rows)
    assert judgements(ranked).height == 540
    return ranked


def test_demands_that_all_say_the_same_teach_no_more_than_one(ledger: Engine) -> None:
    """Enough demands by their number, but no two of them can be held apart."""
    demands = "需求编号,需求名称\n" + "".join(f"D{each},沼气脱硫装置\n" for each in range(25))
    achievements = "成果编号,成果名称\n" + "".join(f"A{each},第{each}型脱硫塔\n" for each in range(8))
    load(ledger, read_bytes("demands.csv", demands.encode(), "demands", Settings()), "周某")
    load(ledger, read_bytes("achievements.csv", achievements.encode(), "achievements", Settings()), "周某")
    rows = [
        {"demand_id": f"D{demand}", "achievement_id": f"A{each}", "level": each % 4 + 1, "nonce": f"{demand}-{each}"}
        for demand in range(25)
        for each in range(8)
    ]
    with writing(ledger) as connection:
        connection.execute(insert(pair_level), [{**row, "agent": "周某", "at": "2026-11-22T00:00:00"} for row in rows])
    with pytest.raises(NothingToDo) as refused:
        learn_levels(ledger, "周某")
    assert "1 条需求的 200 对" in refused.value.text("zh_CN")
    assert learned_model(ledger) is None


def test_a_level_that_is_too_rare_is_not_learned(judged: Engine) -> None:
    for number, (demand, achievement, level) in enumerate(judgements(judged).rows()):
        if level == 4:
            set_level(judged, demand, achievement, 3, "周某", f"rare {number}")
    with pytest.raises(NothingToDo) as refused:
        learn_levels(judged, "周某", force=True)
    [problem] = refused.value.problems
    assert (problem.key, problem.values) == ("learn.level_too_rare", {"level": 4, "count": 0, "least": 10})
    assert learned_model(judged) is None


def test_a_kept_model_is_used_by_the_next_match(judged: Engine) -> None:
    before = match_ledger(judged, 10, "周某")
    found = learn_levels(judged, "周某", force=True)
    assert (found.kept, found.pairs) == (True, 540)
    model = current_model(judged)
    assert model != load_model()
    assert model.source == "540 judgements of this ledger and 0 others"
    after = match_ledger(judged, 10, "周某")
    assert after.fingerprint != before.fingerprint
    # The model that is in use was fitted on what it is measured on; a new one is measured on what it has not seen.
    again = learn_levels(judged, "周某")
    assert again.after == found.after
    assert again.kept == (again.after.ndcg_at_10 > again.before.ndcg_at_10)
    if not again.kept:
        assert current_model(judged) == model


def test_a_worse_model_is_replaced_without_force(judged: Engine) -> None:
    """The features of a model that says the opposite make it worse than any that is learned."""
    shipped = load_model()
    opposite = [[-each for each in row] for row in shipped.coefficients]
    values = {**shipped.as_values(), "coefficients": opposite}
    add_model(judged, values, pairs=0, before=0.5, after=0.5, forced=True, agent="周某")
    found = learn_levels(judged, "周某")
    assert found.kept
    assert found.after.ndcg_at_10 > found.before.ndcg_at_10
