"""Counting: the same matrix as scikit-learn's CountVectorizer gives over `weighted_terms`, whatever the texts."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from records import records
from sklearn.feature_extraction.text import CountVectorizer

from matching.fields.lexicon import Group, Lexicon
from matching.intake.reading import read_file
from matching.ranking.analysis import WeightedParts, weighted_terms
from matching.ranking.counting import Counts, Lot, count
from matching.ranking.vectors import weighted_parts
from matching.ranking.weights import load_weights
from matching.schema import ID, KINDS, Kind

LEXICON: Final = Lexicon(
    (
        Group("石墨烯", "material", ("石墨烯", "graphene"), ("碳材料",), "S3", 2),
        Group("碳材料", "material", ("碳材料", "carbon material"), (), "S3", 3),
    ),
    frozenset(),
    0.4,
)
PARTS: Final = {"title": 3, "keywords": 2, "problem": 1}

HOSTILE: Final = [
    "",
    " ",
    "，。",
    "碳纤维增强复合材料的连接，CFRP板120kW",
    "ＧＧ－８５９８型挖掘机 ㎡ ㈱ ﬁ ① ２½ x² ￥",
    "𠮷野家🚜🧑‍🌾🇨🇳光𠮷",
    "光\x00伏\x00ab\x00",
    "cafe\u0301 J\u030c \u0301光 e\u0323\u0302 q\u0323\u0307",
    "مرحبا بالعالم ٢٣ שלום",
    "杜邦_线__ab_c1_ _",
    "İstanbul ΣΑΣ ẞ Ǆ ŉ",
    "한국어 \u1112\u1161\u11ab ｶﾞﾊﾟ ガ",
    "沼气\r",
    "\n脱硫\r\n塔",
    "a\u2028b\u3000光\u00a0伏\ufeff\u200b水\x85\x1c",
    "c++ c# 95% 3.5kw a.b AT&T gg-8598",
    "\U0010fffd\U0002ebe0\U00030000丽",
    "光" * 300 + "ab " * 300,
]


def defined(texts: list[WeightedParts], view: str) -> tuple[list[str], sp.csr_matrix]:
    """What counting means."""
    counter = CountVectorizer(analyzer=partial(weighted_terms, view=view))
    try:
        found = counter.fit_transform(texts)
    except ValueError:  # No text has a term.
        return [], sp.csr_matrix((len(texts), 0))
    found.sort_indices()
    return counter.get_feature_names_out().tolist(), found


def assert_same(counts: Counts, texts: list[WeightedParts], view: str) -> None:
    terms, rows = defined(texts, view)
    assert counts.terms.to_list() == terms
    assert counts.rows.shape == rows.shape
    assert counts.rows.indices.dtype == counts.rows.indptr.dtype == np.int32
    for part in ("indptr", "indices", "data"):
        assert getattr(counts.rows, part).tolist() == getattr(rows, part).tolist()


def assert_as_defined(frame: pl.DataFrame, kind: Kind, parts: dict[str, int]) -> Lot:
    (lot,) = count(frame, kind, parts, LEXICON).lots
    frame = frame.sort(ID[kind])
    texts, titles = weighted_parts(frame, parts), [((1, title),) for title in frame["title"]]
    assert_same(lot.characters, texts, "characters")
    assert_same(lot.words, texts, "words")
    assert_same(lot.title_characters, titles, "characters")
    assert_same(lot.title_words, titles, "words")
    return lot


@pytest.mark.parametrize("kind", KINDS)
def test_the_judged_pairs_are_counted_as_defined(judged_pairs: Path, kind: Kind) -> None:
    frame = read_file(judged_pairs / f"{kind}.csv", kind).frame
    lot = assert_as_defined(frame, kind, load_weights().parts[kind])
    assert lot.characters.rows.nnz > 100_000


def test_hostile_texts_are_counted_as_defined() -> None:
    rows: list[dict[str, object]] = [
        {"title": text, "problem": HOSTILE[place - 1], "keywords": HOSTILE[place : place + 3]}
        for place, text in enumerate(HOSTILE)
    ]
    lot = assert_as_defined(records("demands", *rows), "demands", PARTS)
    assert lot.characters.rows.dtype == lot.characters.rows.data.dtype == np.uint16
    assert lot.characters.rows.max() == 300 * 3 + 300 * 2


# What this Python's Unicode does not know may be normalised in another way, and half of a surrogate pair is no text.
KNOWN: Final = st.characters(exclude_categories=("Cs", "Cn"))
MIXED: Final = st.text(
    st.one_of(KNOWN, st.sampled_from("碳纤维复合材料沼气脱硫AbＣ７9-_ ，é\u0301㎏\r\n\x00𠮷²")), max_size=20
)


@given(st.lists(st.tuples(MIXED, MIXED, st.lists(MIXED, max_size=3)), min_size=1, max_size=4))
def test_any_texts_are_counted_as_defined(texts: list[tuple[str, str, list[str]]]) -> None:
    rows = [{"title": title, "problem": problem, "keywords": keywords} for title, problem, keywords in texts]
    assert_as_defined(records("demands", *rows), "demands", PARTS)


def test_many_terms_make_the_tables_grow() -> None:
    """Terms of all lengths, most of them new: tables grow, hashes meet, rows are sorted in both ways."""
    chance = np.random.default_rng(5)
    rows: list[dict[str, object]] = []
    for length in (3, 40, 3_000):
        letters = "".join(map(chr, chance.integers(0x4E00, 0x9FA6, length)))
        codes = " ".join(f"ab{number}" for number in chance.integers(0, 10**9, length))
        rows.append({"title": letters[:30], "problem": f"{letters} {codes} {letters[::-1]}"})
    lot = assert_as_defined(records("demands", *rows), "demands", PARTS)
    assert len(lot.characters.terms) > 10_000
    assert len(lot.words.terms) > 3_000


def test_texts_are_cut_as_if_each_stood_alone() -> None:
    """Many texts are cut together; what ends one and begins the next makes no word, nor a line end of \\r and \\n."""
    halves = [("沼", "气"), ("ab", "cd"), ("9", ".5"), ("\r", "\n"), ("c+", "+"), ("", "沼气"), ("碳纤", "维")] * 9
    rows: list[dict[str, object]] = [{"title": first, "problem": second} for first, second in halves]
    assert_as_defined(records("demands", *rows), "demands", PARTS)


def merged(lots: tuple[Lot, ...], view: str) -> list[dict[str, float]]:
    """Each record's terms with their counts."""
    found = []
    for lot in lots:
        counts: Counts = getattr(lot, view)
        terms = counts.terms.to_list()
        for row in counts.rows:
            found.append({terms[column]: value for column, value in zip(row.indices, row.data.tolist(), strict=True)})
    return found


@pytest.mark.parametrize("view", ["characters", "words", "concepts", "title_characters", "title_words"])
def test_records_are_counted_alike_in_lots_of_any_size(view: str) -> None:
    texts = [*HOSTILE, "石墨烯 graphene 碳材料", "Carbon Material"]
    frame = records("demands", *({"title": each, "problem": each * 2, "keywords": [each]} for each in texts))
    whole = merged(count(frame, "demands", PARTS, LEXICON).lots, view)
    assert any(whole)
    for size in (1, 7):
        counted = count(frame, "demands", PARTS, LEXICON, size)
        assert len(counted.lots) == -(-len(texts) // size)
        assert merged(counted.lots, view) == whole


def test_concepts_count_by_weight_and_share() -> None:
    """A concept counts 1 and the one above it 0.4, in each part the largest alone; parts are summed by weight."""
    frame = records("demands", {"title": "石墨烯", "problem": "碳材料，graphene"}, {}, {"keywords": ["石墨", "烯"]})
    (lot,) = count(frame, "demands", PARTS, LEXICON).lots
    assert lot.concepts.terms.to_list() == ["石墨烯", "碳材料"]
    assert lot.concepts.rows.toarray() == pytest.approx(np.array([[3 + 1, 3 * 0.4 + 1], [0, 0], [0, 0]]))


def test_a_part_of_weight_nought_says_nothing() -> None:
    frame = records("demands", {"title": "沼气", "problem": "脱硫 石墨烯"})
    (lot,) = count(frame, "demands", {"title": 1, "problem": 0}, LEXICON).lots
    assert lot.words.terms.to_list() == ["沼气"]
    assert lot.concepts.terms.is_empty()


def test_without_parts_or_records_there_is_nothing_to_count() -> None:
    (lot,) = count(records("demands", {"title": "沼气"}), "demands", {}, LEXICON).lots
    assert lot.characters.rows.shape == lot.concepts.rows.shape == (1, 0)
    assert lot.title_words.terms.to_list() == ["沼气"]
    assert count(records("demands"), "demands", PARTS, LEXICON).lots == []


def test_ids_are_in_order_and_rows_follow_them() -> None:
    frame = records("demands", {"title": "沼气", "demand_id": "D2"}, {"title": "光", "demand_id": "D1"})
    counted = count(frame, "demands", PARTS, LEXICON)
    assert counted.ids == ("D1", "D2")
    assert merged(counted.lots, "characters") == [{"光": 3}, {"沼": 3, "气": 3, "沼气": 3}]
