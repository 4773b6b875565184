"""Features of pairs: each written out a second time in plain Python, and what must never change them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log, log1p, log2, sqrt
from typing import Final

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from records import records

from matching.pipeline import examine
from matching.ranking import latent_rows
from matching.ranking.features import Features, Pairs, Titles, features_of, given_lists, products
from matching.ranking.latent import directions_of
from matching.ranking.latent_rows import latent_of
from matching.ranking.told import GROUPS
from matching.ranking.vectors import BLOCKS, Vectors
from matching.ranking.weights import load_weights
from matching.schema import JUDGEMENTS, PAIRS

EXACT: Final = 1e-12
TAXONOMIES: Final = ("strategic_2018", "province_4567", "contract_fields", "national_high_tech")
STARTS: Final = (0, 5, 8, 10, 14)
NAMES: Final = np.array(
    ["沼", "气", "脱", "硫", "塔", "沼气", "脱硫", "塔器", "biogas", "energy", *(f"{each}:1" for each in TAXONOMIES)],
    dtype=object,
)
RARITY: Final = np.array([0.5, 1.0, 1.5, 2.0, 0.25, 0.75, 1.25, 0.1, 0.3, 0.6, 0, 0, 0, 0])
SHARES: Final = (0.64, 0.16, 0.15, 0.05)


def unit(values: np.ndarray) -> np.ndarray:
    length = np.sqrt((values**2).sum(axis=1, keepdims=True))
    return np.divide(values, length, out=np.zeros_like(values), where=length > 0)


def spread_out(wholes: list[list[float]], starts: tuple[int, ...], shares: tuple[float, ...]) -> sp.csr_matrix:
    """Rows of which each block has the root of its share for its length."""
    rows = np.array(wholes, dtype=np.float64).reshape(len(wholes), starts[-1])
    for place, share in enumerate(shares):
        block = slice(starts[place], starts[place + 1])
        rows[:, block] = unit(rows[:, block]) * sqrt(share)
    return sp.csr_matrix(rows)


def of_titles(titles: list[list[float]]) -> sp.csr_matrix:
    rows = np.array(titles, dtype=np.float64).reshape(len(titles), STARTS[2])
    return sp.csr_matrix(np.hstack([unit(rows[:, : STARTS[1]]), unit(rows[:, STARTS[1] :])]))


def made(
    demands: list[list[float]],
    achievements: list[list[float]],
    demand_titles: list[list[float]],
    achievement_titles: list[list[float]],
) -> Vectors:
    wholes = [spread_out(side, STARTS, SHARES) for side in (demands, achievements)]
    return Vectors(
        demand_ids=tuple(f"D{place}" for place in range(len(demands))),
        achievement_ids=tuple(f"A{place}" for place in range(len(achievements))),
        demands=wholes[0],
        achievements=wholes[1],
        demand_titles=of_titles(demand_titles),
        achievement_titles=of_titles(achievement_titles),
        starts=STARTS,
        names=NAMES,
        rarity=RARITY,
        shares=SHARES,
        directions=directions_of(sp.vstack(wholes, format="csr")[:, : STARTS[1]]),
    )


# 沼气脱硫 with a text; a title alone; nothing at all. Achievements: a text, a title alone, nothing, a field alone.
HAND: Final = made(
    demands=[[1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 1, 0], [0, 0, 3, 4, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0], [0] * 14],
    achievements=[
        [3, 4, 0, 0, 0, 1, 0, 0, 3, 4, 1, 0, 0, 0],
        [0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0],
        [0] * 14,
        [0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0],
    ],
    demand_titles=[[1, 1, 0, 0, 0, 1, 0, 0], [0, 0, 3, 4, 0, 0, 1, 0], [0] * 8],
    achievement_titles=[[1, 0, 0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0, 0, 1], [0] * 8, [0, 1, 0, 0, 0, 0, 0, 0]],
)
TITLES: Final[Titles] = (["沼气", "脱硫", ""], ["沼", "塔", "", "气"])


def every(vectors: Vectors) -> Pairs:
    rows, columns = np.indices((len(vectors.demand_ids), len(vectors.achievement_ids)))
    return Pairs(rows.ravel(), columns.ravel())


def pairs_of(*places: tuple[int, int]) -> Pairs:
    each = np.array(places, dtype=np.int64).reshape(-1, 2)
    return Pairs(each[:, 0], each[:, 1])


@dataclass(frozen=True)
class Row:
    """The features of one pair, by name."""

    values: dict[str, float]

    def __getitem__(self, name: str) -> float:
        return self.values[name]


def row_of(found: Features, pairs: Pairs, demand: int, achievement: int) -> Row:
    [place] = np.flatnonzero((pairs.demands == demand) & (pairs.achievements == achievement))
    return Row(dict(zip(found.names, found.values[place].tolist(), strict=True)))


def dot(first: np.ndarray, second: np.ndarray) -> float:
    return sum(float(a) * float(b) for a, b in zip(first, second, strict=True))


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    lengths = sqrt(dot(first, first) * dot(second, second))
    return dot(first, second) / lengths if lengths else 0.0


def plain_features(vectors: Vectors, titles: Titles, demand: int, achievement: int, own: list[int]) -> dict[str, float]:
    """The features of a pair that are not latent and need no standard deviation, from dense rows with loops."""
    whole_d, whole_a = vectors.demands.toarray()[demand], vectors.achievements.toarray()
    title_d, title_a = vectors.demand_titles.toarray()[demand], vectors.achievement_titles.toarray()[achievement]
    one = whole_a[achievement]
    found: dict[str, float] = {}
    for place, name in enumerate(BLOCKS):
        columns = range(vectors.starts[place], vectors.starts[place + 1])
        found[name] = sum(whole_d[c] * one[c] for c in columns) / (vectors.shares[place] or 1)
    fields = range(vectors.starts[3], vectors.starts[4])
    for taxonomy in TAXONOMIES:
        of_taxonomy = [c for c in fields if vectors.names[c].startswith(f"{taxonomy}:")]
        found[f"fields_{taxonomy}"] = sum(whole_d[c] * one[c] for c in of_taxonomy)
    for place, view in enumerate(("characters", "words")):
        columns = range(vectors.starts[place], vectors.starts[place + 1])
        root = sqrt(vectors.shares[place]) or 1
        found[f"{view}_title_title"] = sum(title_d[c] * title_a[c] for c in columns)
        found[f"{view}_title_whole"] = sum(title_d[c] * one[c] for c in columns) / root
        found[f"{view}_whole_title"] = sum(whole_d[c] * title_a[c] for c in columns) / root
        for name, wanted, has in (("demand", title_d, one), ("achievement", title_a, whole_d)):
            total = sum(vectors.rarity[c] for c in columns if wanted[c])
            both = sum(vectors.rarity[c] for c in columns if wanted[c] and has[c])
            found[f"{view}_{name}_covered"] = both / total if total else 0.0
        found[f"{view}_shared"] = log1p(sum(vectors.rarity[c] for c in columns if whole_d[c] and title_a[c]))
    scores = {each: dot(whole_d, whole_a[each]) for each in own}
    others = [each for each in own if each != achievement]
    total = sum(scores[each] for each in others)
    found["feedback"] = sum(scores[each] * dot(whole_a[each], one) for each in others) / total if total > 1e-9 else 0.0
    found["length_demand_title"] = log(1 + len(titles[0][demand]))
    found["length_achievement_title"] = log(1 + len(titles[1][achievement]))
    found["length_demand"] = log(1 + np.count_nonzero(whole_d))
    characters = range(vectors.starts[1])
    in_text, in_title = sum(one[c] != 0 for c in characters), sum(title_a[c] != 0 for c in characters)
    found["length_text"] = 1 - in_title / in_text if in_text else 0.0
    score = dot(whole_d, one)
    found["place_rank"] = log2(1 + sum(each > score + 1e-9 for each in scores.values()))
    best = max(scores.values(), default=0.0)
    found["place_below_best"] = 1 - score / best if best > 0 else 0.0
    return found


def hand_features(lists: Pairs | None = None) -> Features:
    return features_of(HAND, TITLES, every(HAND), given_lists(HAND, every(HAND)) if lists is None else lists)


def test_every_feature_equals_its_definition() -> None:
    found, pairs = hand_features(), every(HAND)
    for demand, achievement in zip(pairs.demands.tolist(), pairs.achievements.tolist(), strict=True):
        row = row_of(found, pairs, demand, achievement)
        expected = plain_features(HAND, TITLES, demand, achievement, [0, 1, 2, 3])
        assert {name: row[name] for name in expected} == pytest.approx(expected, abs=EXACT)


def test_hand_computed_features() -> None:
    """沼气脱硫 (five characters, three words) with 沼 气 (3 : 4) of the title 沼."""
    row = row_of(hand_features(), every(HAND), 0, 0)
    assert row["characters"] == pytest.approx((3 + 4) / 5 / sqrt(5), abs=EXACT)
    assert row["words"] == pytest.approx(1 / sqrt(2), abs=EXACT)
    assert row["concepts"] == pytest.approx(3 / 5, abs=EXACT)
    assert row["fields"] == pytest.approx(1 / sqrt(2), abs=EXACT)
    assert row["fields_strategic_2018"] == pytest.approx(0.05 / sqrt(2), abs=EXACT)
    assert row["fields_contract_fields"] == 0
    assert row["characters_title_title"] == pytest.approx(1 / sqrt(2), abs=EXACT)
    assert row["characters_title_whole"] == pytest.approx(7 / 5 / sqrt(2), abs=EXACT)
    assert row["characters_whole_title"] == pytest.approx(1 / sqrt(5), abs=EXACT)
    assert row["characters_demand_covered"] == pytest.approx(1, abs=EXACT)
    assert row["characters_shared"] == pytest.approx(log(1.5), abs=EXACT)
    assert row["length_demand"] == pytest.approx(log(11), abs=EXACT)
    assert row["length_text"] == 1 / 2
    assert row["title_partial"] == 1
    assert row["length_demand_title"] == pytest.approx(log(3), abs=EXACT)
    assert row["place_rank"] == 0
    assert row["place_below_best"] == pytest.approx(0, abs=EXACT)
    # Of the demand's title 脱硫 (1.5 and 2 bits) the field-bearing 气脱 has the first.
    assert row_of(hand_features(), every(HAND), 1, 3)["characters_demand_covered"] == pytest.approx(3 / 7, abs=EXACT)


def test_features_times_text() -> None:
    found, pairs = hand_features(), every(HAND)
    names = [name for name in found.names if name.endswith("_with_text")]
    assert len(names) == 9
    for demand, achievement in zip(pairs.demands.tolist(), pairs.achievements.tolist(), strict=True):
        row = row_of(found, pairs, demand, achievement)
        for name in names:
            plain = row[name.removesuffix("_with_text")]
            assert row[name] == pytest.approx(plain * row["length_text"], abs=EXACT)


def test_a_title_alone_and_an_empty_achievement_have_no_text() -> None:
    found, pairs = hand_features(), every(HAND)
    for achievement in (1, 2):
        for demand in range(3):
            row = row_of(found, pairs, demand, achievement)
            assert row["length_text"] == 0
            assert [row[name] for name in found.names if name.endswith("_with_text")] == [0] * 9


def test_features_in_a_list_are_standard_scores() -> None:
    found, pairs = hand_features(), every(HAND)
    place = {name: column for column, name in enumerate(found.names)}
    compared = [name for name in found.names if name.endswith("_in_list")]
    assert len(compared) == 23
    for demand in range(3):
        rows = found.values[pairs.demands == demand]
        for name in compared:
            values = rows[:, place[name.removesuffix("_in_list")]]
            spread = values.std()
            expected = (values - values.mean()) / spread if spread > 1e-9 else np.zeros(len(values))
            np.testing.assert_allclose(rows[:, place[name]], expected, rtol=0, atol=1e-9)


def test_a_pair_beside_a_list_that_it_is_not_in() -> None:
    """The list of demand 0 is A0 and A3; A1 is compared with these and moves neither's mean."""
    lists = pairs_of((0, 0), (0, 3))
    pairs = pairs_of((0, 0), (0, 1), (0, 3))
    found = features_of(HAND, TITLES, pairs, lists)
    first, other, second = (row_of(found, pairs, 0, each) for each in (0, 1, 3))
    mean, spread = (first["words"] + second["words"]) / 2, abs(first["words"] - second["words"]) / 2
    assert other["words_in_list"] == pytest.approx((other["words"] - mean) / spread, abs=EXACT)
    assert first["words_in_list"] == pytest.approx(1, abs=EXACT)
    assert other["place_rank"] == pytest.approx(log2(3), abs=EXACT)
    expected = plain_features(HAND, TITLES, 0, 1, [0, 3])
    assert other["feedback"] == pytest.approx(expected["feedback"], abs=EXACT)


COMPARING: Final = ("_in_list", "place_rank", "place_below_best", "feedback")


def test_a_demand_without_a_list_has_nothing_to_compare_with() -> None:
    pairs = pairs_of((1, 0), (1, 1), (1, 3))
    found = features_of(HAND, TITLES, pairs, pairs_of((0, 0), (0, 3)))
    names = [name for name in found.names if name.endswith(COMPARING)]
    assert len(names) == 26
    for achievement in (0, 1, 3):
        row = row_of(found, pairs, 1, achievement)
        assert {name: row[name] for name in names} == dict.fromkeys(names, 0.0)
        assert row["feedback_with_text"] == 0


def test_where_no_demand_has_a_list() -> None:
    found = hand_features(pairs_of())
    assert np.isfinite(found.values).all()
    names = [name for name in found.names if name.endswith(COMPARING)]
    assert not found.values[:, [found.names.index(name) for name in names]].any()


def test_no_pairs_have_no_features() -> None:
    found = features_of(HAND, TITLES, pairs_of(), given_lists(HAND, every(HAND)))
    assert found.names == hand_features().names
    assert found.values.shape == (0, len(found.names))
    assert features_of(HAND, TITLES, pairs_of(), pairs_of()).values.shape == (0, len(found.names))


def test_a_list_of_one() -> None:
    """It is its own mean, has no others, and is the best."""
    one = pairs_of((0, 0))
    row = row_of(features_of(HAND, TITLES, one, one), one, 0, 0)
    assert {name: row[name] for name in row.values if name.endswith(COMPARING)} == pytest.approx(
        {name: 0.0 for name in row.values if name.endswith(COMPARING)}, abs=EXACT
    )


def test_feedback_leaves_the_pair_itself_out() -> None:
    """Of a list of A0 and A3, A0 hears A3 alone and A3 hears A0 alone: each their own product."""
    lists = pairs_of((0, 0), (0, 3))
    found = features_of(HAND, TITLES, lists, lists)
    rows = HAND.achievements.toarray()
    for achievement in (0, 3):
        assert row_of(found, lists, 0, achievement)["feedback"] == pytest.approx(dot(rows[0], rows[3]), abs=EXACT)


def test_what_is_given_once_more_is_named_after_what_it_is() -> None:
    names = hand_features().names
    assert len(set(names)) == len(names)
    for name in names:
        for ending in ("_with_text", "_in_list"):
            assert not name.endswith(ending) or name.removesuffix(ending) in names
    assert {name.split("_", 1)[0] for name in names} == set(GROUPS)


def test_the_latent_space_of_few_terms_is_the_characters_own() -> None:
    """Five columns have at most five directions, and four are kept: the rows here span no more than that."""
    vectors = made(
        demands=[[1, 1, 0, 0, 0, *[0] * 9], [0, 2, 1, 0, 0, *[0] * 9]],
        achievements=[[3, 1, 2, 0, 0, *[0] * 9], [0, 0, 0, 0, 0, *[0] * 9], [1, 0, 0, 0, 0, *[0] * 9]],
        demand_titles=[[1, 0, 0, 0, 0, *[0] * 3], [0, 1, 0, 0, 0, *[0] * 3]],
        achievement_titles=[[0, 1, 1, 0, 0, *[0] * 3], [0] * 8, [1, 0, 0, 0, 0, *[0] * 3]],
    )
    pairs = every(vectors)
    found = features_of(vectors, (["", ""], ["", "", ""]), pairs, pairs)
    wholes, titles = (vectors.demands, vectors.achievements), (vectors.demand_titles, vectors.achievement_titles)
    for demand, achievement in zip(pairs.demands.tolist(), pairs.achievements.tolist(), strict=True):
        row = row_of(found, pairs, demand, achievement)
        for name, (first, second) in (("latent_whole", wholes), ("latent_title", titles)):
            expected = cosine(first.toarray()[demand, :5], second.toarray()[achievement, :5])
            assert row[name] == pytest.approx(expected, abs=1e-9)


def test_latent_rows_have_length_1_or_0() -> None:
    demands = latent_of(HAND, np.arange(3), HAND.demands, HAND.demand_titles)
    achievements = latent_of(HAND, np.arange(4), HAND.achievements, HAND.achievement_titles)
    for side, count in ((demands, 3), (achievements, 4)):
        for rows in (side.wholes, side.titles):
            assert len(rows) == count
            lengths = np.sqrt((rows**2).sum(axis=1))
            assert all(length == pytest.approx(1, abs=1e-9) or length == 0 for length in lengths)
        assert np.sqrt((side.wholes[2] ** 2).sum()) == 0


def test_rows_have_the_same_latent_place_whichever_others_are_asked_for() -> None:
    whole = latent_of(HAND, np.arange(4), HAND.achievements, HAND.achievement_titles)
    some = latent_of(HAND, np.array([3, 1, 3]), HAND.achievements, HAND.achievement_titles)
    assert some.rows.tolist() == [1, 3]
    for one, other in zip(some.of(np.array([3, 1])), whole.of(np.array([3, 1])), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=EXACT)


def test_features_are_the_same_where_achievements_were_placed_before() -> None:
    latent = latent_of(HAND, np.arange(4), HAND.achievements, HAND.achievement_titles)
    lists = given_lists(HAND, every(HAND))
    found = features_of(HAND, TITLES, every(HAND), lists, latent)
    np.testing.assert_allclose(found.values, hand_features().values, rtol=0, atol=EXACT)


def test_without_characters_there_is_no_latent_space() -> None:
    nothing = made([[0] * 14], [[0] * 14], [[0] * 8], [[0] * 8])
    narrow = replace(
        nothing,
        starts=(0, 0, 3, 5, 9),
        demands=nothing.demands[:, 5:],
        achievements=nothing.achievements[:, 5:],
        demand_titles=nothing.demand_titles[:, 5:],
        achievement_titles=nothing.achievement_titles[:, 5:],
        names=NAMES[5:],
        rarity=RARITY[5:],
        directions=np.zeros((0, 0)),
    )
    found = features_of(narrow, ([""], [""]), pairs_of((0, 0)), pairs_of((0, 0)))
    assert np.isfinite(found.values).all()
    assert row_of(found, pairs_of((0, 0)), 0, 0)["latent_whole"] == 0


def test_records_that_all_say_the_same_have_a_latent_space() -> None:
    """There is no variance to explain, and no warning either."""
    same = [1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    vectors = made([same], [same], [same[:8]], [same[:8]])
    found = features_of(vectors, (["沼气"], ["沼气"]), pairs_of((0, 0)), pairs_of((0, 0)))
    row = row_of(found, pairs_of((0, 0)), 0, 0)
    assert row["latent_whole"] == pytest.approx(1, abs=1e-9)
    assert row["characters"] == pytest.approx(1, abs=EXACT)


WHOLE = st.lists(st.sampled_from([0, 0, 1, 2, 3]), min_size=14, max_size=14)
TITLE = st.lists(st.sampled_from([0, 0, 1]), min_size=8, max_size=8)
# Two that differ, so that there is something to tell apart.
ANCHORS: Final = ([1, 2, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0], [0, 0, 1, 0, 3, 0, 1, 0, 0, 1, 0, 0, 1, 0])


@dataclass(frozen=True)
class Case:
    vectors: Vectors
    titles: Titles
    pairs: Pairs
    lists: Pairs


@st.composite
def cases(draw: st.DrawFn) -> Case:
    sides = [[ANCHORS[place], *draw(st.lists(WHOLE, max_size=4))] for place in (0, 1)]
    titles = [draw(st.lists(TITLE, min_size=len(side), max_size=len(side))) for side in sides]
    vectors = made(sides[0], sides[1], titles[0], titles[1])
    words = tuple(
        draw(st.lists(st.text("沼气脱硫塔", max_size=5), min_size=len(side), max_size=len(side))) for side in sides
    )
    places = [(row, column) for row in range(len(sides[0])) for column in range(len(sides[1]))]
    pairs = pairs_of(*draw(st.lists(st.sampled_from(places), min_size=1, unique=True)))
    lists = given_lists(vectors, pairs_of(*draw(st.lists(st.sampled_from(places), min_size=1))))
    return Case(vectors, (words[0], words[1]), pairs, lists)


@given(cases())
def test_random_features_equal_their_definitions(case: Case) -> None:
    found = features_of(case.vectors, case.titles, case.pairs, case.lists)
    assert np.isfinite(found.values).all()
    for place, (demand, achievement) in enumerate(zip(case.pairs.demands, case.pairs.achievements, strict=True)):
        own = case.lists.achievements[case.lists.demands == demand].tolist()
        row = dict(zip(found.names, found.values[place].tolist(), strict=True))
        expected = plain_features(case.vectors, case.titles, demand, achievement, own)
        assert {name: row[name] for name in expected} == pytest.approx(expected, abs=1e-9)


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_pairs_does_not_matter(case: Case, random: object) -> None:
    order = list(range(len(case.pairs)))
    random.shuffle(order)  # type: ignore[attr-defined]
    before = features_of(case.vectors, case.titles, case.pairs, case.lists)
    after = features_of(case.vectors, case.titles, case.pairs.of(np.array(order)), case.lists)
    assert after.names == before.names
    assert np.array_equal(after.values, before.values[order])


@settings(max_examples=20)
@given(cases(), st.integers(1, 4))
def test_batches_and_threads_do_not_matter(case: Case, size: int) -> None:
    before = features_of(case.vectors, case.titles, case.pairs, case.lists)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(latent_rows, "_ROWS_AT_A_TIME", size)
        patch.setattr("os.cpu_count", lambda: size)
        after = features_of(case.vectors, case.titles, case.pairs, case.lists)
    assert after.names == before.names
    latent = np.array([name.startswith("latent") for name in before.names])
    assert np.array_equal(after.values[:, ~latent], before.values[:, ~latent])
    np.testing.assert_allclose(after.values, before.values, rtol=0, atol=1e-9)


@settings(max_examples=20)
@given(cases())
def test_32_bits_are_summed_up_in_64(case: Case) -> None:
    """The features of values of 32 bits are those of the same values with 64."""
    sides = ("demands", "achievements", "demand_titles", "achievement_titles")
    short = {name: getattr(case.vectors, name).astype(np.float32) for name in sides}
    long = {name: matrix.astype(np.float64) for name, matrix in short.items()}
    found, expected = (
        features_of(replace(case.vectors, **each), case.titles, case.pairs, case.lists) for each in (short, long)
    )
    np.testing.assert_allclose(found.values, expected.values, rtol=0, atol=1e-9)


@given(cases())
def test_a_pair_has_its_features_whatever_else_is_asked(case: Case) -> None:
    whole = features_of(case.vectors, case.titles, case.pairs, case.lists)
    one = features_of(case.vectors, case.titles, case.pairs.of(slice(0, 1)), case.lists)
    np.testing.assert_allclose(one.values[0], whole.values[0], rtol=0, atol=EXACT)


@given(cases())
def test_products_and_given_lists(case: Case) -> None:
    dense = case.vectors.demands.toarray() @ case.vectors.achievements.toarray().T
    found = products(case.vectors.demands, case.vectors.achievements, case.pairs)
    np.testing.assert_allclose(found, dense[case.pairs.demands, case.pairs.achievements], rtol=0, atol=EXACT)
    lists = given_lists(case.vectors, case.pairs)
    keys = list(zip(lists.demands.tolist(), lists.achievements.tolist(), strict=True))
    assert sorted(keys) == sorted(zip(case.pairs.demands.tolist(), case.pairs.achievements.tolist(), strict=True))
    scores = products(case.vectors.demands, case.vectors.achievements, lists)
    order = [(demand, -score, place) for (demand, place), score in zip(keys, scores, strict=True)]
    assert order == sorted(order)


def test_given_lists_hold_each_pair_once() -> None:
    lists = given_lists(HAND, pairs_of((1, 3), (0, 1), (1, 3), (1, 2), (0, 0), (1, 0), (0, 1)))
    # D0 has more in common with A0; of D1's, A3 shares 脱, the others nothing and go by id.
    assert list(zip(lists.demands.tolist(), lists.achievements.tolist(), strict=True)) == [
        *((0, 0), (0, 1)),
        *((1, 3), (1, 0), (1, 2)),
    ]
    assert len(given_lists(HAND, pairs_of())) == 0


def test_no_products_of_no_pairs() -> None:
    assert products(HAND.demands, HAND.achievements, pairs_of()).tolist() == []


def examined(demands: pl.DataFrame, achievements: pl.DataFrame) -> dict[tuple[str, str], Row]:
    """Features of all pairs of two lists, as the pipeline takes them."""
    pairs = demands.select("demand_id").join(achievements.select("achievement_id"), how="cross").select(PAIRS.keys())
    found = examine(demands, achievements, pairs, pl.DataFrame(schema=JUDGEMENTS), load_weights())
    assert np.isfinite(found.features.values).all()
    return {
        (found.vectors.demand_ids[row], found.vectors.achievement_ids[column]): row_of(
            found.features, found.pairs, row, column
        )
        for row, column in zip(found.pairs.demands.tolist(), found.pairs.achievements.tolist(), strict=True)
    }


DEMANDS: Final = records("demands", {"title": "沼气脱硫", "problem": "气味重"}, {"title": "锂电池"}, {"title": ""})
ACHIEVEMENTS: Final = records(
    "achievements",
    {"title": "沼气脱硫塔"},
    {"title": "沼气脱硫塔", "summary": "用于沼气工程的干法脱硫，一塔两用，硫化氢去除率高"},
    {"title": "锂电池负极", "keywords": ["石墨"]},
    {"title": ""},
)


def test_titles_alone_and_whole_texts_of_records() -> None:
    found = examined(DEMANDS, ACHIEVEMENTS)
    for demand in ("D1", "D2", "D3"):
        for alone in ("A1", "A4"):
            row = found[demand, alone]
            assert row["length_text"] == 0
            assert not any(value for name, value in row.values.items() if name.endswith("_with_text"))
        assert 0 < found[demand, "A2"]["length_text"] < 1
        assert 0 < found[demand, "A3"]["length_text"] < 1
    row = found["D1", "A2"]
    assert row["characters_with_text"] == pytest.approx(row["characters"] * row["length_text"], abs=EXACT)
    assert row["characters_with_text"] > 0


def test_titles_that_say_nothing() -> None:
    found = examined(DEMANDS, ACHIEVEMENTS)
    empty = found["D3", "A4"]
    zero = ("characters", "words", "characters_shared", "length_demand", "length_demand_title", "latent_whole")
    assert {name: empty[name] for name in zero} == dict.fromkeys(zero, 0.0)


def test_the_same_title_is_the_same() -> None:
    row = examined(DEMANDS, records("achievements", {"title": "沼气脱硫"}, {"title": "沼 气 脱 硫"}, {"title": "锂"}))
    for achievement in ("A1", "A2"):
        assert row["D1", achievement]["title_partial"] == 1
        assert row["D1", achievement]["length_achievement_title"] == pytest.approx(log(5), abs=EXACT)
    assert row["D1", "A1"]["characters_title_title"] == pytest.approx(1, abs=1e-6)
    assert row["D1", "A1"]["characters_demand_covered"] == pytest.approx(1, abs=EXACT)
    assert row["D1", "A3"]["title_partial"] == 0
