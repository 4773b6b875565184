"""A small catalogue with its whole ranking pinned, and the formulas written out a second time.

The catalogue, its lexicon and its level model are fictitious. `RETRIEVED` and `EXPECTED` were reckoned from the
formulas below, in plain Python that shares nothing with the program, and their order was looked through by hand; one
pair's similarity and one pair's score are worked out besides.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from math import exp, log, log2, sqrt
from typing import Final

import numpy as np
import polars as pl
import pytest
import rjieba
from records import records

from matching.fields.lexicon import Group, Lexicon
from matching.pipeline import Ranking, explain, rank
from matching.ranking.levels import LevelModel
from matching.ranking.weights import Likeness, Weights
from matching.schema import FIELDS

# The rows of the space are float32, which keeps 24 bits; sums of their products and what follows are as far off.
ROUNDED: Final = 1e-6

DEMANDS: Final = records(
    "demands",
    {"title": "沼气脱硫"},
    {
        "title": "寒地水稻插秧机漏插检测",
        "problem": "插秧后漏插靠人工补苗，费工，要求在作业时检测漏插并报警。",
        "keywords": ["水稻", "插秧机", "机器视觉"],
        "targets": "漏插识别率≥95%",
    },
    {
        "title": "石墨负极材料低温性能提升",
        "problem": "锂离子电池在-40℃放电容量不足，需要改进石墨负极。",
        "keywords": ["石墨", "负极材料", "低温"],
        "field": "新材料",
    },
    {
        "title": "大豆蛋白饮料稳定性",
        "problem": "饮料存放三个月后分层、沉淀。",
        "expected": "常温存放12个月不分层",
        "tried": "试过三种稳定剂",
    },
    {"title": "GG-8598型挖掘机液压泵国产化", "problem": "液压泵噪声大，寿命短。"},
    {"title": "桥梁混凝土冬季施工养护", "problem": "气温-20℃时混凝土强度增长慢。", "keywords": ["混凝土", "养护"]},
)

ACHIEVEMENTS: Final = records(
    "achievements",
    {"title": "沼气脱硫塔"},
    {
        "title": "基于机器视觉的水稻漏插检测装置",
        "summary": "装在插秧机后部，识别漏插并报警。",
        "keywords": ["水稻", "插秧"],
    },
    {"title": "水稻钵苗移栽机", "summary": "适用于寒地水稻，减少补苗用工。", "application": "寒地稻区"},
    {"title": "低温锂离子电池用石墨负极材料", "figures": "-40℃放电容量保持率70%", "keywords": ["石墨", "负极材料"]},
    {"title": "硅碳负极材料制备方法", "summary": "以石墨为骨架，容量600mAh/g。", "field": "新材料"},
    {"title": "大豆分离蛋白改性技术", "summary": "提高溶解性，用于蛋白饮料，减少沉淀。"},
    {"title": "植物蛋白饮料复合稳定剂", "application": "豆奶、核桃乳等饮料", "figures": "常温存放12个月不分层"},
    {"title": "挖掘机液压泵降噪设计", "summary": "噪声降低5dB，寿命延长。"},
    {"title": "8598系列轴向柱塞泵", "summary": "用于液压挖掘机。"},
    {"title": "混凝土冬季施工防冻剂", "summary": "-20℃可施工。", "keywords": ["混凝土", "防冻"]},
    {"title": "桥梁混凝土冬季施工防冻剂", "summary": "-20℃可施工。", "keywords": ["混凝土", "防冻"]},
    {"title": "桥梁混凝土冬季施工防冻剂", "summary": "-20℃可施工。", "keywords": ["混凝土", "防冻"]},
)


def fields(known: dict[str, dict[str, float]]) -> pl.DataFrame:
    """A frame of `schema.FIELDS` from record -> "taxonomy:code" -> confidence."""
    rows = [
        (record, *name.split(":"), confidence, "text", [])
        for record, each in known.items()
        for name, confidence in each.items()
    ]
    return pl.DataFrame(rows, schema=FIELDS, orient="row")


# Fields are given, so that a new term in a taxonomy changes nothing here; D6 and A7 have none.
DEMAND_FIELDS: Final = {
    "D1": {"contract_fields:07": 0.6, "province_4567:N2": 0.3, "province_4567:T1": 0.3},
    "D2": {"contract_fields:09": 0.5},
    "D3": {"contract_fields:05": 1.0, "province_4567:S3": 1.0},
    "D4": {"contract_fields:09": 0.6, "province_4567:T3": 0.75},
    "D5": {"contract_fields:03": 0.75, "province_4567:S4": 0.75},
}
ACHIEVEMENT_FIELDS: Final = {
    "A1": {"contract_fields:07": 0.6, "province_4567:N2": 0.3},
    "A2": {"contract_fields:09": 0.4, "contract_fields:01": 0.3},
    "A3": {"contract_fields:09": 0.6, "province_4567:T3": 0.3},
    "A4": {"contract_fields:06": 0.5, "province_4567:T5": 0.5},
    "A5": {"contract_fields:05": 1.0, "province_4567:S3": 1.0},
    "A6": {"contract_fields:09": 0.6, "province_4567:T3": 0.7},
    "A8": {"contract_fields:03": 0.75, "province_4567:S4": 0.75},
    "A9": {"contract_fields:03": 0.5, "province_4567:S4": 0.5},
    "A10": {"contract_fields:11": 0.75},
    "A11": {"contract_fields:11": 0.5},
    "A12": {"contract_fields:11": 0.5},
}
# Concept -> other forms, broader concepts. A broader one counts 0.4, the next 0.16. Given, for the same reason.
CONCEPTS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "沼气": (("biogas",), ()),
    "插秧机": (("水稻插秧机", "rice transplanter"), ("种植机械",)),
    "移栽机": (("钵苗移栽机",), ("种植机械",)),
    "种植机械": (("planting machinery",), ("农业机械",)),
    "农业机械": (("农机",), ()),
    "锂离子电池": (("锂电池", "lithium-ion battery"), ()),
    "石墨": (("graphite",), ()),
    "负极材料": (("anode material",), ()),
    "大豆蛋白": (("大豆分离蛋白",), ("植物蛋白",)),
    "植物蛋白": (("植物性蛋白",), ()),
    "轴向柱塞泵": (("柱塞泵",), ("液压泵",)),
    "液压泵": (("hydraulic pump",), ()),
    "挖掘机": (("液压挖掘机",), ()),
    "机器视觉": (("machine vision",), ()),
}
LEXICON: Final = Lexicon(
    tuple(
        Group(concept, "concept", (concept, *forms), broader, "S3", row)
        for row, (concept, (forms, broader)) in enumerate(CONCEPTS.items(), start=2)
    ),
    frozenset(),
    0.4,
)
WEIGHTS: Final = Weights(
    parts={
        "demands": {"title": 4, "keywords": 2, "problem": 1, "targets": 1, "expected": 1, "tried": 1},
        "achievements": {"title": 4, "keywords": 2, "summary": 1, "application": 1, "figures": 1},
    },
    characters=0.8,
    words=0.1,
    concepts=0.1,
    text=0.9,
    field=0.1,
    taxonomies={"province_4567": 3.0},
    retrieved=6,
    strength=1.0,
    likeness=Likeness(near=0.5, demand=0.2, achievement=1.0, features=0.5, noise=1.0),
    terms=24,
    reasons=5,
)

# What each feature has as mean and scale, and in the logits of reaching the levels 2, 3 and 4.
FEATURES: Final[dict[str, tuple[float, float, tuple[float, float, float]]]] = {
    "characters": (0.2, 0.2, (0.5, 0.7, 0.6)),
    "characters_title_title": (0.1, 0.2, (0.3, 0.6, 0.9)),
    "concepts": (0.2, 0.25, (0.6, 0.5, 0.4)),
    "feedback": (0.1, 0.1, (0.2, 0.1, -0.1)),
    "characters_in_list": (0.0, 1.0, (0.6, 0.4, 0.3)),
    "place_rank": (1.5, 1.0, (-0.5, -0.4, -0.3)),
}
INTERCEPTS: Final = (0.4, -0.9, -2.2)
MODEL: Final = LevelModel(
    source="by hand",
    names=tuple(FEATURES),
    mean=tuple(mean for mean, _, _ in FEATURES.values()),
    scale=tuple(scale for _, scale, _ in FEATURES.values()),
    coefficients=tuple(tuple(slopes[step] for _, _, slopes in FEATURES.values()) for step in range(3)),
    intercepts=INTERCEPTS,
)

# Demand -> the five nearest achievements: achievement, similarity.
RETRIEVED: Final[dict[str, list[tuple[str, float]]]] = {
    "D1": [("A1", 0.870174)],
    "D2": [("A2", 0.557478), ("A3", 0.262052), ("A6", 0.025), ("A8", 0.016109), ("A10", 0.011328)],
    "D3": [("A4", 0.610339), ("A5", 0.420183), ("A6", 0.057906), ("A7", 0.028219), ("A8", 0.0106)],
    "D4": [("A7", 0.449019), ("A6", 0.436042), ("A3", 0.1), ("A4", 0.027155), ("A2", 0.015705)],
    "D5": [("A8", 0.551988), ("A9", 0.315803), ("A3", 0.015804), ("A2", 0.012653), ("A6", 0.009817)],
    "D6": [("A11", 0.518811), ("A12", 0.518811), ("A10", 0.433824), ("A1", 0.016369), ("A4", 0.008795)],
}

# Demand -> its whole list: achievement, score, level, probabilities of reaching the levels 2, 3 and 4.
#
# Looked over by eye, the order makes sense. Every demand has first what answers it, at level 4: D1 the scrubber, D2 the
# detector of missed seedlings, D3 the graphite electrode, D4 the stabiliser, D5 the quieter pump, D6 the two admixtures
# for bridges. Then comes what helps in part: at level 3 A3 (another rice machine), A5 (another electrode) and A9
# (another pump), at level 4 A6 (soy protein for drinks) and A10 (an admixture, not for bridges). All else shares
# characters or a field by chance and is at level 1, below 0.1. What the model turns round is among these: D4 has A4 and
# A5, some of whose characters it shares, before A3 and A2, with which it shares a field, or a field and a character.
Pinned = tuple[str, float, int, tuple[float, ...]]
EXPECTED: Final[dict[str, list[Pinned]]] = {
    "D1": [
        ("A1", 0.99446, 4, (0.996391, 0.996391, 0.993011)),
    ],
    "D2": [
        ("A2", 0.941865, 4, (0.994446, 0.980913, 0.909196)),
        ("A3", 0.37538, 3, (0.798914, 0.510589, 0.201892)),
        ("A6", 0.062599, 1, (0.216496, 0.065315, 0.022767)),
        ("A8", 0.060967, 1, (0.194928, 0.064549, 0.025686)),
        ("A10", 0.049321, 1, (0.160456, 0.05151, 0.020442)),
    ],
    "D3": [
        ("A4", 0.968105, 4, (0.997877, 0.992165, 0.948632)),
        ("A5", 0.660991, 3, (0.966772, 0.856495, 0.486794)),
        ("A6", 0.091388, 1, (0.285697, 0.101415, 0.037797)),
        ("A7", 0.063864, 1, (0.204905, 0.068505, 0.026284)),
        ("A8", 0.047145, 1, (0.151406, 0.049332, 0.019987)),
    ],
    "D4": [
        ("A7", 0.900139, 4, (0.986144, 0.959144, 0.849136)),
        ("A6", 0.806006, 4, (0.979992, 0.921382, 0.704822)),
        ("A4", 0.065161, 1, (0.209726, 0.069852, 0.026674)),
        ("A3", 0.061724, 1, (0.214394, 0.06458, 0.022128)),
        ("A5", 0.048233, 1, (0.149879, 0.051084, 0.021396)),
    ],
    "D5": [
        ("A8", 0.939463, 4, (0.996267, 0.98343, 0.903279)),
        ("A9", 0.375812, 3, (0.869832, 0.550437, 0.164994)),
        ("A3", 0.068948, 1, (0.222257, 0.073641, 0.028274)),
        ("A2", 0.056421, 1, (0.180514, 0.059699, 0.023759)),
        ("A6", 0.046439, 1, (0.149111, 0.048639, 0.019671)),
    ],
    "D6": [
        ("A11", 0.898955, 4, (0.99097, 0.97765, 0.836603)),
        ("A12", 0.898955, 4, (0.99097, 0.97765, 0.836603)),
        ("A10", 0.704371, 4, (0.959344, 0.900267, 0.54268)),
        ("A1", 0.04882, 1, (0.154085, 0.051812, 0.021007)),
        ("A4", 0.041445, 1, (0.129421, 0.043772, 0.018287)),
    ],
}
# Demands whose five best come otherwise than the retrieval has them.
CHANGED: Final = {"D4"}


@pytest.fixture(scope="module", autouse=True)
def _small_lexicon() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("matching.ranking.vectors.load_lexicon", lambda: LEXICON)
        yield


def ranked(top: int) -> Ranking:
    return rank(
        DEMANDS,
        ACHIEVEMENTS,
        top,
        demand_fields=fields(DEMAND_FIELDS),
        achievement_fields=fields(ACHIEVEMENT_FIELDS),
        weights=WEIGHTS,
        model=MODEL,
    )


@pytest.fixture(scope="module")
def ranking() -> Ranking:
    return ranked(5)


def test_the_whole_ranking(ranking: Ranking) -> None:
    found: dict[str, list[Pinned]] = {demand: [] for demand in DEMANDS["demand_id"]}
    for row in ranking.candidates.iter_rows(named=True):
        reached = (row["reach_two"], row["reach_three"], row["reach_four"])
        found[row["demand_id"]].append((row["achievement_id"], row["score"], row["level"], reached))
    assert list(found) == list(EXPECTED)
    for demand, pinned in EXPECTED.items():
        assert [(each[0], each[2]) for each in found[demand]] == [(each[0], each[2]) for each in pinned]
        numbers, expected = ([(each[1], *each[3]) for each in rows] for rows in (found[demand], pinned))
        # Pinned to six decimals, which is half of this.
        assert np.array(numbers) == pytest.approx(np.array(expected), abs=ROUNDED), demand


def test_a_similarity_by_hand(ranking: Ranking) -> None:
    """D1 沼气脱硫 and A1 沼气脱硫塔, of which nothing stands in the other 16 records but what is counted here.

    Characters: 沼 气 脱 硫 沼气 气脱 脱硫 of both, 塔 硫塔 of A1 alone; 气 also in D6 (气温). Words: 沼气 脱硫 of both
    (塔 is one character). A title counts four times, which is the same for every term and falls out of a cosine.
    Concepts: 沼气 of both and no other, so 1.

    Fields of taxonomy contract_fields, a quarter of the block: 07 alone on both sides, so 1. Of province_4567, three
    quarters: D1 is alone with N2 and with T1, both 0.3, so each has half of the square; A1 has N2 alone.
    """
    twice, thrice, once = (1 + log((1 + 18) / (1 + records_with_it)) for records_with_it in (2, 3, 1))
    shared = 6 * twice**2 + thrice**2
    characters = shared / (sqrt(shared) * sqrt(shared + 2 * once**2))
    words = concepts = 1.0
    fields = 1 / 4 + 3 / 4 * sqrt(1 / 2)
    expected = 0.9 * (0.8 * characters + 0.1 * words + 0.1 * concepts) + 0.1 * fields
    assert explain(ranking, "D1", "A1").similarity == pytest.approx(expected, abs=ROUNDED)
    assert round(expected, 6) == dict(RETRIEVED["D1"])["A1"]


def test_a_score_by_hand(ranking: Ranking) -> None:
    """D1 and A1, which is alone on D1's list: nothing speaks for it there, nothing is above it.

    The titles alone have the characters of the pair as a whole, for D1 and A1 say nothing else. Reaching the level 3 is
    no less likely than reaching 2 by the third of the numbers, so it is held to the second.
    """
    twice, thrice, once = (1 + log((1 + 18) / (1 + records_with_it)) for records_with_it in (2, 3, 1))
    shared = 6 * twice**2 + thrice**2
    characters = shared / (sqrt(shared) * sqrt(shared + 2 * once**2))
    text, title, concept = (characters - 0.2) / 0.2, (characters - 0.1) / 0.2, (1 - 0.2) / 0.25
    feedback, place = (0 - 0.1) / 0.1, (log2(1) - 1.5) / 1
    two = 0.4 + 0.5 * text + 0.3 * title + 0.6 * concept + 0.2 * feedback - 0.5 * place
    three = -0.9 + 0.7 * text + 0.6 * title + 0.5 * concept + 0.1 * feedback - 0.4 * place
    four = -2.2 + 0.6 * text + 0.9 * title + 0.4 * concept - 0.1 * feedback - 0.3 * place
    assert three > two > four
    expected = (3 / (1 + exp(-two)) + 4 / (1 + exp(-four))) / 7
    why = explain(ranking, "D1", "A1")
    assert why.score == pytest.approx(expected, abs=ROUNDED)
    assert round(expected, 6) == EXPECTED["D1"][0][1]
    assert why.level == 4
    assert why.certainty == pytest.approx(1 / (1 + exp(-four)), abs=ROUNDED)


# The formulas once more. A document is a list of (weight, text).
Document = list[tuple[int, str]]
Vector = dict[str, float]


def documents() -> tuple[list[Document], list[Document]]:
    weights = {"title": 4, "keywords": 2}
    sides = []
    for frame, parts in (
        (DEMANDS, ["title", "keywords", "problem", "targets", "expected", "tried"]),
        (ACHIEVEMENTS, ["title", "keywords", "summary", "application", "figures"]),
    ):
        sides.append(
            [
                [
                    (weights.get(part, 1), text.casefold().replace("℃", "°c"))
                    for part in parts
                    for text in (row[part] if isinstance(row[part], list) else [row[part]])
                ]
                for row in frame.iter_rows(named=True)
            ]
        )
    return sides[0], sides[1]


def character_terms(text: str) -> list[str]:
    runs = re.findall(r"[a-z0-9]+|[\u4e00-\u9fff]+", text)
    latin = [run for run in runs if run.isascii()]
    chinese = [run for run in runs if not run.isascii()]
    return latin + [each for run in chinese for each in run] + [a + b for run in chinese for a, b in pairwise(run)]


def word_terms(text: str) -> list[str]:
    return [word for word in rjieba.cut(text, hmm=False) if len(word) >= 2]


def concepts_of(text: str) -> dict[str, float]:
    """From the left the longest form at each place; a broader concept has the largest of what leads to it."""
    form_of = {form: concept for concept, (forms, _) in CONCEPTS.items() for form in (concept, *forms)}
    counts: Counter[str] = Counter()
    while text:
        form = max((form for form in form_of if text.startswith(form)), key=len, default="")
        if form:
            counts[form_of[form]] += 1
        text = text[len(form) or 1 :]
    found: dict[str, float] = {}
    for concept, count in counts.items():
        amount, level = float(count), [concept]
        while level:
            found |= {each: max(found.get(each, 0.0), amount) for each in level}
            amount, level = amount * 0.4, [above for each in level for above in CONCEPTS[each][1]]
    return found


def tf_idf(counts: list[dict[str, float]], of_count: Callable[[float], float]) -> list[Vector]:
    """What a count counts x (1 + ln((1 + n) / (1 + df))), each vector of length 1."""
    frequency = Counter(term for count in counts for term in count)
    return [
        unit({term: of_count(n) * (1 + log((1 + len(counts)) / (1 + frequency[term]))) for term, n in count.items()})
        for count in counts
    ]


def unit(vector: Vector) -> Vector:
    length = sqrt(sum(amount**2 for amount in vector.values()))
    return {term: amount / length for term, amount in vector.items()}


def dot(left: Vector, right: Vector) -> float:
    return sum(amount * right.get(term, 0.0) for term, amount in left.items())


def cosines(left: list[Vector], right: list[Vector]) -> dict[tuple[str, str], float]:
    return {
        (f"D{row}", f"A{column}"): dot(one, other)
        for row, one in enumerate(left, start=1)
        for column, other in enumerate(right, start=1)
    }


def of_fields(known: dict[str, dict[str, float]], ids: pl.Series) -> list[Vector]:
    """Each confidence over the root of how common the field is; a quarter and three quarters for the taxonomies."""
    common = {name: sum(each.get(name, 0.0) for each in known.values()) / len(ids) for name in NAMES_OF_FIELDS}
    vectors = []
    for identity in ids:
        each = known.get(identity, {})
        vector: Vector = {}
        for taxonomy, share in (("contract_fields", 1 / 4), ("province_4567", 3 / 4)):
            part = unit({name: each[name] / sqrt(common[name]) for name in each if name.startswith(taxonomy)})
            vector |= {name: amount * sqrt(share) for name, amount in part.items()}
        vectors.append(vector)
    return vectors


NAMES_OF_FIELDS: Final = {
    name for known in (DEMAND_FIELDS, ACHIEVEMENT_FIELDS) for each in known.values() for name in each
}


def of_texts(
    terms: Callable[[str], dict[str, float]], of_count: Callable[[float], float]
) -> tuple[list[Vector], list[Vector]]:
    demands, achievements = documents()
    counts = []
    for document in (*demands, *achievements):
        count: dict[str, float] = {}
        for weight, text in document:
            for term, n in terms(text).items():
                count[term] = count.get(term, 0.0) + weight * n
        counts.append(count)
    vectors = tf_idf(counts, of_count)
    return vectors[: len(demands)], vectors[len(demands) :]


def from_the_formulas() -> dict[str, dict[tuple[str, str], float]]:
    """Part of the similarity -> pair -> amount."""

    def sublinear(n: float) -> float:
        return 1 + log(n)

    cosine = {
        "character_part": cosines(*of_texts(lambda text: Counter(character_terms(text)), sublinear)),
        "word_part": cosines(*of_texts(lambda text: Counter(word_terms(text)), sublinear)),
        "concept_part": cosines(*of_texts(concepts_of, lambda n: log(1 + n))),
        "field_part": cosines(
            of_fields(DEMAND_FIELDS, DEMANDS["demand_id"]),
            of_fields(ACHIEVEMENT_FIELDS, ACHIEVEMENTS["achievement_id"]),
        ),
    }
    share = {"character_part": 0.9 * 0.8, "word_part": 0.9 * 0.1, "concept_part": 0.9 * 0.1, "field_part": 0.1}
    return {name: {pair: share[name] * each for pair, each in pairs.items()} for name, pairs in cosine.items()}


def test_all_similarities_from_the_formulas() -> None:
    rows = ranked(len(ACHIEVEMENTS)).candidates.iter_rows(named=True)
    found = {(row["demand_id"], row["achievement_id"]): row for row in rows}
    expected = from_the_formulas()
    nothing = dict.fromkeys(expected, 0.0)
    for name, pairs in expected.items():
        assert len(pairs) == 6 * 12
        assert sum(amount > 0 for amount in pairs.values()) >= 6, name
        for pair, amount in pairs.items():
            assert found.get(pair, nothing)[name] == pytest.approx(amount, abs=ROUNDED), (pair, name)
    for pair, row in found.items():
        whole = sum(pairs[pair] for pairs in expected.values())
        assert row["similarity"] == pytest.approx(whole, abs=ROUNDED), pair
    assert len(found) == sum(any(pairs[pair] > 0 for pairs in expected.values()) for pair in expected["field_part"])


def test_the_pinned_retrieval_from_the_formulas() -> None:
    """`RETRIEVED` is what the formulas give, whatever the program says."""
    parts = from_the_formulas()
    for demand, expected in RETRIEVED.items():
        scores = {
            achievement: sum(pairs[demand, achievement] for pairs in parts.values())
            for achievement in ACHIEVEMENTS["achievement_id"]
        }
        best = sorted((-score, each) for each, score in scores.items() if score > 0)[:5]
        assert [(each, round(-score, 6)) for score, each in best] == expected


# The level model once more.
NOTHING: Final = 1e-9


def whole_vectors() -> dict[str, Vector]:
    """Record -> all four blocks in one, each with the root of its share."""
    blocks = {
        "characters": (0.9 * 0.8, of_texts(lambda text: Counter(character_terms(text)), lambda n: 1 + log(n))),
        "words": (0.9 * 0.1, of_texts(lambda text: Counter(word_terms(text)), lambda n: 1 + log(n))),
        "concepts": (0.9 * 0.1, of_texts(concepts_of, lambda n: log(1 + n))),
        "fields": (
            0.1,
            (
                of_fields(DEMAND_FIELDS, DEMANDS["demand_id"]),
                of_fields(ACHIEVEMENT_FIELDS, ACHIEVEMENTS["achievement_id"]),
            ),
        ),
    }
    found: dict[str, Vector] = {each: {} for each in (*DEMANDS["demand_id"], *ACHIEVEMENTS["achievement_id"])}
    for block, (share, sides) in blocks.items():
        for letter, side in zip("DA", sides, strict=True):
            for number, vector in enumerate(side, start=1):
                found[f"{letter}{number}"] |= {f"{block}:{term}": each * sqrt(share) for term, each in vector.items()}
    return found


def title_vectors() -> dict[str, Vector]:
    """Record -> the characters of its title alone, each as often as it stands there, as rare as in the whole texts."""
    sides = documents()
    texts = [[text for _, text in document] for document in (*sides[0], *sides[1])]
    frequency = Counter(term for each in texts for term in {term for text in each for term in character_terms(text)})
    names = [*DEMANDS["demand_id"], *ACHIEVEMENTS["achievement_id"]]
    return {
        name: unit(
            {
                term: (1 + log(n)) * (1 + log((1 + len(texts)) / (1 + frequency[term])))
                for term, n in Counter(character_terms(title)).items()
            }
        )
        for name, (title, *_) in zip(names, texts, strict=True)
    }


def features_from_the_formulas(length: int) -> dict[tuple[str, str], dict[str, float]]:
    """Pair of a list of at most `length` -> feature -> value."""
    parts, whole, titles = from_the_formulas(), whole_vectors(), title_vectors()
    similarity = {pair: sum(pairs[pair] for pairs in parts.values()) for pair in parts["field_part"]}
    found: dict[tuple[str, str], dict[str, float]] = {}
    for demand in DEMANDS["demand_id"]:
        order = sorted((-similarity[demand, each], each) for each in ACHIEVEMENTS["achievement_id"])
        own = [each for negative, each in order if negative < 0][:length]
        characters = {each: parts["character_part"][demand, each] / (0.9 * 0.8) for each in own}
        mean = sum(characters.values()) / len(own)
        spread = sqrt(sum((amount - mean) ** 2 for amount in characters.values()) / len(own))
        for each in own:
            others = [(similarity[demand, other], dot(whole[other], whole[each])) for other in own if other != each]
            total = sum(weight for weight, _ in others)
            better = sum(similarity[demand, other] > similarity[demand, each] + NOTHING for other in own)
            found[demand, each] = {
                "characters": characters[each],
                "characters_title_title": dot(titles[demand], titles[each]),
                "concepts": parts["concept_part"][demand, each] / (0.9 * 0.1),
                "feedback": sum(weight * alike for weight, alike in others) / total if total > NOTHING else 0.0,
                "characters_in_list": (characters[each] - mean) / spread if spread > NOTHING else 0.0,
                "place_rank": log2(1 + better),
            }
    return found


def logits(values: dict[str, float]) -> list[float]:
    """Logits of reaching the levels 2, 3 and 4."""
    return [
        intercept
        + sum(slopes[step] * (values[name] - mean) / scale for name, (mean, scale, slopes) in FEATURES.items())
        for step, intercept in enumerate(INTERCEPTS)
    ]


def chance(logit: float) -> float:
    return 1 / (1 + exp(-logit))


def falling(chances: list[float]) -> tuple[float, float, float]:
    """No level is likelier to be reached than the one below it."""
    two, three, four = chances
    return two, min(two, three), min(two, three, four)


def expected_gain(reached: tuple[float, float, float]) -> float:
    """Levels 1 to 4 gain 0, 1, 3 and 7; the most is 7."""
    two, three, four = reached
    return (0 * (1 - two) + 1 * (two - three) + 3 * (three - four) + 7 * four) / 7


def median_level(reached: tuple[float, float, float]) -> int:
    return max(level for level, chance_of_it in zip((1, 2, 3, 4), (1.0, *reached), strict=True) if chance_of_it > 0.5)


@pytest.mark.parametrize("top", [5, 6, 12])
def test_all_scores_from_the_formulas(top: int) -> None:
    """The length of a list is at least what is retrieved: 6 for the first two, 12 for the third."""
    expected = features_from_the_formulas(max(top, 6))
    rows = {(row["demand_id"], row["achievement_id"]): row for row in ranked(top).candidates.iter_rows(named=True)}
    assert set(rows) <= set(expected)
    if top >= 6:
        assert set(rows) == set(expected)
    held = 0
    for pair, row in rows.items():
        chances = [chance(logit) for logit in logits(expected[pair])]
        reached = falling(chances)
        held += reached != tuple(chances)
        found = (row["reach_two"], row["reach_three"], row["reach_four"])
        assert found == pytest.approx(reached, abs=ROUNDED), pair
        assert row["score"] == pytest.approx(expected_gain(reached), abs=ROUNDED), pair
        level = median_level(reached)
        assert row["level"] == level, pair
        bounds = (1.0, *reached, 0.0)
        assert row["certainty"] == pytest.approx(bounds[level - 1] - bounds[level], abs=ROUNDED), pair
    assert 0 < held < len(rows)


def test_all_features_from_the_formulas(ranking: Ranking) -> None:
    for (demand, achievement), expected in features_from_the_formulas(6).items():
        table = explain(ranking, demand, achievement).features
        found = dict(table.select("feature", "value").iter_rows())
        assert found == pytest.approx(expected, abs=ROUNDED), (demand, achievement)


def test_the_parts_of_the_score_are_integrated_slopes(ranking: Ranking) -> None:
    """From the average pair straight to this one, by Simpson's rule; what is held to another level is limited."""
    slope_of_score, places = (1 / 7, 2 / 7, 4 / 7), 400
    held = 0
    for (demand, achievement), values in features_from_the_formulas(6).items():
        ends = logits(values)
        expected = dict.fromkeys(FEATURES, 0.0)
        for place in range(places + 1):
            rule = (1 if place in (0, places) else 4 if place % 2 else 2) / (3 * places)
            for step, (start, end) in enumerate(zip(INTERCEPTS, ends, strict=True)):
                now = chance(start + (end - start) * place / places)
                for name, (mean, scale, slopes) in FEATURES.items():
                    rise = slopes[step] * (values[name] - mean) / scale
                    expected[name] += rule * slope_of_score[step] * now * (1 - now) * rise
        why = explain(ranking, demand, achievement)
        found = dict(why.features.select("feature", "part").iter_rows())
        assert found == pytest.approx(expected, abs=ROUNDED), (demand, achievement)
        chances = [chance(each) for each in ends]
        pairs = zip(falling(chances), chances, slope_of_score, strict=True)
        taken_off = sum((reached - each) * share for reached, each, share in pairs)
        assert why.limited == pytest.approx(taken_off, abs=ROUNDED), (demand, achievement)
        assert why.base == pytest.approx(expected_gain(falling([chance(each) for each in INTERCEPTS])), abs=ROUNDED)
        held += taken_off < 0
    assert held >= 1


def test_the_pinned_ranking_from_the_formulas() -> None:
    """`EXPECTED` is what the formulas give, whatever the program says."""
    reached = {pair: falling([chance(each) for each in logits(v)]) for pair, v in features_from_the_formulas(6).items()}
    for demand, expected in EXPECTED.items():
        # Equal numbers that were summed in another order are equal again after twelve digits.
        of_demand = [(-round(expected_gain(each), 12), pair[1]) for pair, each in reached.items() if pair[0] == demand]
        best = [(each, round(-score, 6)) for score, each in sorted(of_demand)[:5]]
        assert best == [(each, score) for each, score, _, _ in expected]
        for each, _, level, chances in expected:
            assert tuple(round(amount, 6) for amount in reached[demand, each]) == chances
            assert median_level(reached[demand, each]) == level


def test_the_level_model_changes_the_order_of_the_retrieval() -> None:
    by_similarity = {demand: [each for each, _ in pinned] for demand, pinned in RETRIEVED.items()}
    by_score = {demand: [each for each, *_ in pinned] for demand, pinned in EXPECTED.items()}
    assert {demand for demand in by_score if by_score[demand] != by_similarity[demand]} == CHANGED


def test_identical_achievements_are_in_the_order_of_their_ids(ranking: Ranking) -> None:
    twins = ranking.candidates.filter(pl.col("achievement_id").is_in(["A11", "A12"]), demand_id="D6")
    assert twins["achievement_id"].to_list() == ["A11", "A12"]
    assert twins["rank"].to_list() == [1, 2]
    assert twins["score"].n_unique() == 1
    assert twins["similarity"].n_unique() == 1
