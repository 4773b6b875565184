"""The list of candidates: its columns, its sums, its order, and that the same inputs give the same list."""

from __future__ import annotations

import pickle
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
from places import SAMPLES
from polars.testing import assert_frame_equal
from records import records

from matching.fields.assignment import assign_fields
from matching.fields.lexicon import Group, Lexicon, load_lexicon
from matching.fields.terms import closed_up, normalised
from matching.intake.judgements import read_judgements
from matching.intake.reading import Reading
from matching.pipeline import Ranking, rank
from matching.ranking.analysis import characters
from matching.ranking.candidates import block_candidates
from matching.ranking.levels import LevelModel, load_model
from matching.ranking.told import GROUPS, field_names
from matching.ranking.weights import Weights, load_weights
from matching.schema import CANDIDATES, FIELDS, JUDGEMENTS
from matching.settings import Settings

EXACT: Final = 1e-12
# Rows are kept in 24 bits, so that what they add up to is off by so much from what it would be.
ROUNDED: Final = 1e-6
TEXT_PARTS: Final = ("character_part", "word_part", "concept_part")

LEXICON: Final = Lexicon(
    (
        Group("沼气", "product", ("沼气", "biogas"), ("生物质能",), "N2", 2),
        Group("生物质能", "concept", ("生物质能", "biomass energy"), (), "N2", 3),
    ),
    frozenset(),
    0.4,
)

# A level model that knows nothing but the cosine of the characters.
PLAIN_MODEL: Final = LevelModel(
    "by hand", ("characters",), (0.5,), (0.25,), ((1.0,), (1.5,), (2.0,)), (0.5, -0.5, -1.5)
)

# What keeps every block of the space filled, whatever else a list has.
ANCHOR: Final = {"title": "锂电池", "field": "新材料"}


@pytest.fixture(scope="module")
def samples(sample_demands: Reading, sample_achievements: Reading) -> Ranking:
    return rank(sample_demands.frame, sample_achievements.frame, top=10)


@pytest.fixture(scope="module")
def rows(samples: Ranking) -> pl.DataFrame:
    return samples.candidates


@pytest.fixture(scope="module")
def judgements() -> pl.DataFrame:
    return read_judgements(SAMPLES / "judgements.csv", Settings())


@pytest.fixture(scope="module")
def known(sample_demands: Reading, sample_achievements: Reading) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Fields of the samples, as `rank` assigns them."""
    return assign_fields(sample_demands.frame, "demand_id"), assign_fields(sample_achievements.frame, "achievement_id")


@pytest.fixture(scope="module")
def judged(
    sample_demands: Reading,
    sample_achievements: Reading,
    known: tuple[pl.DataFrame, pl.DataFrame],
    judgements: pl.DataFrame,
) -> Ranking:
    return rank(
        sample_demands.frame,
        sample_achievements.frame,
        top=10,
        demand_fields=known[0],
        achievement_fields=known[1],
        judgements=judgements,
    )


@pytest.fixture(scope="module", params=["without judgements", "with judgements"])
def either(request: pytest.FixtureRequest, samples: Ranking, judged: Ranking) -> Ranking:
    return judged if request.param == "with judgements" else samples


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


def test_parts_sum_to_the_similarity(rows: pl.DataFrame) -> None:
    parts = rows.select(pl.sum_horizontal(*TEXT_PARTS, "field_part")).to_series()
    np.testing.assert_allclose(parts, rows["similarity"], rtol=0, atol=EXACT)
    assert all((rows[part] > 0).any() for part in (*TEXT_PARTS, "field_part"))


def summed(rows: pl.DataFrame, column: str) -> np.ndarray:
    return np.array([sum(each["part"] for each in parts) for parts in rows[column].to_list()])


def test_parts_sum_to_the_score(either: Ranking) -> None:
    found = either.candidates
    assert found.height == 600
    parts = found["base"] + summed(found, "feature_parts") + summed(found, "learned") + found["other_parts"]
    np.testing.assert_allclose(parts, found["score"], rtol=0, atol=EXACT)


def test_parts_of_features_come_by_group_and_the_rest_is_what_the_limits_take_off(
    rows: pl.DataFrame, samples: Ranking
) -> None:
    """Where nothing is judged, that is what makes a level no likelier to be reached than the one below it."""
    groups = list(dict.fromkeys(GROUPS.values()))
    assert all([each["feature"] for each in parts] == groups for parts in rows["feature_parts"].to_list())
    assert rows["base"].n_unique() == 1
    assert rows["learned"].list.len().to_list() == [0] * rows.height
    vectors, pairs = samples.vectors, samples.scored.pairs
    ids = pl.DataFrame(
        {
            "demand_id": [vectors.demand_ids[row] for row in pairs.demands],
            "achievement_id": [vectors.achievement_ids[column] for column in pairs.achievements],
        }
    )
    slopes, intercepts = np.array(samples.model.coefficients), np.array(samples.model.intercepts)
    chances = 1 / (1 + np.exp(-(samples.scored.standardised @ slopes.T + intercepts)))
    taken_off = (np.minimum.accumulate(chances, axis=1) - chances) @ np.array([1, 2, 4]) / 7
    known = ids.with_columns(taken_off=pl.Series(taken_off))
    expected = rows.join(known, on=["demand_id", "achievement_id"], maintain_order="left")["taken_off"]
    np.testing.assert_allclose(rows["other_parts"], expected, rtol=0, atol=EXACT)
    assert 0 < (expected < 0).sum() < rows.height / 10


def test_score_level_and_certainty_follow_from_the_probabilities(either: Ranking) -> None:
    """Levels 1 to 4 gain 0, 1, 3 and 7 of at most 7; the level is the highest that is likelier reached than not."""
    for row in either.candidates.iter_rows(named=True):
        two, three, four = (row[f"reach_{step}"] for step in ("two", "three", "four"))
        within = [min(max(chance, 0.0), 1.0) for chance in row["unlimited"]]
        assert [two, three, four] == [min(within[:1]), min(within[:2]), min(within)]
        assert 1 >= two >= three >= four >= 0
        assert row["score"] == pytest.approx((two + 2 * three + 4 * four) / 7, abs=EXACT)
        level = 4 if four > 0.5 else 3 if three > 0.5 else 2 if two > 0.5 else 1
        assert row["level"] == level
        likely = {1: 1 - two, 2: two - three, 3: three - four, 4: four}
        assert row["certainty"] == pytest.approx(likely[level], abs=EXACT)
        assert -EXACT <= row["certainty"] <= 1 + EXACT


def test_reasons_are_the_strongest_of_the_judgements_that_moved_a_pair(
    judged: Ranking, judgements: pl.DataFrame
) -> None:
    """Of others than the pair's own; the strongest first, ties by place; the rest is in `other_parts`."""
    levels = {(demand, achievement): level for demand, achievement, level in judgements.iter_rows()}
    scored = judged.scored
    ids = [
        (judged.vectors.demand_ids[row], judged.vectors.achievement_ids[column])
        for row, column in zip(scored.pairs.demands, scored.pairs.achievements, strict=True)
    ]
    place_of = {pair: place for place, pair in enumerate(ids)}
    moved, more = 0, 0
    for row in judged.candidates.iter_rows(named=True):
        pair = (row["demand_id"], row["achievement_id"])
        amounts = scored.learned.amounts[[place_of[pair]]].tocoo()
        every = {ids[judgement]: amount for judgement, amount in zip(amounts.col, amounts.data, strict=True)}
        assert pair not in every
        assert set(every) <= set(levels)
        told = {(each["demand_id"], each["achievement_id"]): each["part"] for each in row["learned"]}
        assert len(told) == len(row["learned"]) == min(len(every), judged.weights.reasons)
        assert told == {each: every[each] for each in told}
        assert all(each["level"] == levels[each["demand_id"], each["achievement_id"]] for each in row["learned"])
        strengths = [abs(amount) for amount in told.values()]
        assert strengths == sorted(strengths, reverse=True)
        assert all(abs(amount) <= strengths[-1] for each, amount in every.items() if each not in told)
        moved += bool(told)
        more += len(every) > len(told)
    assert moved > 500
    assert more > 100


def test_the_levels_of_judged_pairs_are_known(judged: Ranking, judgements: pl.DataFrame) -> None:
    found = {
        (judged.vectors.demand_ids[row], judged.vectors.achievement_ids[column]): level
        for row, column, level in zip(
            judged.scored.pairs.demands, judged.scored.pairs.achievements, judged.scored.judged, strict=True
        )
    }
    expected = {(demand, achievement): level for demand, achievement, level in judgements.iter_rows()}
    assert {pair: level for pair, level in found.items() if level} == expected


def test_covariances_are_those_of_the_demand_s_candidates(either: Ranking) -> None:
    """A square for each demand, the same both ways, with no variance below nought; none for what is judged."""
    of_place = dict(
        zip(
            zip(either.scored.pairs.demands, either.scored.pairs.achievements, strict=True),
            either.scored.judged,
            strict=True,
        )
    )
    demand_row = {each: row for row, each in enumerate(either.vectors.demand_ids)}
    column = {each: place for place, each in enumerate(either.vectors.achievement_ids)}
    for [demand], group in either.candidates.group_by("demand_id", maintain_order=True):
        square = np.array(group["covariances"].to_list())
        assert square.shape == (group.height, group.height)
        np.testing.assert_allclose(square, square.T, rtol=0, atol=EXACT)
        assert np.linalg.eigvalsh(square).min() > -1e-9
        known = [bool(of_place[demand_row[str(demand)], column[each]]) for each in group["achievement_id"]]
        assert (np.diag(square) == 0).tolist() == known
        assert not square[known].any()


def test_terms_sum_to_the_parts_of_the_text(rows: pl.DataFrame) -> None:
    shown = rows["shared_terms"].list.eval(pl.element().struct.field("contribution")).list.sum()
    text = rows.select(pl.sum_horizontal(TEXT_PARTS)).to_series()
    np.testing.assert_allclose(shown + rows["other_terms"], text, rtol=0, atol=EXACT)


def test_scores_of_text_and_field_carry_their_shares(rows: pl.DataFrame) -> None:
    weights = load_weights()
    text = rows.select(pl.sum_horizontal(TEXT_PARTS)).to_series()
    np.testing.assert_allclose(rows["text_score"] * weights.text, text, rtol=0, atol=EXACT)
    np.testing.assert_allclose(rows["field_score"] * weights.field, rows["field_part"], rtol=0, atol=EXACT)


@pytest.mark.parametrize(
    "column",
    [
        name
        for name in CANDIDATES
        if name.endswith(("score", "_part", "other_terms", "similarity", "certainty", "base")) or "reach_" in name
    ],
)
def test_amounts_lie_between_0_and_1(rows: pl.DataFrame, column: str) -> None:
    assert rows[column].min() >= 0
    assert rows[column].max() <= 1 + ROUNDED


def test_ranks_count_from_1_and_demands_come_by_id(rows: pl.DataFrame, samples: Ranking) -> None:
    assert rows["demand_id"].unique(maintain_order=True).to_list() == list(samples.vectors.demand_ids)
    for [_], group in rows.group_by("demand_id", maintain_order=True):
        assert group["rank"].to_list() == list(range(1, group.height + 1))
        assert group["score"].is_sorted(descending=True)
        assert group["achievement_id"].is_unique().all()


def products_of(ranking: Ranking) -> np.ndarray:
    """Of every demand with every achievement, in float64."""
    sides = (ranking.vectors.demands, ranking.vectors.achievements)
    demands, achievements = (side.toarray().astype(np.float64) for side in sides)
    return demands @ achievements.T


def test_similarity_is_the_product_of_rows(either: Ranking) -> None:
    products = products_of(either)
    row_of = {each: row for row, each in enumerate(either.vectors.demand_ids)}
    column_of = {each: column for column, each in enumerate(either.vectors.achievement_ids)}
    pairs = either.candidates.select("demand_id", "achievement_id").iter_rows()
    expected = [products[row_of[demand], column_of[achievement]] for demand, achievement in pairs]
    np.testing.assert_allclose(either.candidates["similarity"], expected, rtol=0, atol=EXACT)


def test_the_nearest_are_considered(samples: Ranking) -> None:
    """Without judgements exactly the 50 nearest of each demand are scored, by demand and achievement."""
    products = products_of(samples)
    pairs = samples.scored.pairs
    assert load_weights().retrieved == 50
    for row, near in enumerate(products):
        found = pairs.achievements[pairs.demands == row]
        assert found.tolist() == sorted(found.tolist())
        np.testing.assert_allclose(np.sort(near[found]), np.sort(near)[-50:], rtol=0, atol=EXACT)
    assert len(pairs) == 60 * 50


def test_judged_pairs_are_considered_too(samples: Ranking, judged: Ranking, judgements: pl.DataFrame) -> None:
    def considered(ranking: Ranking) -> set[tuple[str, str]]:
        pairs = ranking.scored.pairs
        ids = ranking.vectors.demand_ids, ranking.vectors.achievement_ids
        return {(ids[0][row], ids[1][column]) for row, column in zip(pairs.demands, pairs.achievements, strict=True)}

    assert considered(judged) == considered(samples) | set(judgements.drop("level").iter_rows())


def test_the_best_are_kept(either: Ranking, samples: Ranking) -> None:
    """No achievement that is retrieved and left out scores more than the last one kept."""
    row_of = {each: row for row, each in enumerate(either.vectors.demand_ids)}
    for [demand], kept in either.candidates.group_by("demand_id", maintain_order=True):
        # What is judged and not retrieved is scored, but takes no place.
        retrieved = samples.scored.pairs.achievements[samples.scored.pairs.demands == row_of[str(demand)]]
        of_demand = either.scored.pairs.demands == row_of[str(demand)]
        listed_pairs = of_demand & np.isin(either.scored.pairs.achievements, retrieved)
        scores, places = either.scored.score[listed_pairs], either.scored.pairs.achievements[listed_pairs]
        best = sorted(
            (-score, either.vectors.achievement_ids[place]) for score, place in zip(scores, places, strict=True)
        )
        assert len(best) == 50
        assert kept.select(-pl.col("score"), "achievement_id").rows() == best[:10]


def test_the_level_model_puts_what_is_retrieved_in_order(rows: pl.DataFrame) -> None:
    by_similarity = rows.sort("demand_id", pl.col("similarity").neg(), "achievement_id")
    assert by_similarity["achievement_id"].to_list() != rows["achievement_id"].to_list()
    assert rows["level"].n_unique() == 4


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
    assert (few["score"], few["similarity"]) == (many["score"], many["similarity"])
    rest = sum(each["contribution"] for each in many["shared_terms"][2:])
    assert few["other_terms"] == pytest.approx(rest, abs=EXACT)


def plainly(
    demands: pl.DataFrame, achievements: pl.DataFrame, top: int = 10, model: LevelModel | None = None
) -> pl.DataFrame:
    """Candidates of records of whose fields nothing is known, but for D2."""
    known = fields(("D2", "contract_fields:05", 1.0))
    return rank(demands, achievements, top, demand_fields=known, achievement_fields=fields(), model=model).candidates


def shown(demand: str, achievement: str) -> tuple[dict[str, float], dict[str, float]]:
    """Terms of a pair of titles with their contributions, and the parts of its similarity."""
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
    assert terms == pytest.approx(expected, abs=ROUNDED)
    assert row["other_terms"] == 0


@pytest.mark.usefixtures("small_lexicon")
def test_what_is_part_of_a_shared_pair_is_counted_with_it() -> None:
    """镍钴 is no word; where the pair is not shared its characters stand alone."""
    terms, row = shown("镍钴", "镍钴")
    assert terms == pytest.approx({"镍钴": row["similarity"]}, abs=EXACT)
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
        row["concept_part"]
        == row["similarity"]
        == pytest.approx(load_weights().text * load_weights().concepts, abs=ROUNDED)
    )
    assert next(iter(terms)) == "石墨烯"
    assert sum(terms.values()) == pytest.approx(row["similarity"], abs=EXACT)


def test_a_concept_that_both_write_in_chinese_is_counted_with_its_characters() -> None:
    """石 墨 烯 石墨 墨烯 are counted with 石墨烯, of which there is one reason, not two."""
    terms, row = shown("石墨烯", "石墨烯")
    assert not set(characters("石墨烯")) & set(terms)
    above = sum(amount for term, amount in terms.items() if term != "石墨烯")
    assert 0 < above < row["concept_part"]
    assert terms["石墨烯"] == pytest.approx(row["similarity"] - above, abs=EXACT)


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
    assert found["concept_part"].to_list() == found["similarity"].to_list()
    assert found["similarity"].is_sorted(descending=True)
    assert found["similarity"].n_unique() == 2


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
    assert found["score"].n_unique() == found["similarity"].n_unique() == 1
    assert found.select("level", "certainty", "base", "feature_parts", "other_parts").unique().height == 1
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
    demands = records("demands", {"title": text}, ANCHOR)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("matching.ranking.vectors.load_lexicon", lambda: LEXICON)
        found = plainly(demands, achievements, model=PLAIN_MODEL).filter(demand_id="D1")
    assert found["achievement_id"][0] in {f"A{len(others) + 2}", "A1" if text == ANCHOR["title"] else ""}
    assert found["score"][0] == found["score"].max()
    assert found["similarity"][0] == pytest.approx(found["similarity"].max(), abs=EXACT)


def test_the_same_text_and_fields_have_similarity_1() -> None:
    demands = records("demands", {"title": "水稻插秧机", "field": "新材料"}, ANCHOR)
    achievements = records("achievements", {"title": "水稻插秧机", "field": "新材料"}, {"title": "水稻插秧机"})
    found = listed(demands, achievements).filter(demand_id="D1")
    assert found["achievement_id"].to_list() == ["A1", "A2"]
    assert found.select("similarity", "text_score", "field_score").row(0) == pytest.approx((1, 1, 1), abs=ROUNDED)
    assert found["text_score"][1] == pytest.approx(1, abs=ROUNDED)
    assert found["similarity"][1] < 1
    assert found["score"][1] < found["score"][0] < 1


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
    sample_demands: Reading,
    sample_achievements: Reading,
    known: tuple[pl.DataFrame, pl.DataFrame],
    rows: pl.DataFrame,
    top: int,
) -> None:
    """Up to what is retrieved, the lists are beginnings of one list, and so are the covariances."""
    demands, achievements = sample_demands.frame, sample_achievements.frame
    found = rank(demands, achievements, top, demand_fields=known[0], achievement_fields=known[1]).candidates
    assert set(found.group_by("demand_id").len()["len"]) == {top}
    kept = min(top, 10)
    left, right = (each.filter(pl.col("rank") <= kept) for each in (found, rows))
    assert set(found["covariances"].list.len()) == {top}
    for one, other in zip(left["covariances"].to_list(), right["covariances"].to_list(), strict=True):
        assert one[:kept] == pytest.approx(other[:kept], abs=EXACT)
    # Parts are matrix products, which may differ in the last bit with the number of rows.
    rounded = ["covariances", "feature_parts", "other_parts"]
    assert left.drop(rounded).equals(right.drop(rounded))
    one, other = (
        each.select(pl.col("feature_parts").list.eval(pl.element().struct.field("part"))).explode("feature_parts")
        for each in (left, right)
    )
    np.testing.assert_allclose(one.to_series(), other.to_series(), rtol=0, atol=EXACT)
    np.testing.assert_allclose(left["other_parts"], right["other_parts"], rtol=0, atol=EXACT)


@pytest.mark.parametrize("size", [1, 7, 59])
def test_the_size_of_blocks_does_not_matter(
    size: int,
    sample_demands: Reading,
    sample_achievements: Reading,
    known: tuple[pl.DataFrame, pl.DataFrame],
    judgements: pl.DataFrame,
    judged: Ranking,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not in the last bit, and neither does whether the achievements are placed in the latent space once for all."""
    monkeypatch.setattr("matching.ranking.engines.engine.MOST", size)
    monkeypatch.setattr("matching.ranking.candidates._LATENT_ROWS", 10_000 if size == 7 else 0)
    found = rank(
        sample_demands.frame,
        sample_achievements.frame,
        demand_fields=known[0],
        achievement_fields=known[1],
        judgements=judgements,
    )
    assert_frame_equal(found.candidates, judged.candidates, check_exact=True)
    assert found.fingerprint == judged.fingerprint


@pytest.mark.parametrize("wanted", [[3], [58, 4, 17], list(range(20, 40))])
def test_some_demands_have_the_candidates_that_they_have_among_all(wanted: list[int], either: Ranking) -> None:
    """Also in another process, which is given the values that all share."""
    shared = pickle.loads(pickle.dumps(either.ranked.shared))  # noqa: S301
    rows = np.array(wanted)
    lists = either.ranked.lists
    found = block_candidates(shared, rows, lists.of(np.isin(lists.demands, rows)))
    ids = [either.vectors.demand_ids[row] for row in wanted]
    expected = either.candidates.filter(pl.col("demand_id").is_in(ids))
    assert_frame_equal(found, expected.select(found.columns), check_exact=True)
    assert set(expected.columns) - set(found.columns) == {
        "enterprise",
        "institute",
        "demand_title",
        "achievement_title",
    }


def test_pairs_scored_once_more_are_those_that_were_scored() -> None:
    """Of one demand as among all: what is judged of a twin moves them too, and has no score here."""
    demands = records("demands", {"title": "沼气脱硫"}, {"title": "沼气脱硫塔"}, ANCHOR)
    achievements = records("achievements", *({"title": f"沼气脱硫{each}"} for each in "塔罐泵阀管井"), ANCHOR)
    said = pl.DataFrame([("D1", "A1", 4), ("D1", "A3", 1), ("D3", "A7", 3)], schema=JUDGEMENTS, orient="row")
    none = fields()
    ranking = rank(demands, achievements, demand_fields=none, achievement_fields=none, judgements=said)
    whole, others = ranking.scored, {0: [], 1: [0, 0], 2: []}
    for row, demands_of_others in others.items():
        here = whole.pairs.demands == row
        one = ranking.ranked.scored_of(np.array([row]))
        assert one.pairs.achievements.tolist() == whole.pairs.achievements[here].tolist()
        for name in ("unlimited", "reached", "score", "level"):
            assert np.array_equal(getattr(one, name), getattr(whole, name)[here]), name
        assert np.array_equal(one.features.values, whole.features.values[here])
        assert one.alike.pairs.demands[len(one.pairs) :].tolist() == demands_of_others
        assert one.judged[len(one.pairs) :].tolist() == ([4, 1] if demands_of_others else [])
        assert one.learned.amounts.shape == (len(one.pairs), len(one.alike.pairs))
    reasons = ranking.candidates.filter(demand_id="D2")["learned"].to_list()
    assert {(each["demand_id"], each["achievement_id"]) for told in reasons for each in told} == {
        ("D1", "A1"),
        ("D1", "A3"),
    }


def slowly_merged(names: np.ndarray, amounts: np.ndarray, first_word: int) -> tuple[list[str], np.ndarray]:
    """Terms with their contributions, what is part of a shared word or pair counted with it, by sets of texts."""
    owner: dict[str, str] = {}
    words = sorted(map(str, names[first_word:]), key=lambda word: (-len(word), word))
    pairs = sorted(name for name in map(str, names[:first_word]) if len(name) > 1)
    shared = set(map(str, names))
    for term in (*words, *pairs):
        whole = owner.setdefault(term, term)
        parts = characters(term)
        if shared.issuperset(parts):
            owner |= {part: whole for part in parts if part not in owner}
    owned = np.array([owner.get(str(name), str(name)) for name in names], dtype=object)
    distinct, place = np.unique(owned.astype(str), return_inverse=True)
    summed = np.bincount(place, weights=amounts, minlength=len(distinct))
    order = np.lexsort((distinct, -summed))
    return [str(name) for name in distinct[order]], summed[order]


def test_terms_are_merged_as_by_sets_of_texts(rows: pl.DataFrame, samples: Ranking) -> None:
    vectors, most = samples.vectors, samples.weights.terms
    row_of = {each: row for row, each in enumerate(vectors.demand_ids)}
    column_of = {each: column for column, each in enumerate(vectors.achievement_ids)}
    more = 0
    for row in rows.iter_rows(named=True):
        demand = vectors.demands[[row_of[row["demand_id"]]]].astype(np.float64)
        both = demand.multiply(vectors.achievements[[column_of[row["achievement_id"]]]].astype(np.float64)).tocsr()
        both.sort_indices()
        kept = both.indices < vectors.starts[3]
        places, parts = both.indices[kept], both.data[kept]
        first_word = int(np.searchsorted(places, vectors.starts[1]))
        names, amounts = slowly_merged(vectors.names[places], parts, first_word)
        assert [each["term"] for each in row["shared_terms"]] == names[:most]
        shown = [each["contribution"] for each in row["shared_terms"]]
        np.testing.assert_allclose(shown, amounts[:most], rtol=0, atol=EXACT)
        assert row["other_terms"] == pytest.approx(amounts[most:].sum(), abs=EXACT)
        more += len(names) > most
    assert more > 50


def test_at_least_as_many_are_retrieved_as_are_listed() -> None:
    """Of six near achievements two are retrieved, where no more than one is listed, and three where three are."""
    demands = records("demands", {"title": "沼气脱硫"}, ANCHOR)
    achievements = records("achievements", *({"title": f"沼气脱硫{each}"} for each in "塔罐泵阀管井"), ANCHOR)
    weights = replace(load_weights(), retrieved=2)
    for top, considered in ((1, 2), (2, 2), (3, 3)):
        found = rank(
            demands,
            achievements,
            top,
            demand_fields=fields(),
            achievement_fields=fields(),
            weights=weights,
            model=PLAIN_MODEL,
        )
        assert np.count_nonzero(found.scored.pairs.demands == 0) == considered
        assert found.candidates.filter(demand_id="D1").height == top


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
    found = rank(
        records("demands", ANCHOR),
        records("achievements", ANCHOR),
        demand_fields=fields(("D1", "contract_fields:05", 1.0)),
        achievement_fields=fields(("A1", "contract_fields:05", 1.0)),
        weights=weights,
    )
    row = found.candidates.row(0, named=True)
    text = sum(row[part] for part in TEXT_PARTS)
    assert (row["similarity"], text, row["field_part"]) == pytest.approx((1, weights.text, weights.field), abs=ROUNDED)
    for part, share in zip(TEXT_PARTS, (weights.characters, weights.words, weights.concepts), strict=True):
        assert row[part] == pytest.approx(weights.text * share, abs=ROUNDED)
    assert row["text_score"] == pytest.approx(1 if weights.text else 0, abs=ROUNDED)
    assert row["field_score"] == pytest.approx(1 if weights.field else 0, abs=ROUNDED)
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


def said(*rows: tuple[str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=JUDGEMENTS, orient="row")


LIKE: Final = ("沼气脱硫塔", "沼气脱硫罐", "生物质锅炉脱硝", "沼渣堆肥")


def scores_with(*judged_pairs: tuple[str, str, int], top: int = 10, retrieved: int = 50) -> dict[str, float]:
    """Score of each candidate of D1, with judgements."""
    demands = records("demands", {"title": "沼气脱硫，沼渣堆肥，锅炉"}, ANCHOR)
    achievements = records("achievements", *({"title": title} for title in LIKE), ANCHOR)
    weights = replace(load_weights(), retrieved=retrieved)
    found = rank(
        demands,
        achievements,
        top,
        demand_fields=fields(),
        achievement_fields=fields(),
        judgements=said(*judged_pairs),
        weights=weights,
        model=PLAIN_MODEL,
    )
    rows = found.candidates.filter(demand_id="D1")
    return dict(rows.select("achievement_id", "score").iter_rows())


@pytest.mark.usefixtures("small_lexicon")
def test_a_judgement_moves_the_other_pairs_of_its_demand_and_not_its_own() -> None:
    before, praised, refused = scores_with(), scores_with(("D1", "A1", 4)), scores_with(("D1", "A1", 1))
    assert set(before) == {"A1", "A2", "A3", "A4"}
    assert before["A1"] == praised["A1"] == refused["A1"]
    for each in ("A2", "A3", "A4"):
        assert refused[each] < before[each] < praised[each]
    # What is alike is moved more.
    assert praised["A2"] - before["A2"] > praised["A4"] - before["A4"]


@pytest.mark.usefixtures("small_lexicon")
def test_judgements_of_what_is_not_ranked_say_nothing() -> None:
    assert scores_with(("D7", "A1", 4), ("D1", "A7", 1)) == scores_with()


@pytest.mark.usefixtures("small_lexicon")
def test_of_two_judgements_of_a_pair_the_later_counts() -> None:
    assert scores_with(("D1", "A1", 4), ("D1", "A1", 1)) == scores_with(("D1", "A1", 1))


@pytest.mark.usefixtures("small_lexicon")
def test_a_judged_pair_that_is_not_retrieved_is_no_candidate() -> None:
    before = scores_with(top=2, retrieved=2)
    [away, *_] = sorted({"A1", "A2", "A3", "A4"} - set(before))
    after = scores_with(("D1", away, 4), top=2, retrieved=2)
    assert set(after) == set(before)
    assert all(after[each] > before[each] for each in before)


BASE_DEMANDS: Final = records("demands", {"title": "沼气脱硫", "problem": "气味重"}, ANCHOR)
BASE_ACHIEVEMENTS: Final = records("achievements", {"title": "沼气脱硫塔", "summary": "干法"}, ANCHOR)


def changed(frame: pl.DataFrame, column: str, value: object) -> pl.DataFrame:
    """The first record says something else in one column."""
    first = pl.int_range(pl.len()) == 0
    return frame.with_columns(pl.when(first).then(pl.lit(value)).otherwise(pl.col(column)).alias(column))


def fingerprint(demands: pl.DataFrame, achievements: pl.DataFrame, **options: object) -> str:
    """Of records whose fields are given, so that they need not be assigned each time."""
    given_fields = {
        "demand_fields": fields(("D1", "contract_fields:07", 1.0), ("D2", "contract_fields:05", 1.0)),
        "achievement_fields": fields(("A1", "contract_fields:07", 1.0), ("A2", "contract_fields:05", 1.0)),
    }
    found = rank(demands, achievements, **{**given_fields, **options}).fingerprint  # type: ignore[arg-type]
    assert len(found) == 64
    return found


@pytest.mark.usefixtures("small_lexicon")
@pytest.mark.parametrize("column", ["demand_id", "title", "enterprise", "problem", "targets", "tried", "status"])
def test_the_fingerprint_changes_with_a_demand(column: str) -> None:
    before = fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS)
    assert fingerprint(changed(BASE_DEMANDS, column, "沼液"), BASE_ACHIEVEMENTS) != before


@pytest.mark.usefixtures("small_lexicon")
@pytest.mark.parametrize("column", ["achievement_id", "title", "institute", "summary", "figures", "maturity"])
def test_the_fingerprint_changes_with_an_achievement(column: str) -> None:
    before = fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS)
    assert fingerprint(BASE_DEMANDS, changed(BASE_ACHIEVEMENTS, column, "沼液")) != before


@pytest.mark.usefixtures("small_lexicon")
def test_the_fingerprint_changes_with_a_keyword_and_a_record() -> None:
    before = fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS)
    keyword = records("demands", {"title": "沼气脱硫", "problem": "气味重", "keywords": ["沼液"]}, ANCHOR)
    assert fingerprint(keyword, BASE_ACHIEVEMENTS) != before
    assert fingerprint(BASE_DEMANDS[:1], BASE_ACHIEVEMENTS) != before
    assert fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS[1:]) != before


@pytest.mark.usefixtures("small_lexicon")
@pytest.mark.parametrize(
    "changes",
    [
        {"characters": 0.8},
        {"words": 0.2},
        {"concepts": 0.2},
        {"taxonomies": {}},
        {"text": 0.9},
        {"field": 0.1},
        {"retrieved": 49},
        {"strength": 0.1},
        {"likeness": replace(load_weights().likeness, near=0.6)},
        {"likeness": replace(load_weights().likeness, noise=0.5)},
        {"terms": 23},
        {"reasons": 4},
        {"parts": {**load_weights().parts, "demands": {**load_weights().parts["demands"], "title": 3}}},
        {"parts": {**load_weights().parts, "achievements": {"title": 4}}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_the_fingerprint_changes_with_a_weight(changes: dict[str, object]) -> None:
    weights = replace(load_weights(), **changes)  # type: ignore[arg-type]
    before = fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS)
    assert fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS, weights=weights) != before


@pytest.mark.usefixtures("small_lexicon")
def test_the_fingerprint_changes_with_the_length_of_the_lists() -> None:
    assert fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS, top=9) != fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS, top=10)


@pytest.mark.usefixtures("small_lexicon")
def test_the_fingerprint_changes_with_a_judgement() -> None:
    none = fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS)
    assert fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS, judgements=said()) == none
    both = [said(("D1", "A1", level), ("D2", "A1", 1)) for level in (1, 4)]
    found = {fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS, judgements=each) for each in both}
    assert len({none, *found}) == 3
    assert fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS, judgements=both[0][::-1]) in found


@pytest.mark.usefixtures("small_lexicon")
def test_equal_fingerprints_mean_equal_lists_whatever_is_judged_twice() -> None:
    """Of two judgements of a pair the later counts, so that their order matters."""
    twice = said(("D1", "A1", 4), ("D1", "A1", 1))
    demands = records("demands", {"title": "沼气脱硫，沼渣堆肥"}, ANCHOR)
    achievements = records("achievements", {"title": "沼气脱硫塔"}, {"title": "沼渣堆肥"}, ANCHOR)
    one, other = (rank(demands, achievements, judgements=each) for each in (twice, twice[::-1]))
    assert one.candidates["score"].to_list() != other.candidates["score"].to_list()
    assert one.fingerprint != other.fingerprint


@pytest.mark.usefixtures("small_lexicon")
@pytest.mark.parametrize("name", ["source", "mean", "scale", "coefficients", "intercepts"])
def test_the_fingerprint_changes_with_the_level_model(name: str) -> None:
    values = {
        "source": "elsewhere",
        "mean": (0.4,),
        "scale": (0.3,),
        "coefficients": ((1.0,), (1.5,), (2.1,)),
        "intercepts": (0.5, -0.5, -1.4),
    }
    before, after, shipped = (
        fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS, model=model)
        for model in (PLAIN_MODEL, replace(PLAIN_MODEL, **{name: values[name]}), load_model())  # type: ignore[arg-type]
    )
    assert len({before, after, shipped}) == 3
    assert shipped == fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS)


@pytest.mark.usefixtures("small_lexicon")
def test_the_fingerprint_does_not_change_with_where_a_record_came_from() -> None:
    """The same records from another row of another file give the same list."""
    moved = BASE_DEMANDS.with_columns(pl.col("source_row") + 7)
    assert fingerprint(moved, BASE_ACHIEVEMENTS) == fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS)


@pytest.mark.usefixtures("small_lexicon")
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


@pytest.mark.usefixtures("small_lexicon")
def test_the_fingerprint_changes_with_the_confidence_of_a_field() -> None:
    known = fields(("A1", "contract_fields:05", 1.0))
    options = {"achievement_fields": known}
    one = fields(("D1", "contract_fields:05", 1.0), ("D1", "contract_fields:01", 0.5))
    other = fields(("D1", "contract_fields:05", 1.0), ("D1", "contract_fields:01", 0.4))
    found = {fingerprint(BASE_DEMANDS, BASE_ACHIEVEMENTS, demand_fields=each, **options) for each in (one, other)}
    assert len(found) == 2
