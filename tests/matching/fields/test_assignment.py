"""Field codes of records, with confidences computed by hand from the formula in the module's docstring."""

from __future__ import annotations

import random

import polars as pl
import pytest
from records import records

from matching.fields.assignment import assign_fields, load_rules, resolve
from matching.fields.taxonomies import load_taxonomy
from matching.intake.reading import Reading
from matching.schema import FIELDS

# 光纤 and 激光器 are terms of 01 (electronics), 轴承 of 03 (manufacturing), 大豆 of 09 (agriculture).
CONTRACT = "contract_fields"


def assigned(*rows: dict[str, object], taxonomy: str = CONTRACT) -> list[tuple[object, ...]]:
    """record_id, code, confidence rounded, basis and terms of one taxonomy's rows."""
    found = assign_fields(records("demands", *rows), "demand_id").filter(pl.col("taxonomy") == taxonomy)
    return [
        (row["record_id"], row["code"], round(row["confidence"], 9), row["basis"], row["terms"])
        for row in found.iter_rows(named=True)
    ]


def test_the_rules_are_those_that_the_figures_below_rest_on() -> None:
    rules = load_rules()
    assert (rules.half, rules.least, rules.most, rules.stated) == (2.0, 0.2, 3, 0.85)
    assert [rules.parts[part] for part in ("title", "keywords", "problem", "tried")] == [3.0, 2.0, 1.0, 0.5]


def test_two_terms_of_one_field_add_up() -> None:
    # e = 3 (title) + 2 (keywords) = 5; share 5/5; 5 / (5 + 2).
    [row] = assigned({"title": "光纤", "keywords": ["激光器"]})
    assert row == ("D1", "01", round(5 / 7, 9), "text", ["光纤", "激光器"])


def test_a_rival_field_lowers_the_confidence_of_both() -> None:
    # 01: e = 3, share 3/5, 3/5 -> 0.36; 03: e = 2, share 2/5, 2/4 -> 0.2, which is just enough.
    assert assigned({"title": "光纤", "keywords": ["轴承"]}) == [
        ("D1", "01", 0.36, "text", ["光纤"]),
        ("D1", "03", 0.2, "text", ["轴承"]),
    ]


def test_a_field_under_the_least_confidence_is_not_assigned_but_still_a_rival() -> None:
    # 01: share 3/4, 3/5 -> 0.45; 03: share 1/4, 1/3 -> 0.083.
    assert assigned({"title": "光纤", "problem": "轴承"}) == [("D1", "01", 0.45, "text", ["光纤"])]


def test_a_term_counts_once_with_its_best_part() -> None:
    [row] = assigned({"title": "光纤光纤", "keywords": ["光纤"], "problem": "光纤，光纤"})
    assert row == ("D1", "01", 0.6, "text", ["光纤"])


def test_thin_evidence_is_believed_little() -> None:
    # e = 0.5: 0.5 / 2.5 = 0.2, just enough; with a rival of the same strength both fall below.
    assert assigned({"tried": "光纤"}) == [("D1", "01", 0.2, "text", ["光纤"])]
    assert assigned({"tried": "光纤轴承"}) == []


def test_terms_stand_by_falling_weight_then_by_themselves() -> None:
    [row] = assigned({"problem": "光纤", "title": "激光器", "keywords": ["光通信"]})
    assert row[4] == ["激光器", "光通信", "光纤"]


def test_a_record_gets_the_strongest_fields_up_to_the_most() -> None:
    rows = assigned({"title": "光纤激光器、轴承机床、大豆水稻、核电反应堆"})
    assert len(rows) <= load_rules().most
    assert [row[2] for row in rows] == sorted((row[2] for row in rows), reverse=True)


def test_equal_fields_stand_by_code() -> None:
    assert [row[:3] for row in assigned({"title": "轴承光纤"})] == [("D1", "01", 0.3), ("D1", "03", 0.3)]


def test_a_stated_field_wins_over_the_text() -> None:
    assert assigned({"field": "农业", "title": "光纤激光器"}) == [("D1", "09", 1.0, "stated", ["农业"])]


@pytest.mark.parametrize(
    ("stated", "code", "taxonomy"),
    [
        ("核技术", "08", CONTRACT),
        ("新材料", "05", CONTRACT),
        ("ELECTRONICS AND INFORMATION", "01", CONTRACT),
        ("电子信息", "S2", "province_4567"),
        ("数字经济", "N1", "province_4567"),
        ("09", "09", CONTRACT),
    ],
)
def test_a_field_is_known_by_its_name_alias_or_code(stated: str, code: str, taxonomy: str) -> None:
    rows = assigned({"field": stated}, taxonomy=taxonomy)
    assert [(row[1], row[3]) for row in rows] == [(code, "stated")]


def test_a_misspelt_field_is_taken_with_its_likeness() -> None:
    # 电子信息产业链 against the alias 电子信息产业: 2 x 6 common characters of 7 + 6.
    assert assigned({"field": "电子信息产业链"}, taxonomy="province_4567") == [
        ("D1", "S2", round(12 / 13, 9), "stated", ["电子信息产业链"])
    ]


def test_several_stated_fields_are_all_taken() -> None:
    rows = assigned({"field": "农业；电子信息"})
    assert [(row[1], row[2]) for row in rows] == [("01", 1.0), ("09", 1.0)]


def test_a_name_that_holds_a_separator_is_read_whole() -> None:
    assert [row[1] for row in assigned({"field": "生物、医药和医疗器械"})] == ["04"]


def test_a_stated_field_that_is_none_leaves_the_text_to_decide() -> None:
    assert assigned({"field": "随便写的", "title": "光纤"}) == [("D1", "01", 0.6, "text", ["光纤"])]


def test_stating_a_field_of_one_taxonomy_leaves_the_other_to_the_text() -> None:
    row = {"field": "核技术", "title": "光纤"}
    assert [each[1:4:2] for each in assigned(row)] == [("08", "stated")]
    assert [each[1:4:2] for each in assigned(row, taxonomy="province_4567")] == [("S2", "text")]


def test_resolving_names_codes_likeness_and_words() -> None:
    taxonomy = load_taxonomy(CONTRACT)
    assert resolve("农业、核技术", taxonomy, 0.85) == {"09": (1.0, "农业"), "08": (1.0, "核技术")}
    assert resolve("毫无关系", taxonomy, 0.85) == {}


def test_what_nothing_is_known_of_has_no_row() -> None:
    found = assign_fields(records("demands", {"title": "什么"}, {}, {"title": "光纤"}), "demand_id")
    assert set(found["record_id"]) == {"D3"}


def test_no_records_give_an_empty_frame_of_the_schema() -> None:
    found = assign_fields(records("demands"), "demand_id")
    assert found.is_empty()
    assert found.schema == pl.Schema(FIELDS)


def test_achievements_are_assigned_by_their_own_parts() -> None:
    listed = records("achievements", {"summary": "光纤", "application": "激光器", "figures": "光通信"})
    found = assign_fields(listed, "achievement_id").filter(pl.col("taxonomy") == CONTRACT)
    # e = 1 + 1 + 1 = 3.
    assert found.select("record_id", "code", "confidence").rows() == [("A1", "01", 0.6)]


def test_the_order_of_records_does_not_matter(sample_demands: Reading, rng: random.Random) -> None:
    ids = sample_demands.frame["demand_id"].to_list()
    rng.shuffle(ids)
    order = pl.DataFrame({"demand_id": ids})
    shuffled = order.join(sample_demands.frame, on="demand_id", maintain_order="left").select(
        sample_demands.frame.columns
    )
    assert assign_fields(shuffled, "demand_id").equals(assign_fields(sample_demands.frame, "demand_id"))


def test_rows_stand_by_taxonomy_record_and_falling_confidence(sample_demands: Reading) -> None:
    rows = assign_fields(sample_demands.frame, "demand_id").select("taxonomy", "record_id", "confidence", "code").rows()
    order = list(load_rules().taxonomies)
    assert rows == sorted(rows, key=lambda row: (order.index(row[0]), row[1], -row[2], row[3]))


def test_confidences_are_between_the_least_and_one(sample_achievements: Reading) -> None:
    found = assign_fields(sample_achievements.frame, "achievement_id")
    assert found["confidence"].is_between(load_rules().least, 1.0).all()
    assert set(found["basis"]) == {"stated", "text"}
    assert found.group_by("record_id", "taxonomy").len().filter(pl.col("len") > load_rules().most).is_empty()


def test_nearly_every_sample_record_gets_a_field(sample_demands: Reading, sample_achievements: Reading) -> None:
    for reading, identity in ((sample_demands, "demand_id"), (sample_achievements, "achievement_id")):
        found = assign_fields(reading.frame, identity)
        assert found["record_id"].n_unique() >= 0.95 * reading.frame.height
        known = set(reading.frame[identity])
        assert set(found["record_id"]) <= known
