"""A similarity and a score taken apart, and where the terms stand in a text."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from math import exp
from typing import Final

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import SAMPLES
from records import records

from matching.fields.lexicon import Group, Lexicon, concepts_in, load_lexicon
from matching.fields.terms import normalised, normalised_texts
from matching.intake.judgements import read_judgements
from matching.intake.reading import Reading
from matching.pipeline import Ranking, explain, rank
from matching.ranking.analysis import VIEWS, WeightedParts, characters, weighted_terms
from matching.ranking.explanation import Explanation
from matching.ranking.levels import LevelModel
from matching.ranking.told import GROUPS, spans
from matching.ranking.vectors import weighted_parts
from matching.ranking.weights import load_weights
from matching.schema import FIELDS, JUDGEMENTS
from matching.settings import Settings

EXACT: Final = 1e-12
# Rows are kept in 24 bits, so that what they add up to is off by so much from what it would be.
ROUNDED: Final = 1e-6
TERMS: Final = {"view": pl.String(), "term": pl.String(), "contribution": pl.Float64()}
FIELD_PARTS: Final = {"taxonomy": pl.String(), "code": pl.String(), "contribution": pl.Float64()}
FEATURES: Final = {"feature": pl.String(), "value": pl.Float64(), "part": pl.Float64()}
LEARNED: Final = {
    "demand_id": pl.String(),
    "achievement_id": pl.String(),
    "level": pl.Int64(),
    "part": pl.Float64(),
}

# Another record on both sides keeps every block of the space filled.
ANCHOR: Final = {"title": "锂电池", "field": "新材料"}


@pytest.fixture(scope="module")
def samples(sample_demands: Reading, sample_achievements: Reading) -> Ranking:
    return rank(sample_demands.frame, sample_achievements.frame, top=10)


@pytest.fixture(scope="module")
def judged(sample_demands: Reading, sample_achievements: Reading) -> Ranking:
    judgements = read_judgements(SAMPLES / "judgements.csv", Settings())
    return rank(sample_demands.frame, sample_achievements.frame, top=10, judgements=judgements)


Explained = list[tuple[dict[str, object], Explanation]]


def with_explanations(ranking: Ranking) -> Explained:
    rows = ranking.candidates.iter_rows(named=True)
    return [(row, explain(ranking, row["demand_id"], row["achievement_id"])) for row in rows]


@pytest.fixture(scope="module")
def explained(samples: Ranking) -> Explained:
    """Every candidate of the samples with its explanation."""
    return with_explanations(samples)


@pytest.fixture(scope="module")
def explained_judged(judged: Ranking) -> Explained:
    """The same, where the judgements of the samples are known."""
    return with_explanations(judged)


@pytest.fixture(scope="module", params=["without judgements", "with judgements"])
def either(request: pytest.FixtureRequest, explained: Explained, explained_judged: Explained) -> Explained:
    return explained_judged if request.param == "with judgements" else explained


def test_every_candidate_of_the_samples_sums_up(either: Explained) -> None:
    assert len(either) == 600
    for _, why in either:
        assert why.terms["contribution"].sum() == pytest.approx(why.text_part, abs=EXACT)
        assert why.fields["contribution"].sum() == pytest.approx(why.field_part, abs=EXACT)
        assert why.text_part + why.field_part == pytest.approx(why.similarity, abs=EXACT)
        parts = why.base + why.features["part"].sum() + why.learned["part"].sum() + why.limited
        assert parts == pytest.approx(why.score, abs=EXACT)


def test_every_candidate_of_the_samples_equals_its_row(either: Explained) -> None:
    for row, why in either:
        assert (why.demand_id, why.achievement_id) == (row["demand_id"], row["achievement_id"])
        by_view = dict(why.terms.group_by("view").agg(pl.col("contribution").sum()).iter_rows())
        assert by_view.get("characters", 0.0) == pytest.approx(row["character_part"], abs=EXACT)
        assert by_view.get("words", 0.0) == pytest.approx(row["word_part"], abs=EXACT)
        assert by_view.get("concepts", 0.0) == pytest.approx(row["concept_part"], abs=EXACT)
        for name in ("similarity", "text_score", "field_score", "field_part"):
            assert getattr(why, name) == pytest.approx(row[name], abs=EXACT), name
        for name in ("score", "level", "certainty", "base"):
            assert getattr(why, name) == row[name], name


def test_the_parts_of_features_of_the_row_are_sums_of_these(samples: Ranking, explained: Explained) -> None:
    for row, why in explained:
        assert sorted(why.features["feature"]) == sorted(samples.model.names)
        group = pl.col("feature").str.split("_").list.first().replace_strict(GROUPS)
        sums = dict(why.features.group_by(group).agg(pl.col("part").sum()).iter_rows())
        shown = {each["feature"]: each["part"] for each in row["feature_parts"]}  # type: ignore[attr-defined]
        assert shown == pytest.approx(sums, abs=EXACT)


def test_values_of_features_are_those_of_the_pair(samples: Ranking, explained: Explained) -> None:
    scored, vectors = samples.scored, samples.vectors
    pairs = zip(scored.pairs.demands, scored.pairs.achievements, strict=True)
    place_of = {
        (vectors.demand_ids[row], vectors.achievement_ids[column]): place for place, (row, column) in enumerate(pairs)
    }
    for row, why in explained:
        values = scored.features.values[place_of[why.demand_id, why.achievement_id]]
        expected = dict(zip(scored.features.names, values, strict=True))
        assert dict(why.features.select("feature", "value").iter_rows()) == expected
        # What the features say of the blocks is what the parts of the similarity say.
        weights = samples.weights
        for name, part, share in (
            ("characters", "character_part", weights.text * weights.characters),
            ("words", "word_part", weights.text * weights.words),
            ("concepts", "concept_part", weights.text * weights.concepts),
            ("fields", "field_part", weights.field),
        ):
            assert expected[name] * share == pytest.approx(row[part], abs=EXACT)


def test_without_judgements_nothing_is_learned(samples: Ranking, explained: Explained) -> None:
    """What is limited then is what makes a level no likelier to be reached than the one below it."""
    limited = 0
    model = samples.model
    for row, why in explained:
        assert why.learned.height == 0
        value_of = dict(why.features.select("feature", "value").iter_rows())
        values = (np.array([value_of[name] for name in model.names]) - model.mean) / model.scale
        chances = 1 / (1 + np.exp(-(np.array(model.coefficients) @ values + model.intercepts)))
        taken_off = (np.minimum.accumulate(chances) - chances) @ np.array([1, 2, 4]) / 7
        assert why.limited == pytest.approx(taken_off, abs=EXACT)
        assert row["other_parts"] == pytest.approx(why.limited, abs=EXACT)
        limited += taken_off < 0
    assert limited > 0


def test_the_judgements_of_the_row_are_the_strongest_of_these(judged: Ranking, explained_judged: Explained) -> None:
    """What is told in the row of judgements is its strongest; the weaker ones and what is limited are in the rest."""
    more = 0
    for row, why in explained_judged:
        assert (why.demand_id, why.achievement_id) not in why.learned.select("demand_id", "achievement_id").rows()
        assert (why.learned["part"] != 0).all()
        told = row["learned"]
        shown = why.learned.rows(named=True)
        amounts = [abs(each["part"]) for each in shown]
        assert [abs(each["part"]) for each in told] == amounts[: judged.weights.reasons]  # type: ignore[attr-defined]
        assert all(each in shown for each in told)  # type: ignore[attr-defined]
        rest = why.learned["part"].sum() - sum(each["part"] for each in told)  # type: ignore[attr-defined]
        assert row["other_parts"] == pytest.approx(rest + why.limited, abs=EXACT)
        more += why.learned.height > judged.weights.reasons
    assert more > 100


def test_the_terms_of_the_row_are_made_of_these(explained: Explained) -> None:
    """A term of the row holds at least what it adds itself; all together come to the same sum."""
    for row, why in explained:
        own = dict(why.terms.group_by("term").agg(pl.col("contribution").sum()).iter_rows())
        shown = {each["term"]: each["contribution"] for each in row["shared_terms"]}  # type: ignore[attr-defined]
        assert all(amount >= own[term] - EXACT for term, amount in shown.items())
        assert sum(shown.values()) + row["other_terms"] == pytest.approx(why.text_part, abs=EXACT)


def test_the_fields_of_the_row_are_these(explained: Explained) -> None:
    for row, why in explained:
        assert sorted(row["shared_fields"]) == sorted(f"{name}:{code}" for name, code, _ in why.fields.iter_rows())


def test_frames_have_their_columns_and_fall_by_contribution(either: Explained) -> None:
    for _, why in either:
        assert dict(why.features.schema) == FEATURES
        assert dict(why.learned.schema) == LEARNED
        assert why.features["part"].abs().is_sorted(descending=True)
        assert why.learned["part"].abs().is_sorted(descending=True)
        assert dict(why.terms.schema) == TERMS
        assert dict(why.fields.schema) == FIELD_PARTS
        assert why.terms["contribution"].is_sorted(descending=True)
        assert why.fields["contribution"].is_sorted(descending=True)
        assert (why.terms["contribution"] > 0).all()


def test_terms_are_exactly_those_that_both_records_have(
    samples: Ranking, sample_demands: Reading, sample_achievements: Reading
) -> None:
    parts = load_weights().parts
    demands = weighted_parts(sample_demands.frame, parts["demands"])
    achievements = weighted_parts(sample_achievements.frame, parts["achievements"])
    for demand, achievement in [(0, 0), (0, 44), (59, 199)]:
        why = explain(
            samples,
            sample_demands.frame["demand_id"][demand],
            sample_achievements.frame["achievement_id"][achievement],
        )
        expected = {
            (view, term)
            for view in VIEWS
            for term in {*weighted_terms(demands[demand], view)} & {*weighted_terms(achievements[achievement], view)}
        }
        shared = concepts_of(demands[demand]) & concepts_of(achievements[achievement])
        expected |= {("concepts", concept) for concept in shared}
        assert set(why.terms.select("view", "term").iter_rows()) == expected


def concepts_of(record: WeightedParts) -> set[str]:
    texts = normalised_texts(pl.Series([text for _, text in record]))
    return set(concepts_in(texts, load_lexicon())["concept"])


def test_equal_contributions_go_by_view_and_term(monkeypatch: pytest.MonkeyPatch) -> None:
    lexicon = Lexicon((Group("沼气", "product", ("沼气", "biogas"), (), "N2", 2),), frozenset(), 0.4)
    monkeypatch.setattr("matching.ranking.vectors.load_lexicon", lambda: lexicon)
    weights = replace(load_weights(), characters=0.84, words=0.06, concepts=0.1)
    ranking = rank(
        records("demands", {"title": "沼气脱硫"}, ANCHOR),
        records("achievements", {"title": "沼气脱硫"}),
        weights=weights,
    )
    why = explain(ranking, "D1", "A1")
    assert why.terms.select("view", "term").rows() == [
        *(("characters", term) for term in sorted(["沼", "气", "脱", "硫", "沼气", "气脱", "脱硫"])),
        ("concepts", "沼气"),
        *(("words", term) for term in ("沼气", "脱硫")),
    ]
    assert why.terms["contribution"][0] == pytest.approx(weights.text * weights.characters / 7, abs=ROUNDED)
    assert why.terms["contribution"][7] == pytest.approx(weights.text * weights.concepts, abs=ROUNDED)
    assert why.terms["contribution"][-1] == pytest.approx(weights.text * weights.words / 2, abs=ROUNDED)


def known(record: str, taxonomy: str, code: str) -> pl.DataFrame:
    return pl.DataFrame([(record, taxonomy, code, 0.7, "text", [])], schema=FIELDS, orient="row")


def test_a_pair_that_shares_nothing_is_explained_by_nothing() -> None:
    ranking = rank(
        records("demands", {"title": "毛衣编织"}, ANCHOR),
        records("achievements", {"title": "沼气脱硫"}, ANCHOR),
        demand_fields=known("D1", "contract_fields", "05"),
        achievement_fields=known("A1", "contract_fields", "07"),
    )
    why = explain(ranking, "D1", "A1")
    assert (why.similarity, why.text_score, why.field_score, why.text_part, why.field_part) == (0, 0, 0, 0, 0)
    assert (dict(why.terms.schema), why.terms.height) == (TERMS, 0)
    assert (dict(why.fields.schema), why.fields.height) == (FIELD_PARTS, 0)
    assert (why.score, why.level, why.certainty, why.limited) == (None, None, None, 0)
    assert (dict(why.features.schema), why.features.height) == (FEATURES, 0)
    assert (dict(why.learned.schema), why.learned.height) == (LEARNED, 0)


def test_a_pair_that_is_not_retrieved_has_a_similarity_and_no_score(
    sample_demands: Reading, sample_achievements: Reading, samples: Ranking
) -> None:
    """The 51st of a demand's achievements; the 50th has a score, though it is no candidate."""
    row = 7
    products = (samples.vectors.demands[row] @ samples.vectors.achievements.T).toarray()[0]
    order = np.argsort(-products, kind="stable")
    demand = samples.vectors.demand_ids[row]
    last, away = (explain(samples, demand, samples.vectors.achievement_ids[order[place]]) for place in (49, 50))
    assert last.similarity >= away.similarity > 0
    assert away.similarity == pytest.approx(products[order[50]], abs=ROUNDED)
    assert away.terms["contribution"].sum() == pytest.approx(away.text_part, abs=EXACT)
    assert (away.score, away.level, away.certainty, away.limited) == (None, None, None, 0)
    assert away.features.height == away.learned.height == 0
    assert away.base == last.base
    assert last.score is not None
    assert last.features.height == len(samples.model.names)


def test_a_judged_pair_that_is_not_retrieved_has_a_score() -> None:
    demands = records("demands", {"title": "毛衣编织"}, ANCHOR)
    achievements = records("achievements", {"title": "沼气脱硫"}, {"title": "毛衣"}, ANCHOR)
    judgements = pl.DataFrame([("D1", "A1", 1)], schema=JUDGEMENTS, orient="row")
    nothing = pl.DataFrame(schema=FIELDS)
    ranking = rank(
        demands, achievements, demand_fields=nothing, achievement_fields=nothing, judgements=judgements, model=BY_HAND
    )
    assert ranking.candidates.filter(demand_id="D1")["achievement_id"].to_list() == ["A2"]
    why = explain(ranking, "D1", "A1")
    assert why.similarity == 0
    # Its only feature is 2 deviations below the average, and its own judgement does not move it.
    chances = [1 / (1 + exp(-logit)) for logit in (0.5 - 2, -0.5 - 3, -1.5 - 4)]
    assert why.score == pytest.approx((chances[0] + 2 * chances[1] + 4 * chances[2]) / 7, abs=EXACT)
    assert (why.level, why.certainty) == (1, pytest.approx(1 - chances[0], abs=EXACT))
    average = [1 / (1 + exp(-logit)) for logit in (0.5, -0.5, -1.5)]
    assert why.base == pytest.approx((average[0] + 2 * average[1] + 4 * average[2]) / 7, abs=EXACT)
    assert why.features.rows() == [("characters", 0, pytest.approx(why.score - why.base, abs=EXACT))]
    assert why.learned.height == 0
    other = explain(ranking, "D1", "A2").learned
    assert other.drop("part").rows() == [("D1", "A1", 1)]
    assert other["part"][0] < 0


BY_HAND: Final = LevelModel("by hand", ("characters",), (0.5,), (0.25,), ((1.0,), (1.5,), (2.0,)), (0.5, -0.5, -1.5))


def test_fields_alone_explain_a_pair_without_a_common_term() -> None:
    ranking = rank(
        records("demands", {"title": "毛衣"}),
        records("achievements", {"title": "沼气"}),
        demand_fields=known("D1", "contract_fields", "05"),
        achievement_fields=known("A1", "contract_fields", "05"),
    )
    why = explain(ranking, "D1", "A1")
    assert why.terms.height == 0
    assert why.similarity == why.field_part == pytest.approx(load_weights().field, abs=ROUNDED)
    assert why.field_score == pytest.approx(1, abs=ROUNDED)


@pytest.mark.parametrize(
    ("demand_id", "achievement_id", "named"),
    [("XQ0", "CG2026001", "XQ0"), ("XQ2026001", "CG0", "CG0"), ("CG2026001", "XQ2026001", "CG2026001"), ("", "", "")],
)
def test_an_id_that_was_not_ranked(samples: Ranking, demand_id: str, achievement_id: str, named: str) -> None:
    with pytest.raises(KeyError, match=f"^'{named}'$"):
        explain(samples, demand_id, achievement_id)


@pytest.mark.parametrize(
    ("text", "terms", "expected"),
    [
        ("", ["碳"], []),
        ("碳纤维", [], []),
        ("碳纤维", ["硅"], []),
        ("碳纤维", ["碳纤维板"], []),
        ("碳纤维板", ["纤维"], [(1, 3)]),
        ("碳纤维", ["碳纤", "纤维"], [(0, 3)]),
        ("碳纤维板材", ["碳纤", "板材"], [(0, 2), (3, 5)]),
        ("碳纤维板材", ["碳纤", "维", "碳"], [(0, 3)]),
        ("碳纤维与碳", ["碳"], [(0, 1), (4, 5)]),
        ("光光光", ["光光"], [(0, 3)]),
        ("ＣＦＲＰ（碳纤维）板", ["cfrp", "碳纤", "纤维"], [(0, 4), (5, 8)]),
        ("１２０ＫＷ 电机", ["120kw"], [(0, 5)]),
        ("碳，纤", ["碳纤"], []),
        ("碳\n纤维", ["纤维"], [(2, 4)]),
        ("重量5㎏以下", ["5kg"], [(2, 4)]),
        ("ﬁne 粉", ["fine"], [(0, 3)]),
        ("𠮷野家", ["𠮷野"], [(0, 2)]),
        ("STRAßE", ["straße"], [(0, 6)]),
    ],
)
def test_spans(text: str, terms: list[str], expected: list[tuple[int, int]]) -> None:
    assert spans(text, terms) == expected


def test_spans_of_any_iterable() -> None:
    assert spans("碳纤维", (term for term in ("碳", "维"))) == [(0, 1), (2, 3)]


@pytest.mark.parametrize(
    ("text", "terms", "expected"),
    [
        ("cafe\u0301 机", ["é"], [(3, 5)]),
        ("cafe\u0301 机", ["caf", "é", "机"], [(0, 5), (6, 7)]),
        ("x\u0302\u0301值", ["x"], [(0, 3)]),
        ("ｶﾞス", ["ガ"], [(0, 2)]),
    ],
    ids=["alone", "in a word", "two marks", "half-width voiced"],
)
def test_a_mark_belongs_to_the_character_it_stands_on(
    text: str, terms: list[str], expected: list[tuple[int, int]]
) -> None:
    assert spans(text, terms) == expected


@pytest.mark.parametrize(
    ("text", "terms", "expected"),
    [
        ("误差5%，功率150kW", ["5"], [(2, 3)]),
        ("controlled LED", ["led"], [(11, 14)]),
        ("WiFi6与wifi", ["wifi"], [(6, 10)]),
        ("H13钢", ["13"], []),
        ("5G通信5g", ["5g"], [(0, 2), (4, 6)]),
        ("GG-8598", ["gg", "8598"], [(0, 2), (3, 7)]),
    ],
)
def test_a_latin_word_and_a_number_are_found_only_whole(
    text: str, terms: list[str], expected: list[tuple[int, int]]
) -> None:
    """As in the score: what 5 adds does not come from 150kW."""
    assert spans(text, terms) == expected


MIXED = st.text(alphabet="碳纤维板aＡ7，- \n㎏ﬁé\u0301İß", max_size=20)
PLAIN = st.text(alphabet="碳纤维板，ＡＢ", max_size=20)


@given(MIXED, st.lists(st.sampled_from(["碳", "碳纤", "纤维", "a", "7", "a7", "kg", "fi", "é", "ss", "板a"])))
def test_spans_are_in_order_and_within_the_text(text: str, terms: list[str]) -> None:
    found = spans(text, terms)
    assert all(0 <= start < end <= len(text) for start, end in found)
    assert all(before[1] < after[0] for before, after in pairwise(found))
    assert spans(text, [*terms, *terms]) == found


@given(PLAIN, st.lists(st.sampled_from(["碳", "碳纤", "纤维", "维板", "ab", "a", "板"])))
def test_each_stretch_is_covered_by_terms(text: str, terms: list[str]) -> None:
    """What is marked is what the terms cover, no more and no less; here each character stays one character."""
    plain = normalised(text)
    assert len(plain) == len(text)
    covered = set()
    for term in terms:
        edge = r"(?<![ab]){}(?![ab])" if term.isascii() else "{}"
        for hit in re.finditer(f"(?={edge.format(term)})", plain):
            covered |= set(range(hit.start(), hit.start() + len(term)))
    assert {place for start, end in spans(text, terms) for place in range(start, end)} == covered


@given(MIXED)
def test_the_terms_of_a_text_cover_its_letters(text: str) -> None:
    """Nothing that counts in the score is left unmarked."""
    marked = {place for start, end in spans(text, set(characters(normalised(text)))) for place in range(start, end)}
    assert {place for place, character in enumerate(text) if character.isalnum()} <= marked


def test_what_the_samples_share_is_found_in_their_texts(explained: Explained, sample_demands: Reading) -> None:
    frame = sample_demands.frame.with_columns(pl.col("keywords").list.join("\n"))
    texts = frame.select("demand_id", pl.concat_str(*load_weights().parts["demands"], separator="\n"))
    text_of = dict(texts.iter_rows())
    concepts_alone = 0
    for row, why in explained[::10]:
        text = text_of[row["demand_id"]]
        written = set(why.terms.filter(pl.col("view") != "concepts")["term"])
        concepts_alone += sum(each["term"] not in written for each in row["shared_terms"])  # type: ignore[attr-defined]
        for each in filter(lambda each: each["term"] in written, row["shared_terms"]):  # type: ignore[arg-type]
            found = spans(text, [each["term"]])
            assert found, each
            assert all(each["term"] in normalised(text[start:end]) for start, end in found)
    assert concepts_alone > 0
