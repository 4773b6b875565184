"""A small catalogue with its whole ranking pinned, and the formulas written out a second time.

The catalogue and its lexicon are fictitious. `EXPECTED` was reckoned from the formulas below, in plain Python that
shares nothing with the program, and its order was looked through by hand; one pair's score is worked out besides.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from math import log, sqrt
from typing import Final

import polars as pl
import pytest
import rjieba
from records import records

from matching.fields.lexicon import Group, Lexicon
from matching.pipeline import Ranking, explain, rank
from matching.ranking.weights import Weights
from matching.schema import FIELDS

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
    terms=24,
)

# Demand -> its whole list: achievement, score.
EXPECTED: Final[dict[str, list[tuple[str, float]]]] = {
    "D1": [("A1", 0.870174)],
    "D2": [("A2", 0.557478), ("A3", 0.262052), ("A6", 0.025), ("A8", 0.016109), ("A10", 0.011328)],
    "D3": [("A4", 0.610339), ("A5", 0.420183), ("A6", 0.057906), ("A7", 0.028219), ("A8", 0.0106)],
    "D4": [("A7", 0.449019), ("A6", 0.436042), ("A3", 0.1), ("A4", 0.027155), ("A2", 0.015705)],
    "D5": [("A8", 0.551988), ("A9", 0.315803), ("A3", 0.015804), ("A2", 0.012653), ("A6", 0.009817)],
    "D6": [("A11", 0.518811), ("A12", 0.518811), ("A10", 0.433824), ("A1", 0.016369), ("A4", 0.008795)],
}


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
    )


@pytest.fixture(scope="module")
def ranking() -> Ranking:
    return ranked(5)


def test_the_whole_ranking(ranking: Ranking) -> None:
    found: dict[str, list[tuple[str, float]]] = {demand: [] for demand in DEMANDS["demand_id"]}
    for demand, achievement, score in ranking.candidates.select("demand_id", "achievement_id", "score").iter_rows():
        found[demand].append((achievement, round(score, 6)))
    assert found == EXPECTED


def test_a_score_by_hand(ranking: Ranking) -> None:
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
    assert explain(ranking, "D1", "A1").score == pytest.approx(expected, abs=1e-12)
    assert round(expected, 6) == dict(EXPECTED["D1"])["A1"]


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
    """Part of the score -> pair -> amount."""

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


def test_all_scores_from_the_formulas() -> None:
    rows = ranked(len(ACHIEVEMENTS)).candidates.iter_rows(named=True)
    found = {(row["demand_id"], row["achievement_id"]): row for row in rows}
    expected = from_the_formulas()
    nothing = dict.fromkeys(expected, 0.0)
    for name, pairs in expected.items():
        assert len(pairs) == 6 * 12
        assert sum(amount > 0 for amount in pairs.values()) >= 6, name
        for pair, amount in pairs.items():
            assert found.get(pair, nothing)[name] == pytest.approx(amount, abs=1e-12), (pair, name)


def test_the_pinned_ranking_from_the_formulas() -> None:
    """`EXPECTED` is what the formulas give, whatever the program says."""
    parts = from_the_formulas()
    for demand, expected in EXPECTED.items():
        scores = {
            achievement: sum(pairs[demand, achievement] for pairs in parts.values())
            for achievement in ACHIEVEMENTS["achievement_id"]
        }
        best = sorted((-score, each) for each, score in scores.items() if score > 0)[:5]
        assert [(each, round(-score, 6)) for score, each in best] == expected


def test_identical_achievements_are_in_the_order_of_their_ids(ranking: Ranking) -> None:
    twins = ranking.candidates.filter(pl.col("achievement_id").is_in(["A11", "A12"]), demand_id="D6")
    assert twins["achievement_id"].to_list() == ["A11", "A12"]
    assert twins["rank"].to_list() == [1, 2]
    assert twins["score"].n_unique() == 1
