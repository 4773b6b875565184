"""A small catalogue with its whole ranking pinned, and the formulas written out a second time.

The catalogue is fictitious. `EXPECTED` says what the program gave when the scores were last looked through; two
things stand beside it that were not copied from the program: one pair's score worked out by hand, and all scores
from the formulas in plain Python.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from math import log, sqrt
from typing import Final

import polars as pl
import pytest
import rjieba
from records import records

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
WEIGHTS: Final = Weights(
    parts={
        "demands": {"title": 4, "keywords": 2, "problem": 1, "targets": 1, "expected": 1, "tried": 1},
        "achievements": {"title": 4, "keywords": 2, "summary": 1, "application": 1, "figures": 1},
    },
    characters=0.9,
    words=0.1,
    text=0.95,
    field=0.05,
    terms=24,
)

# Demand -> its whole list: achievement, score.
EXPECTED: Final[dict[str, list[tuple[str, float]]]] = {
    "D1": [("A1", 0.867561)],
    "D2": [("A2", 0.597126), ("A3", 0.298669), ("A6", 0.03254), ("A8", 0.019129), ("A10", 0.013452)],
    "D3": [("A4", 0.614438), ("A5", 0.33126), ("A6", 0.068763), ("A7", 0.03351), ("A8", 0.012587)],
    "D4": [("A7", 0.478069), ("A6", 0.341184), ("A3", 0.045398), ("A4", 0.032246), ("A2", 0.028793)],
    "D5": [("A8", 0.475731), ("A9", 0.250365), ("A3", 0.018768), ("A2", 0.015025), ("A6", 0.011657)],
    "D6": [("A11", 0.608416), ("A12", 0.608416), ("A10", 0.508771), ("A1", 0.019439), ("A4", 0.010445)],
}


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
    Fields: 07 0.6, N2 0.3, T1 0.3 and 07 0.6, N2 0.3.
    """
    twice, thrice, once = (1 + log((1 + 18) / (1 + records_with_it)) for records_with_it in (2, 3, 1))
    shared = 6 * twice**2 + thrice**2
    characters = shared / (sqrt(shared) * sqrt(shared + 2 * once**2))
    words = 1.0
    fields = (0.6 * 0.6 + 0.3 * 0.3) / (sqrt(0.6**2 + 0.3**2 + 0.3**2) * sqrt(0.6**2 + 0.3**2))
    expected = 0.95 * 0.9 * characters + 0.95 * 0.1 * words + 0.05 * fields
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


def tf_idf(counts: list[Counter[str]]) -> list[Vector]:
    """(1 + ln tf) x (1 + ln((1 + n) / (1 + df))), each vector of length 1."""
    frequency = Counter(term for count in counts for term in count)
    vectors = []
    for count in counts:
        raw = {term: (1 + log(n)) * (1 + log((1 + len(counts)) / (1 + frequency[term]))) for term, n in count.items()}
        length = sqrt(sum(amount**2 for amount in raw.values()))
        vectors.append({term: amount / length for term, amount in raw.items()})
    return vectors


def dot(left: Vector, right: Vector) -> float:
    return sum(amount * right.get(term, 0.0) for term, amount in left.items())


def cosines(left: list[Vector], right: list[Vector]) -> dict[tuple[str, str], float]:
    return {
        (f"D{row}", f"A{column}"): dot(one, other)
        for row, one in enumerate(left, start=1)
        for column, other in enumerate(right, start=1)
    }


def of_fields(known: dict[str, dict[str, float]], ids: pl.Series) -> list[Vector]:
    each = [known.get(identity, {}) for identity in ids]
    lengths = [sqrt(sum(amount**2 for amount in one.values())) for one in each]
    return [{name: amount / length for name, amount in one.items()} for one, length in zip(each, lengths, strict=True)]


def of_texts(terms: Callable[[str], list[str]]) -> tuple[list[Vector], list[Vector]]:
    demands, achievements = documents()
    vectors = tf_idf(
        [
            Counter(term for weight, text in document for term in terms(text) * weight)
            for document in (*demands, *achievements)
        ]
    )
    return vectors[: len(demands)], vectors[len(demands) :]


def test_all_scores_from_the_formulas() -> None:
    parts = {
        "character_part": (0.95 * 0.9, cosines(*of_texts(character_terms))),
        "word_part": (0.95 * 0.1, cosines(*of_texts(word_terms))),
        "field_part": (
            0.05,
            cosines(
                of_fields(DEMAND_FIELDS, DEMANDS["demand_id"]),
                of_fields(ACHIEVEMENT_FIELDS, ACHIEVEMENTS["achievement_id"]),
            ),
        ),
    }
    rows = ranked(len(ACHIEVEMENTS)).candidates.iter_rows(named=True)
    found = {(row["demand_id"], row["achievement_id"]): row for row in rows}
    nothing = dict.fromkeys(parts, 0.0)
    for name, (share, expected) in parts.items():
        assert len(expected) == 6 * 12
        for pair, cosine in expected.items():
            assert found.get(pair, nothing)[name] == pytest.approx(share * cosine, abs=1e-12), (pair, name)


def test_identical_achievements_are_in_the_order_of_their_ids(ranking: Ranking) -> None:
    twins = ranking.candidates.filter(pl.col("achievement_id").is_in(["A11", "A12"]), demand_id="D6")
    assert twins["achievement_id"].to_list() == ["A11", "A12"]
    assert twins["rank"].to_list() == [1, 2]
    assert twins["score"].n_unique() == 1
