"""The list of candidates: its columns, its sums, its order, and that the same inputs give the same list."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import product
from math import log
from typing import Final

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from records import records

from matching.fields.lexicon import Group, Lexicon, load_lexicon
from matching.fields.terms import closed_up, normalised
from matching.intake.reading import Reading
from matching.pipeline import Ranking, rank
from matching.ranking.analysis import characters
from matching.ranking.candidates import field_names
from matching.ranking.weights import Weights, load_weights
from matching.schema import CANDIDATES, FIELDS

EXACT: Final = 1e-12
TEXT_PARTS: Final = ("character_part", "word_part", "concept_part")

LEXICON: Final = Lexicon(
    (
        Group("沼气", "product", ("沼气", "biogas"), ("生物质能",), "N2", 2),
        Group("生物质能", "concept", ("生物质能", "biomass energy"), (), "N2", 3),
    ),
    frozenset(),
    0.4,
)

# What keeps every block of the space filled, whatever else a list has.
ANCHOR: Final = {"title": "锂电池", "field": "新材料"}


@pytest.fixture(scope="module")
def samples(sample_demands: Reading, sample_achievements: Reading) -> Ranking:
    return rank(sample_demands.frame, sample_achievements.frame, top=10)


@pytest.fixture(scope="module")
def rows(samples: Ranking) -> pl.DataFrame:
    return samples.candidates


@pytest.fixture
def small_lexicon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Concepts are those of `LEXICON` alone."""
    monkeypatch.setattr("matching.ranking.vectors.load_lexicon", lambda: LEXICON)


def listed(demands: pl.DataFrame, achievements: pl.DataFrame, top: int = 10) -> pl.DataFrame:
    return rank(demands, achievements, top).candidates


def test_columns_and_types(rows: pl.DataFrame) -> None:
    assert dict(rows.schema) == CANDIDATES
    assert rows.null_count().row(0) == (0,) * len(CANDIDATES)
    assert rows.height > 0


def test_titles_and_organisations_are_those_of_the_records(
    rows: pl.DataFrame, sample_demands: Reading, sample_achievements: Reading
) -> None:
    demands = sample_demands.frame.select("demand_id", "enterprise", demand_title="title")
    achievements = sample_achievements.frame.select("achievement_id", "institute", achievement_title="title")
    columns = ["demand_id", "demand_title", "enterprise", "achievement_id", "achievement_title", "institute"]
    expected = rows.select("demand_id", "achievement_id").join(demands, on="demand_id", maintain_order="left")
    expected = expected.join(achievements, on="achievement_id", maintain_order="left")
    assert rows.select(columns).equals(expected.select(columns))


def test_parts_sum_to_the_score(rows: pl.DataFrame) -> None:
    parts = rows.select(pl.sum_horizontal(*TEXT_PARTS, "field_part")).to_series()
    np.testing.assert_allclose(parts, rows["score"], rtol=0, atol=EXACT)
    assert all((rows[part] > 0).any() for part in (*TEXT_PARTS, "field_part"))


def test_terms_sum_to_the_parts_of_the_text(rows: pl.DataFrame) -> None:
    shown = rows["shared_terms"].list.eval(pl.element().struct.field("contribution")).list.sum()
    text = rows.select(pl.sum_horizontal(TEXT_PARTS)).to_series()
    np.testing.assert_allclose(shown + rows["other_terms"], text, rtol=0, atol=EXACT)


def test_scores_of_text_and_field_carry_their_shares(rows: pl.DataFrame) -> None:
    weights = load_weights()
    text = rows.select(pl.sum_horizontal(TEXT_PARTS)).to_series()
    np.testing.assert_allclose(rows["text_score"] * weights.text, text, rtol=0, atol=EXACT)
    np.testing.assert_allclose(rows["field_score"] * weights.field, rows["field_part"], rtol=0, atol=EXACT)


@pytest.mark.parametrize("column", [name for name in CANDIDATES if name.endswith(("score", "_part", "other_terms"))])
def test_amounts_lie_between_0_and_1(rows: pl.DataFrame, column: str) -> None:
    assert rows[column].min() >= 0
    assert rows[column].max() <= 1 + EXACT


def test_ranks_count_from_1_and_demands_come_by_id(rows: pl.DataFrame, samples: Ranking) -> None:
    assert rows["demand_id"].unique(maintain_order=True).to_list() == list(samples.vectors.demand_ids)
    for [_], group in rows.group_by("demand_id", maintain_order=True):
        assert group["rank"].to_list() == list(range(1, group.height + 1))
        assert group["score"].is_sorted(descending=True)
        assert group["achievement_id"].is_unique().all()


def test_the_best_are_kept(rows: pl.DataFrame, samples: Ranking) -> None:
    """No achievement that is left out scores more than the last one kept."""
    scores = (samples.vectors.demands @ samples.vectors.achievements.T).toarray()
    for place, demand_id in enumerate(samples.vectors.demand_ids):
        kept = rows.filter(pl.col("demand_id") == demand_id)["score"].to_list()
        np.testing.assert_allclose(kept, np.sort(scores[place])[::-1][:10], rtol=0, atol=EXACT)


def test_shared_terms_fall_and_are_said_by_both_texts(
    rows: pl.DataFrame, sample_demands: Reading, sample_achievements: Reading
) -> None:
    """A term stands in both texts, or is the lexicon's for what stands there, or for something narrower."""
    forms = forms_below()
    weights = load_weights()
    texts = {}
    for frame, parts in (
        (sample_demands.frame, weights.parts["demands"]),
        (sample_achievements.frame, weights.parts["achievements"]),
    ):
        plain = frame.with_columns(pl.col("keywords").list.join("\n")).select(frame.columns[0], *parts)
        texts |= {row[0]: normalised("\n".join(row[1:])) for row in plain.iter_rows()}
    closed = dict(zip(texts, closed_up(pl.Series(list(texts.values()))), strict=True))
    for demand_id, achievement_id, shared, others in rows.select(
        "demand_id", "achievement_id", "shared_terms", "other_terms"
    ).iter_rows():
        amounts = [each["contribution"] for each in shared]
        terms = [each["term"] for each in shared]
        assert amounts == sorted(amounts, reverse=True)
        assert all(amount > 0 for amount in amounts)
        assert len(set(terms)) == len(terms) <= weights.terms
        assert len(terms) == weights.terms or others == 0
        for term, record in product(terms, (demand_id, achievement_id)):
            assert term in texts[record] or any(form in closed[record] for form in forms[term]), (term, record)


def forms_below() -> dict[str, set[str]]:
    """Of each concept of the lexicon all that stands for it or for what is narrower."""
    lexicon = load_lexicon()
    found: dict[str, set[str]] = {}
    for group in lexicon.groups:
        for concept in lexicon.above(group.concept):
            found.setdefault(concept, set()).update(group.forms)
    return found


def test_fewer_terms_move_into_the_rest() -> None:
    demands = records("demands", {"title": "沼气脱硫"}, ANCHOR)
    achievements = records("achievements", {"title": "沼气脱硫塔"}, ANCHOR)
    many = rank(demands, achievements).candidates.row(0, named=True)
    few = rank(demands, achievements, weights=replace(load_weights(), terms=2)).candidates.row(0, named=True)
    assert few["shared_terms"] == many["shared_terms"][:2]
    assert few["score"] == many["score"]
    rest = sum(each["contribution"] for each in many["shared_terms"][2:])
    assert few["other_terms"] == pytest.approx(rest, abs=EXACT)


def plainly(demands: pl.DataFrame, achievements: pl.DataFrame, top: int = 10) -> pl.DataFrame:
    """Candidates of records of whose fields nothing is known, but for D2."""
    known = fields(("D2", "contract_fields:05", 1.0))
    return rank(demands, achievements, top, demand_fields=known, achievement_fields=fields()).candidates


def shown(demand: str, achievement: str) -> tuple[dict[str, float], dict[str, float]]:
    """Terms of a pair of titles with their contributions, and the parts of its score."""
    demands, achievements = (
        records("demands", {"title": demand}, ANCHOR),
        records("achievements", {"title": achievement}),
    )
    row = plainly(demands, achievements).row(0, named=True)
    return {each["term"]: each["contribution"] for each in row["shared_terms"]}, row


@pytest.mark.usefixtures("small_lexicon")
def test_what_is_part_of_a_shared_word_is_counted_with_it() -> None:
    """Characters, pairs and words of one text: 沼 气 脱 硫 沼气 气脱 脱硫, each alike; 沼气 脱硫, each alike.

    Of the concepts 沼气 stands four times (the title's weight), which is 0.4 x 4 times 生物质能.
    """
    terms, row = shown("沼气脱硫", "沼气脱硫")
    character, word = row["character_part"] / 7, row["word_part"] / 2
    own, above = log(1 + 4) ** 2, log(1 + 1.6) ** 2
    concept, broader = (row["concept_part"] * each / (own + above) for each in (own, above))
    expected = {
        "沼气": 3 * character + word + concept,
        "脱硫": 3 * character + word,
        "气脱": character,
        "生物质能": broader,
    }
    assert terms == pytest.approx(expected, abs=EXACT)
    assert row["other_terms"] == 0


@pytest.mark.usefixtures("small_lexicon")
def test_what_is_part_of_a_shared_pair_is_counted_with_it() -> None:
    """镍钴 is no word; where the pair is not shared its characters stand alone."""
    terms, row = shown("镍钴", "镍钴")
    assert terms == pytest.approx({"镍钴": row["score"]}, abs=EXACT)
    assert set(shown("镍钴", "钴镍")[0]) == {"镍", "钴"}


@pytest.mark.usefixtures("small_lexicon")
def test_a_latin_word_or_a_number_is_no_part_of_a_longer_one() -> None:
    """10 is not what 100 is made of, nor c of cfrp: each keeps what it adds."""
    terms, row = shown("CFRP 100 10 C", "CFRP 100 10 C")
    character, word = row["character_part"] / 4, row["word_part"] / 3
    both = character + word
    assert terms == pytest.approx({"cfrp": both, "100": both, "10": both, "c": character}, abs=EXACT)


def test_two_languages_meet_in_a_concept() -> None:
    """No character is shared; the reason is the group's own term, though the achievement does not write it."""
    terms, row = shown("石墨烯", "Graphene")
    assert row["character_part"] == row["word_part"] == row["field_part"] == 0
    assert (
        row["concept_part"] == row["score"] == pytest.approx(load_weights().text * load_weights().concepts, abs=EXACT)
    )
    assert next(iter(terms)) == "石墨烯"
    assert sum(terms.values()) == pytest.approx(row["score"], abs=EXACT)


def test_a_concept_that_both_write_in_chinese_is_counted_with_its_characters() -> None:
    """石 墨 烯 石墨 墨烯 are counted with 石墨烯, of which there is one reason, not two."""
    terms, row = shown("石墨烯", "石墨烯")
    assert not set(characters("石墨烯")) & set(terms)
    above = sum(amount for term, amount in terms.items() if term != "石墨烯")
    assert 0 < above < row["concept_part"]
    assert terms["石墨烯"] == pytest.approx(row["score"] - above, abs=EXACT)


def test_a_concept_takes_no_characters_of_a_text_that_does_not_write_it() -> None:
    """墨 comes from 墨水 on the demand's side, which says graphene: 石墨烯 has no part in it."""
    terms, row = shown("graphene 墨水", "石墨烯 墨水")
    assert row["character_part"] > 0
    assert terms["墨水"] == pytest.approx(row["character_part"] + row["word_part"], abs=EXACT)


@pytest.mark.usefixtures("small_lexicon")
def test_what_shares_a_broader_concept_meets_more_weakly() -> None:
    demands = records("demands", {"title": "biogas"}, ANCHOR)
    achievements = records("achievements", {"title": "沼气"}, {"title": "生物质能"}, {"title": "太阳能"})
    found = plainly(demands, achievements).filter(demand_id="D1")
    assert found["achievement_id"].to_list() == ["A1", "A2"]
    assert [row[0]["term"] for row in found["shared_terms"]] == ["沼气", "生物质能"]
    assert found["concept_part"].equals(found["score"])


def test_ties_go_by_achievement_id() -> None:
    same = {"title": "沼气脱硫塔", "summary": "干法脱硫，一塔两用"}
    achievements = records(
        "achievements",
        {**same, "achievement_id": "A7"},
        {**ANCHOR, "achievement_id": "A5"},
        {**same, "achievement_id": "A10"},
        {**same, "achievement_id": "A3"},
    )
    found = plainly(records("demands", {"title": "沼气脱硫"}, ANCHOR), achievements).filter(demand_id="D1")
    assert found["achievement_id"].to_list() == ["A10", "A3", "A7"]
    assert found["rank"].to_list() == [1, 2, 3]
    assert found["score"].n_unique() == 1
    assert found.select("shared_terms", "other_terms", "shared_fields").unique().height == 1


def test_ties_at_the_end_of_the_list_go_by_achievement_id() -> None:
    achievements = records("achievements", *({"title": "沼气脱硫塔"} for _ in range(8)), ANCHOR)[::-1]
    found = listed(records("demands", {"title": "沼气脱硫"}, ANCHOR), achievements, 3).filter(demand_id="D1")
    assert found["achievement_id"].to_list() == ["A1", "A2", "A3"]


TEXT = st.text(alphabet="沼气脱硫塔锂电池负极材料水稻插秧机", min_size=1, max_size=8)


@settings(max_examples=20)
@given(TEXT, st.lists(TEXT, max_size=6))
def test_the_same_text_ranks_first(text: str, others: list[str]) -> None:
    assume(all(set(characters(text)) != set(characters(other)) for other in others))
    achievements = records("achievements", ANCHOR, *({"title": other} for other in others), {"title": text})
    found = listed(records("demands", {"title": text}, ANCHOR), achievements).filter(demand_id="D1")
    assert found["achievement_id"][0] in {f"A{len(others) + 2}", "A1" if text == ANCHOR["title"] else ""}
    assert found["score"][0] == found["score"].max()


def test_the_same_text_and_fields_score_1() -> None:
    demands = records("demands", {"title": "水稻插秧机", "field": "新材料"}, ANCHOR)
    achievements = records("achievements", {"title": "水稻插秧机", "field": "新材料"}, {"title": "水稻插秧机"})
    found = listed(demands, achievements).filter(demand_id="D1")
    assert found["achievement_id"].to_list() == ["A1", "A2"]
    assert found.select("score", "text_score", "field_score").row(0) == pytest.approx((1, 1, 1), abs=EXACT)
    assert found["text_score"][1] == pytest.approx(1, abs=EXACT)
    assert found["score"][1] < 1


def test_a_demand_with_nothing_in_common_has_no_candidates() -> None:
    demands = records("demands", {"title": "毛衣编织"}, ANCHOR, {"title": ""})
    found = plainly(demands, records("achievements", {"title": "沼气脱硫"}, ANCHOR))
    assert found["demand_id"].unique().to_list() == ["D2"]


def test_when_no_demand_has_a_candidate_the_frame_is_empty() -> None:
    demands = records("demands", {"title": "毛衣编织"}, {"title": ""})
    found = plainly(demands, records("achievements", {"title": "沼气脱硫"}))
    assert found.height == 0
    assert dict(found.schema) == CANDIDATES


def test_lists_in_which_no_field_is_known() -> None:
    demands, achievements = records("demands", {"title": "毛衣编织"}), records("achievements", {"title": "毛衣"})
    found = rank(demands, achievements, demand_fields=fields(), achievement_fields=fields()).candidates
    assert found["field_part"].to_list() == [0]
    assert found["shared_fields"].to_list() == [[]]


@pytest.mark.parametrize(("demands", "achievements"), [(0, 1), (1, 0), (0, 0)])
def test_an_empty_list_has_no_candidates(demands: int, achievements: int) -> None:
    found = listed(records("demands", *[ANCHOR] * demands), records("achievements", *[ANCHOR] * achievements))
    assert found.height == 0
    assert dict(found.schema) == CANDIDATES


@pytest.mark.parametrize("top", [1, 3, 30])
def test_top_is_the_length_of_the_lists(
    sample_demands: Reading, sample_achievements: Reading, rows: pl.DataFrame, top: int
) -> None:
    found = listed(sample_demands.frame, sample_achievements.frame, top)
    assert found.group_by("demand_id").len()["len"].max() <= top
    kept = min(top, 10)
    assert found.filter(pl.col("rank") <= kept).equals(rows.filter(pl.col("rank") <= kept))


def fields(*given_fields: tuple[str, str, float]) -> pl.DataFrame:
    rows = [(record, *name.split(":"), confidence, "text", []) for record, name, confidence in given_fields]
    return pl.DataFrame(rows, schema=FIELDS, orient="row")


def test_shared_fields_fall_by_what_they_add() -> None:
    ranking = rank(
        records("demands", ANCHOR),
        records("achievements", ANCHOR),
        demand_fields=fields(("D1", "contract_fields:05", 0.3), ("D1", "province_4567:S3", 0.9)),
        achievement_fields=fields(
            ("A1", "contract_fields:05", 0.3), ("A1", "province_4567:S3", 0.9), ("A1", "contract_fields:01", 0.9)
        ),
    )
    assert ranking.candidates["shared_fields"].to_list() == [["province_4567:S3", "contract_fields:05"]]


def test_names_of_fields() -> None:
    shared = ["contract_fields:05", "contract_fields:01"]
    assert field_names(shared, "zh_CN") == ["新材料及其应用", "电子信息"]
    assert field_names(shared, "en") == ["New materials and their application", "Electronic information"]
    assert field_names([], "en") == []


def shares(text: float, views: tuple[float, float, float] = (0.85, 0.05, 0.1)) -> Weights:
    characters_share, words, concepts = views
    weights = replace(load_weights(), text=text, field=1 - text)
    return replace(weights, characters=characters_share, words=words, concepts=concepts)


@pytest.mark.parametrize(
    "weights", [shares(0), shares(1), shares(0.95, (1, 0, 0)), shares(0.95, (0, 1, 0)), shares(0.95, (0, 0, 1))]
)
def test_a_share_may_be_nought(weights: Weights) -> None:
    row = rank(records("demands", ANCHOR), records("achievements", ANCHOR), weights=weights).candidates.row(
        0, named=True
    )
    text = sum(row[part] for part in TEXT_PARTS)
    assert (row["score"], text, row["field_part"]) == pytest.approx((1, weights.text, weights.field), abs=EXACT)
    for part, share in zip(TEXT_PARTS, (weights.characters, weights.words, weights.concepts), strict=True):
        assert row[part] == pytest.approx(weights.text * share, abs=EXACT)
    assert row["text_score"] == pytest.approx(1 if weights.text else 0, abs=EXACT)
    assert row["field_score"] == pytest.approx(1 if weights.field else 0, abs=EXACT)
    assert bool(row["shared_terms"]) == (weights.text > 0)
    assert bool(row["shared_fields"]) == (weights.field > 0)


def test_twice_the_same_bytes(sample_demands: Reading, sample_achievements: Reading, samples: Ranking) -> None:
    again = rank(sample_demands.frame, sample_achievements.frame, top=10)
    assert again.fingerprint == samples.fingerprint
    assert again.candidates.write_ndjson() == samples.candidates.write_ndjson()


def test_shuffled_inputs_give_the_same_list(
    sample_demands: Reading, sample_achievements: Reading, samples: Ranking, rng: random.Random
) -> None:
    demands = sample_demands.frame.sample(fraction=1, shuffle=True, seed=rng.randrange(2**32))
    achievements = sample_achievements.frame.sample(fraction=1, shuffle=True, seed=rng.randrange(2**32))
    assert not achievements.equals(sample_achievements.frame)
    shuffled = rank(demands, achievements, top=10)
    assert shuffled.candidates.equals(samples.candidates)
    assert shuffled.fingerprint == samples.fingerprint


BASE_DEMANDS: Final = records("demands", {"title": "沼气脱硫", "problem": "气味重"}, ANCHOR)
BASE_ACHIEVEMENTS: Final = records("achievements", {"title": "沼气脱硫塔", "summary": "干法"}, ANCHOR)


def changed(frame: pl.DataFrame, column: str, value: object) -> pl.DataFrame:
    """The first record says something else in one column."""
    first = pl.int_range(pl.len()) == 0
    return frame.with_columns(pl.when(first).then(pl.lit(value)).otherwise(pl.col(column)).alias(column))


def fingerprint(demands: pl.DataFrame, achievements: pl.DataFrame, **options: object) -> str:
    found = rank(demands, achievements, **options).fingerprint  # type: ignore[arg-type]
    assert len(found) == 64
    return found


@pytest.mark.parametrize("column", ["demand_id", "title", "enterprise", "problem", "targets", "tried", "status"])
def test_the_fingerprint_changes_with_a_demand(column: str) -> None:
    before = fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS)
    assert fingerprint(changed(BASE_DEMANDS, column, "沼液"), BASE_ACHIEVEMENTS) != before


@pytest.mark.parametrize("column", ["achievement_id", "title", "institute", "summary", "figures", "maturity"])
def test_the_fingerprint_changes_with_an_achievement(column: str) -> None:
    before = fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS)
    assert fingerprint(BASE_DEMANDS, changed(BASE_ACHIEVEMENTS, column, "沼液")) != before


def test_the_fingerprint_changes_with_a_keyword_and_a_record() -> None:
    before = fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS)
    keyword = records("demands", {"title": "沼气脱硫", "problem": "气味重", "keywords": ["沼液"]}, ANCHOR)
    assert fingerprint(keyword, BASE_ACHIEVEMENTS) != before
    assert fingerprint(BASE_DEMANDS[:1], BASE_ACHIEVEMENTS) != before
    assert fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS[1:]) != before


@pytest.mark.parametrize(
    "changes",
    [
        {"characters": 0.8},
        {"words": 0.2},
        {"concepts": 0.2},
        {"taxonomies": {}},
        {"text": 0.9},
        {"field": 0.1},
        {"terms": 23},
        {"parts": {**load_weights().parts, "demands": {**load_weights().parts["demands"], "title": 3}}},
        {"parts": {**load_weights().parts, "achievements": {"title": 4}}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_the_fingerprint_changes_with_a_weight(changes: dict[str, object]) -> None:
    weights = replace(load_weights(), **changes)  # type: ignore[arg-type]
    before = fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS)
    assert fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS, weights=weights) != before


def test_the_fingerprint_changes_with_the_length_of_the_lists() -> None:
    assert fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS, top=9) != fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS, top=10)


def test_the_fingerprint_does_not_change_with_where_a_record_came_from() -> None:
    """The same records from another row of another file give the same list."""
    moved = BASE_DEMANDS.with_columns(pl.col("source_row") + 7)
    assert fingerprint(moved, BASE_ACHIEVEMENTS) == fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS)


@pytest.mark.parametrize("name", ["province_4567:S3", "contract_fields:05"])
def test_the_fingerprint_changes_with_the_fields(name: str) -> None:
    """Equal fingerprints mean equal lists, and the lists name the fields."""
    options = [
        {"demand_fields": fields(("D1", each, 1.0)), "achievement_fields": fields(("A1", each, 1.0))}
        for each in (name, "contract_fields:01")
    ]
    before, after = (rank(BASE_DEMANDS, BASE_ACHIEVEMENTS, **each) for each in options)
    assert before.candidates["shared_fields"].to_list() != after.candidates["shared_fields"].to_list()
    assert before.fingerprint != after.fingerprint


def test_the_fingerprint_changes_with_the_confidence_of_a_field() -> None:
    known = fields(("A1", "contract_fields:05", 1.0))
    options = {"achievement_fields": known}
    one = fields(("D1", "contract_fields:05", 1.0), ("D1", "contract_fields:01", 0.5))
    other = fields(("D1", "contract_fields:05", 1.0), ("D1", "contract_fields:01", 0.4))
    found = {fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS, demand_fields=each, **options) for each in (one, other)}
    assert len(found) == 2
