"""Near misses: what fails, what does not, what would have to change, and how fast all of a province is looked at."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

import polars as pl
import pytest
from records import records
from sqlalchemy import Engine

from matching.errors import NotPermitted
from matching.fields.maturity import stage_of
from matching.ledger import presence, reverse
from matching.ledger.decisions import decide
from matching.ledger.rights import Viewer, as_viewer
from matching.ledger.runs import latest_run
from matching.pipeline.near_misses import NEAR_MISS_ROWS, conditions_of
from matching.pipeline.near_misses import near_misses as near_misses_of
from matching.ranking.near_misses import CONDITIONS, FAILED, NEAR_MISSES, conditions, near_misses
from matching.ranking.near_rules import Rules, broken_rules, load_rules

TODAY: Final = date(2026, 11, 22)
# Nothing is wrong between these two.
DEMAND: Final = {"solution": "技术转让；许可", "investment_yuan": 800_000, "deadline": date(2030, 1, 1)}
ACHIEVEMENT: Final = {"maturity": "产业化", "transfer_ways": "转让", "price_yuan": 800_000}


def pair(level: int | None = 4, similarity: float | None = 0.0, score: float = 0.9) -> pl.DataFrame:
    return scored(("D1", "A1", score, level, similarity))


def scored(*rows: tuple[str, str, float, int | None, float | None]) -> pl.DataFrame:
    """Candidates; ranks in the order given."""
    schema = {"demand_id": pl.String, "achievement_id": pl.String, "score": pl.Float64, "level": pl.Int64}
    frame = pl.DataFrame(rows, schema={**schema, "similarity": pl.Float64}, orient="row")
    return frame.with_columns(rank=pl.int_range(1, pl.len() + 1).over("demand_id"))


def failed(demand: dict[str, object], achievement: dict[str, object], language: str = "zh_CN") -> pl.DataFrame:
    demands = records("demands", {**DEMAND, **demand})
    achievements = records("achievements", {**ACHIEVEMENT, **achievement})
    return conditions(pair(), demands, achievements, TODAY, language)


def names(demand: dict[str, object], achievement: dict[str, object]) -> list[str]:
    return failed(demand, achievement)["condition"].to_list()


def test_a_pair_that_fits_fails_nothing() -> None:
    found = failed({}, {})
    assert found.is_empty()
    assert found.schema == FAILED


@pytest.mark.parametrize(
    ("demand", "achievement", "condition", "said"),
    [
        (
            {"solution": "技术转让"},
            {"maturity": "小试"},
            "maturity",
            ("技术转让，至少需 6 级", "小试（技术就绪度 4 级）", "技术就绪度需从 4 级提高到 6 级（中试）以上"),
        ),
        (
            {"solution": "合作研发"},
            {"transfer_ways": "许可；作价入股"},
            "way",
            ("合作研发", "许可；作价入股", "成果方需同意“合作研发”之一，或需求方改为接受“技术许可、作价入股”"),
        ),
        (
            {},
            {"price_yuan": 1_200_000},
            "price",
            ("拟投入 80 万元", "转让价 120 万元", "价格需从 120 万元降到 88 万元以内（拟投入 80 万元，容差 10%）"),
        ),
        (
            {"deadline": date(2026, 3, 31)},
            {},
            "deadline",
            ("时限 2026-03-31", "产业化（技术就绪度 9 级）", "时限 2026-03-31 已过，需延到 2026-11-22 或更晚"),
        ),
        (
            {"deadline": date(2027, 6, 30)},
            {"maturity": "中试"},
            "deadline",
            (
                "时限 2027-06-30",
                "中试，到投产约需 9 个月",
                "时限需从 2027-06-30 延到 2027-08-22 或更晚（中试到投产约需 9 个月）",
            ),
        ),
    ],
)
def test_each_condition_tells_what_would_have_to_change(
    demand: dict[str, object], achievement: dict[str, object], condition: str, said: tuple[str, str, str]
) -> None:
    assert failed(demand, achievement).rows() == [("D1", "A1", condition, *said)]


def test_it_is_told_in_english_too() -> None:
    [row] = failed({"investment_yuan": 355_000}, {}, "en").rows()
    assert row[2:] == (
        "price",
        "to invest: 35.5 × 10,000 yuan",
        "price: 80 × 10,000 yuan",
        "The price has to fall from 80 to at most 39.05 (in ten thousand yuan; planned investment 35.5, tolerance 10%)",
    )
    [row] = failed({"deadline": date(2027, 6, 30)}, {"maturity": "中试"}, "en").rows()
    assert "Pilot scale: about 9 months" in row[5]


@pytest.mark.parametrize(
    ("demand", "achievement"),
    [
        ({"solution": ""}, {"maturity": "实验室", "transfer_ways": "作价入股"}),
        ({"solution": "面议"}, {"maturity": "实验室", "transfer_ways": "作价入股"}),
        ({"solution": "见附件"}, {"maturity": "实验室", "transfer_ways": "作价入股"}),
        ({"solution": "委托开发"}, {"transfer_ways": ""}),
        ({"solution": "委托开发"}, {"transfer_ways": "许可、转让等，其他方式可协商"}),
        ({}, {"maturity": ""}),
        ({}, {"maturity": "情况良好"}),
        ({"investment_yuan": None}, {"price_yuan": 10**9}),
        ({"investment_yuan": 0}, {"price_yuan": 10**9}),
        ({"investment_yuan": 1}, {"price_yuan": None}),
        ({"deadline": None}, {"maturity": "中试"}),
        ({"deadline": TODAY}, {"maturity": ""}),
    ],
)
def test_what_is_not_stated_does_not_fail(demand: dict[str, object], achievement: dict[str, object]) -> None:
    assert names(demand, achievement) == []


@pytest.mark.parametrize(
    ("demand", "achievement", "expected"),
    [
        ({}, {"price_yuan": 880_000}, []),
        ({}, {"price_yuan": 880_001}, ["price"]),
        ({"deadline": TODAY}, {}, []),
        ({"deadline": TODAY - timedelta(days=1)}, {}, ["deadline"]),
        ({"deadline": date(2027, 8, 22)}, {"maturity": "中试"}, []),
        ({"deadline": date(2027, 8, 21)}, {"maturity": "中试"}, ["deadline"]),
        # A stage of several levels counts as its last.
        ({}, {"maturity": "中试"}, []),
        ({"solution": "作价入股"}, {"transfer_ways": "作价入股", "maturity": "中试"}, ["maturity"]),
        ({"solution": "作价入股"}, {"transfer_ways": "作价入股", "maturity": "试生产"}, []),
    ],
)
def test_limits_are_where_the_rules_have_them(
    demand: dict[str, object], achievement: dict[str, object], expected: list[str]
) -> None:
    assert names(demand, achievement) == expected


@pytest.mark.parametrize(
    ("solution", "ways", "fails"),
    [
        ("技术转让", "出让", False),
        ("技术转让", "许可", True),
        ("技术转让或许可", "普通许可", False),
        ("购买专利", "专利权转让", False),
        ("委托开发", "合作开发", False),
        ("产学研合作", "联合攻关", False),
        ("技术入股", "作价投资", False),
        ("技术许可", "使用权转让", False),
        ("技术转让", "使用权转让", True),
        ("技术转让", "只许可，不转让", True),
        ("技术咨询", "转让", False),
        ("技术服务", "许可", False),
        ("Joint development", "licence", True),
        ("Ｔransfer", "TRANSFER", False),
    ],
)
def test_ways_are_read_by_their_names(solution: str, ways: str, fails: bool) -> None:
    assert names({"solution": solution}, {"transfer_ways": ways}) == (["way"] if fails else [])


def test_the_least_demanding_of_the_ways_that_are_offered_counts() -> None:
    """合作研发 asks for less than 转让, but only where it is offered."""
    wanted = {"solution": "合作研发；技术转让", "deadline": None}
    assert names(wanted, {"maturity": "小试", "transfer_ways": "转让；合作"}) == []
    assert names(wanted, {"maturity": "小试", "transfer_ways": "转让"}) == ["maturity"]
    assert names(wanted, {"maturity": "小试", "transfer_ways": ""}) == []


def test_all_that_fails_is_told_in_one_order() -> None:
    every = failed(
        {"solution": "技术转让", "deadline": date(2026, 1, 1)},
        {"maturity": "小试", "transfer_ways": "许可", "price_yuan": 10**8},
    )
    assert every["condition"].to_list() == list(CONDITIONS)


def test_two_failures_are_no_near_miss() -> None:
    demands = records("demands", DEMAND)
    dear = {**ACHIEVEMENT, "price_yuan": 10**8}
    achievements = records("achievements", dear, {**dear, "transfer_ways": "作价入股"}, ACHIEVEMENT)
    candidates = scored(("D1", "A2", 0.9, 4, 0.5), ("D1", "A1", 0.8, 3, 0.4), ("D1", "A3", 0.7, 4, 0.3))
    found = near_misses(candidates, demands, achievements, TODAY)
    assert found.schema == NEAR_MISSES
    assert found.select("achievement_id", "rank", "score", "level", "condition").rows() == [("A1", 2, 0.8, 3, "price")]
    order = conditions(candidates, demands, achievements, TODAY).select("achievement_id", "condition").rows()
    assert order == [("A2", "way"), ("A2", "price"), ("A1", "price")]


@pytest.mark.parametrize(
    ("level", "similarity", "near"),
    [(4, 0.0, True), (3, 0.0, True), (2, 0.0, False), (1, 0.15, True), (1, 0.1499, False), (None, None, True)],
)
def test_only_pairs_that_are_good_otherwise_count(level: int | None, similarity: float | None, near: bool) -> None:
    """Of runs that knew no levels the score is the similarity."""
    achievements = records("achievements", {**ACHIEVEMENT, "price_yuan": 10**8})
    found = near_misses(pair(level, similarity), records("demands", DEMAND), achievements, TODAY)
    assert found.height == near


def test_of_the_similar_ones_the_first_few_count() -> None:
    """Ties go to the smaller id."""
    achievements = records("achievements", *[{**ACHIEVEMENT, "price_yuan": 10**8}] * 5)
    rows = [("D1", f"A{number}", 0.5, 2, 0.3 if number > 1 else 0.2) for number in (5, 4, 3, 2, 1)]
    found = near_misses(scored(*rows), records("demands", DEMAND), achievements, TODAY)
    assert found["achievement_id"].to_list() == ["A4", "A3", "A2"]
    assert found["rank"].to_list() == [2, 3, 4]


def test_candidates_without_a_record_and_empty_lists() -> None:
    demands, achievements = records("demands", DEMAND), records("achievements", ACHIEVEMENT)
    assert near_misses(scored(("D9", "A1", 0.9, 4, 0.5)), demands, achievements, TODAY).is_empty()
    empty = near_misses(pair().clear(), demands.clear(), achievements.clear(), TODAY)
    assert empty.is_empty()
    assert empty.schema == NEAR_MISSES


WAYS: Final = ("转让；许可", "许可", "作价入股", "合作开发", "面议", "", "转让")
SOLUTIONS: Final = ("合作研发；技术许可", "技术转让", "委托开发", "技术咨询", "", "作价入股")
STAGES: Final = ("小试", "中试", "产业化", "小批量", "实验室", "", "不知道")


def made(
    rng: random.Random, demands: int, achievements: int, each: int
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Candidates, demands and achievements at random."""
    first = pl.DataFrame(
        {
            "demand_id": [f"D{number:05}" for number in range(demands)],
            "solution": rng.choices(SOLUTIONS, k=demands),
            "investment_yuan": [rng.choice((None, rng.randrange(10**5, 10**7))) for _ in range(demands)],
            "deadline": [rng.choice((None, TODAY + timedelta(rng.randrange(-90, 900)))) for _ in range(demands)],
        },
        schema_overrides={"deadline": pl.Date, "investment_yuan": pl.Int64},
    )
    second = pl.DataFrame(
        {
            "achievement_id": [f"A{number:06}" for number in range(achievements)],
            "maturity": rng.choices(STAGES, k=achievements),
            "transfer_ways": rng.choices(WAYS, k=achievements),
            "price_yuan": [rng.choice((None, rng.randrange(10**5, 10**7))) for _ in range(achievements)],
        },
        schema_overrides={"price_yuan": pl.Int64},
    )
    rows = [
        (f"D{number:05}", f"A{(number * each + place) * 7 % achievements:06}", rng.random(), rng.randrange(1, 5), 0.3)
        for number in range(demands)
        for place in range(each)
    ]
    return scored(*rows), first, second


def expected(demand: dict[str, object], achievement: dict[str, object]) -> set[str]:
    """The conditions that a pair of the lists above fails, from what is known of each text."""
    met = {
        "合作研发；技术许可": {"转让；许可": 6, "许可": 6, "合作开发": 2},
        "技术转让": {"转让；许可": 6, "转让": 6},
        "委托开发": {"合作开发": 3},
        "技术咨询": dict.fromkeys(WAYS, 1),
        "作价入股": {"作价入股": 7},
        "": {},
    }[str(demand["solution"])]
    unmet = {"合作研发；技术许可": 2, "技术转让": 6, "委托开发": 3, "技术咨询": 1, "作价入股": 7, "": 0}
    offered = str(achievement["transfer_ways"])
    stated = bool(demand["solution"]) and offered not in ("", "面议")
    stage = stage_of(str(achievement["maturity"]))
    months = {"小试": 18, "中试": 9, "小批量": 2, "实验室": 24}.get(str(achievement["maturity"]), 0)
    year, month = divmod(TODAY.year * 12 + TODAY.month - 1 + months, 12)
    found = set()
    if stage is not None and stage.trl_to < met.get(offered, unmet[str(demand["solution"])]):
        found.add("maturity")
    if stated and offered not in met:
        found.add("way")
    if (
        demand["investment_yuan"]
        and int(str(achievement["price_yuan"] or 0)) * 10 > int(str(demand["investment_yuan"])) * 11
    ):
        found.add("price")
    if demand["deadline"] is not None and str(demand["deadline"]) < date(year, month + 1, TODAY.day).isoformat():
        found.add("deadline")
    return found


def test_a_loop_over_the_pairs_finds_the_same(rng: random.Random) -> None:
    candidates, demands, achievements = made(rng, 60, 80, 10)
    by_id = [
        {row[key]: row for row in frame.to_dicts()}
        for frame, key in ((demands, "demand_id"), (achievements, "achievement_id"))
    ]
    found = conditions(candidates, demands, achievements, TODAY)
    told = {key: set(group["condition"]) for key, group in found.group_by("demand_id", "achievement_id")}
    pairs = candidates.select("demand_id", "achievement_id").rows()
    assert {key: told.get(key, set()) for key in pairs} == {
        (first, second): expected(by_id[0][first], by_id[1][second]) for first, second in pairs
    }
    assert {each for key in told for each in told[key]} == set(CONDITIONS)
    near = near_misses(candidates, demands, achievements, TODAY)
    alone = {key for key, group in told.items() if len(group) == 1}
    assert set(near.select("demand_id", "achievement_id").rows()) <= alone
    assert near.height > 50


def test_a_hundred_thousand_candidates_take_less_than_two_seconds(
    rng: random.Random, record_property: Callable[[str, object], None]
) -> None:
    candidates, demands, achievements = made(rng, 10_000, 50_000, 10)
    start = time.perf_counter()
    found = near_misses(candidates, demands, achievements, TODAY)
    seconds = time.perf_counter() - start
    record_property("near misses among 100,000 candidates, seconds", f"{seconds:.2f}")
    assert found.height > 10_000
    assert seconds < 2


def with_way(rules: Rules, **changes: object) -> Rules:
    return replace(rules, ways={**rules.ways, "transfer": replace(rules.ways["transfer"], **changes)})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda rules: with_way(rules, least_level=10), "transfer"),
        (lambda rules: with_way(rules, met_by=frozenset({"theft"})), "theft"),
        (lambda rules: with_way(rules, names=("许可",)), "许可"),
        (lambda rules: replace(rules, months={"ripening": 3}), "ripening"),
        (lambda rules: replace(rules, months={"pilot": -1}), "pilot"),
        (lambda rules: replace(rules, tolerance_percent=-1), "tolerance_percent"),
    ],
)
def test_rules_that_cannot_be_are_named(change: Callable[[Rules], Rules], what: str) -> None:
    [problem] = broken_rules(change(load_rules()))
    assert problem.file == "near_misses.toml"
    assert what in problem.text()


def test_other_rules_give_other_near_misses() -> None:
    rules = replace(load_rules(), tolerance_percent=50)
    demands, achievements = (
        records("demands", DEMAND),
        records("achievements", {**ACHIEVEMENT, "price_yuan": 1_200_000}),
    )
    assert near_misses(pair(), demands, achievements, TODAY).height == 1
    assert near_misses(pair(), demands, achievements, TODAY, rules=rules).is_empty()


def test_of_the_newest_run_with_titles(ranked: Engine) -> None:
    found = near_misses_of(ranked, TODAY)
    assert found.schema == NEAR_MISS_ROWS
    assert {"way", "price", "deadline"} <= set(found["condition"])
    order = pl.col("condition").cast(pl.Enum(CONDITIONS))
    assert found.equals(found.sort(order, pl.col("score").neg(), "demand_id", "achievement_id"))
    assert (
        found.select("demand_title", "enterprise", "achievement_title", "institute", "change").null_count().row(0)
        == (0,) * 5
    )
    assert found["verdict"].null_count() == found.height


def test_decisions_show_and_what_is_out_of_use_goes(ranked: Engine) -> None:
    before = near_misses_of(ranked, TODAY)
    first, other = before.row(0, named=True), before.row(-1, named=True)
    run = latest_run(ranked)
    assert run is not None
    decide(
        ranked,
        demand_id=first["demand_id"],
        achievement_id=first["achievement_id"],
        run_id=run.run_id,
        verdict="later",
        agent="周某",
        nonce="n",
        seen=None,
    )
    another = next(each for each in before["achievement_id"] if each != other["achievement_id"])
    presence.settle_near(ranked, "achievements", other["achievement_id"], another, same=True, agent="周某")
    after = near_misses_of(ranked, TODAY)
    assert after.filter(pl.col("verdict").is_not_null()).select("demand_id", "achievement_id", "verdict").rows() == [
        (first["demand_id"], first["achievement_id"], "later")
    ]
    assert other["achievement_id"] not in after["achievement_id"]
    assert after.height < before.height


def test_the_conditions_of_one_demand_are_those_of_the_list(ranked: Engine) -> None:
    near = near_misses_of(ranked, TODAY)
    demand_id = near["demand_id"][0]
    run = latest_run(ranked)
    assert run is not None
    ids = reverse.scores_of(ranked, run.run_id).filter(demand_id=demand_id)["achievement_id"].to_list()
    found = conditions_of(ranked, demand_id, ids, TODAY)
    assert found.schema == FAILED
    told = near.filter(demand_id=demand_id).select("achievement_id", "condition", "change")
    assert set(told.rows()) <= set(found.select("achievement_id", "condition", "change").rows())
    assert conditions_of(ranked, demand_id, [], TODAY).equals(pl.DataFrame(schema=FAILED))


def test_nothing_was_ranked_yet(ledger: Engine) -> None:
    assert near_misses_of(ledger, TODAY).equals(pl.DataFrame(schema=NEAR_MISS_ROWS))


@pytest.mark.parametrize("role", ["institute", "official"])
def test_only_those_who_read_candidates_are_shown_them(ranked: Engine, role: str) -> None:
    seen = as_viewer(ranked, Viewer("某", role, "示例理工大学"))
    with pytest.raises(NotPermitted):
        near_misses_of(seen, TODAY)
    with pytest.raises(NotPermitted):
        conditions_of(seen, "XQ2026022", ["CG2026094"], TODAY)
