"""The terms that decided: known terms of a text, strongest first, and n-grams where none of them speaks."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from matching.fields.deciding import evidence, known_terms, named_terms, term_features
from matching.fields.grams import Vocabulary, marked
from matching.fields.lexicon import load_lexicon
from matching.fields.model import Classifier, FieldModel
from matching.fields.taxonomies import load_taxonomies

# What each n-gram adds to the margin of the first node; the second has the opposite.
WORTH = {
    "石墨烯": 1.0,
    "金刚石": 3.0,
    "轴承": -2.0,
    "光纤": 2.0,
    "甲": 9.0,
    "甲乙": 1.0,
    "乙丙": 0.7,
    "丙丁": 0.3,
    "\x02甲": 5.0,
    "丁\x03": 5.0,
    "丁戊": -4.0,
}
CLASSIFIER = Classifier(
    ("X", "Y"), np.array([[worth, -worth] for worth in WORTH.values()], dtype=np.float32), np.zeros(2, dtype=np.float32)
)
MODEL = FieldModel(Vocabulary(tuple(WORTH)), np.ones(len(WORTH), dtype=np.float32), {"own": CLASSIFIER})


def named(text: str) -> set[str]:
    return {known_terms()[place] for place in named_terms(pl.Series([text]))["term"]}


def deciding(*places: tuple[int, int], texts: list[str], most: int = 6) -> list[list[str]]:
    """Terms for rows of texts and columns of the classifier."""
    column = pl.Series(texts)
    found = evidence(column, MODEL.features([(1.0, marked(column))]), MODEL, term_features(MODEL))
    rows, columns = np.array(places, dtype=np.int64).reshape(-1, 2).T
    chosen = found.deciding(rows, columns, CLASSIFIER, most)
    assert chosen.dtype == pl.List(pl.String())
    return chosen.to_list()


def test_known_terms_are_those_of_taxonomies_and_lexicon() -> None:
    known = known_terms()
    assert list(known) == sorted(set(known))
    assert set(load_lexicon().concept_of) <= set(known)
    for taxonomy in load_taxonomies().values():
        assert all(set(node.terms) <= set(known) for node in taxonomy.fields)


def test_each_term_of_a_text_is_named_once() -> None:
    found = named_terms(pl.Series(["石墨烯与金刚石，石墨烯", "", "金刚石", "石墨烯"]))
    assert found.columns == ["row", "term"]
    assert sorted((row, known_terms()[term]) for row, term in found.rows()) == [
        (0, "石墨烯"),
        (0, "金刚石"),
        (2, "金刚石"),
        (3, "石墨烯"),
    ]


def test_white_space_hides_no_term_and_the_longest_wins() -> None:
    assert named("石 墨\n烯；a machine learning tool") == {"石墨烯", "machine learning"}
    assert named("氧化石墨烯") == {"氧化石墨烯"}


def test_terms_stand_strongest_first() -> None:
    assert deciding((0, 0), texts=["石墨烯光纤金刚石"]) == [["金刚石", "光纤", "石墨烯"]]


def test_a_term_that_speaks_against_a_field_is_not_named_for_it() -> None:
    texts = ["石墨烯轴承"]
    assert deciding((0, 0), (0, 1), texts=texts) == [["石墨烯"], ["轴承"]]


def test_at_most_so_many_terms_are_named() -> None:
    texts = ["石墨烯光纤金刚石"]
    [all_terms] = deciding((0, 0), texts=texts)
    assert deciding((0, 0), texts=texts, most=2) == [all_terms[:2]]


def test_n_grams_are_named_only_where_no_term_speaks() -> None:
    assert named("甲乙丙丁") == set()
    assert deciding((0, 0), (1, 0), texts=["甲乙丙丁石墨烯", "甲乙丙丁"]) == [["石墨烯"], ["甲乙", "乙丙"]]


def test_n_grams_stand_nearly_as_strong_as_the_strongest_and_are_readable() -> None:
    # 甲 and the marked n-grams are stronger, but tell a reader nothing; 丙丁 is far weaker than 甲乙.
    [grams] = deciding((0, 0), texts=["甲乙丙丁"])
    assert grams == ["甲乙", "乙丙"]


def test_n_grams_are_named_for_the_first_field_of_a_record_only() -> None:
    assert deciding((0, 1), (0, 0), texts=["丁戊甲乙"]) == [["丁戊"], []]


def test_where_nothing_speaks_nothing_is_named() -> None:
    assert deciding((0, 0), (1, 0), texts=["什么", ""]) == [[], []]


def test_no_fields_have_no_terms() -> None:
    assert deciding(texts=["石墨烯"]) == []


@pytest.mark.parametrize("order", [[(0, 0), (1, 1), (2, 0)], [(2, 0), (0, 0), (1, 1)]])
def test_every_record_has_its_own_terms(order: list[tuple[int, int]]) -> None:
    expected = {0: ["石墨烯"], 1: ["轴承"], 2: ["金刚石"]}
    assert deciding(*order, texts=["石墨烯", "轴承", "金刚石"]) == [expected[row] for row, _ in order]
