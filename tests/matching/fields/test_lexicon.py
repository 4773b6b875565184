"""The lexicon of the trade, its rules, and the concepts that texts name."""

from __future__ import annotations

import csv
import random
from collections import Counter
from dataclasses import replace
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from places import ROOT

from matching.errors import DataFileError
from matching.fields.lexicon import Group, Lexicon, broken_rules, concepts_in, load_lexicon, read_lexicon
from matching.fields.taxonomies import load_taxonomy
from matching.fields.terms import normalised

FOLDER = ROOT / "datasets" / "lexicon"
COLUMNS = ["term", "kind", "same", "english", "abbreviations", "broader"]
KINDS = {"material", "process", "device", "organism", "drug", "software", "product", "service", "concept"}
RICH = {"N1", "N2", "S3"}

# Texts that name one thing in different words, from many fields.
ALIKE = [
    ("石墨烯导热膜的制备", "graphene heat spreader"),
    ("增材制造用金属粉末", "3D打印粉末", "additive manufacturing of metals"),
    ("碳纤维增强复合材料机翼", "CFRP wing", "ＣＦＲＰ机翼"),
    ("机器学习预测模型", "machine learning for forecasts"),
    ("单克隆抗体的表达", "单抗的表达", "monoclonal antibody expression", "mAb 表达"),
    ("涤纶的染色", "聚酯纤维的染色", "polyester fibre dyeing"),
    ("双氧水的稳定", "过氧化氢的稳定", "H2O2 的稳定"),
    ("用FPGA实现", "现场可编程门阵列实现", "field-programmable gate array design"),
    ("农用拖拉机底盘", "farm tractor chassis"),
    ("奶制品新品开发", "乳制品新品开发", "dairy products"),
    ("冰箱的门封", "电冰箱的门封", "refrigerator doors"),
    ("即时定位与地图构建", "同步定位与建图", "SLAM 算法"),
    ("第三方物流仓储", "3PL 仓储", "third-party logistics"),
    ("太阳能集热器效率", "solar collector efficiency"),
    ("图数据库查询", "graph database queries"),
    ("智能假肢关节", "仿生：智能义肢", "smart prosthesis joint"),
    ("自适应巡航控制", "adaptive cruise control"),
    ("冬奥会场馆", "冬季奥运会场馆", "Winter Olympics venues"),
]


def group(term: str, *others: str, kind: str = "material", broader: tuple[str, ...] = (), row: int = 2) -> Group:
    return Group(term, kind, (normalised(term), *others), broader, "S3", row)


GOOD = Lexicon(
    (
        group("碳材料", "carbon material"),
        group("石墨烯", "graphene", broader=("碳材料",), row=3),
        group("氧化石墨烯", "graphene oxide", "go材料", broader=("石墨烯",), row=4),
    ),
    frozenset({"材料"}),
    0.5,
)


def with_group(*others: str, term: str = "金刚石", **changes: object) -> Lexicon:
    """The good lexicon with one group more."""
    added = replace(group(term, *(others or ("diamond",)), row=5), **changes)
    return replace(GOOD, groups=(*GOOD.groups, added))


def named(text: str, lexicon: Lexicon) -> dict[str, float]:
    """Concepts of a text with their counts."""
    found = concepts_in(pl.Series([normalised(text)]), lexicon)
    return dict(found.select("concept", "count").iter_rows())


def direct(*texts: str) -> list[set[str]]:
    """For each text the concepts of the shipped lexicon that it names itself."""
    found = concepts_in(pl.Series([normalised(text) for text in texts]), load_lexicon()).filter(pl.col("count") >= 1)
    return [set(found.filter(pl.col("row") == row)["concept"]) for row in range(len(texts))]


def test_every_field_of_the_province_has_its_file() -> None:
    assert {file.stem for file in FOLDER.glob("*.csv")} == {node.code for node in load_taxonomy("province_4567").fields}


def test_every_field_has_groups_enough() -> None:
    counts = Counter(each.field for each in load_lexicon().groups)
    assert {field: count for field, count in counts.items() if count < (300 if field in RICH else 100)} == {}
    assert len(counts) == 22


def test_the_shipped_lexicon_breaks_no_rule() -> None:
    assert broken_rules(read_lexicon(FOLDER)) == []


def test_groups_hold_to_the_rules_when_they_are_read_by_hand(rng: random.Random) -> None:
    rows = [row for file in sorted(FOLDER.glob("*.csv")) for row in csv.DictReader(StringIO(file.read_text("utf-8")))]
    forms = [
        [normalised(form.strip()) for cell in COLUMNS[:1] + COLUMNS[2:5] for form in row[cell].split("|") if form]
        for row in rows
    ]
    claims = Counter(form for each in forms for form in each)
    heads = {each[0] for each in forms}
    vague = load_lexicon().ambiguous
    assert {"系统", "平台", "技术", "材料", "设备", "system"} <= vague
    for place in rng.sample(range(len(rows)), 400):
        row = rows[place]
        assert list(row) == COLUMNS
        assert row["kind"] in KINDS, row
        assert len(forms[place]) >= 2, row
        for form in forms[place]:
            assert claims[form] == 1, row
            assert form not in vague, row
            assert form == form.strip(), row
            assert len(form) >= (3 if form.isascii() and form.isalnum() else 2), row
        assert all(normalised(broader) in heads - {forms[place][0]} for broader in row["broader"].split("|") if broader)


def test_preferred_terms_are_chinese() -> None:
    assert [each.term for each in load_lexicon().groups if each.term.isascii()] == []


def test_every_broader_chain_ends() -> None:
    lexicon = load_lexicon()
    parents = {each.concept: [normalised(term) for term in each.broader] for each in lexicon.groups}
    left = set(parents)
    while ends := {concept for concept in left if not left & set(parents[concept])}:
        left -= ends
    assert left == set()


def test_every_form_names_its_own_concept_alone() -> None:
    concept_of = load_lexicon().concept_of
    forms = list(concept_of)
    found = concepts_in(pl.Series(forms), load_lexicon()).filter(pl.col("count") == 1).select("row", "concept")
    assert sorted(found.rows()) == [(row, concept_of[form]) for row, form in enumerate(forms)]


def test_different_words_for_one_thing_meet() -> None:
    found = iter(direct(*(text for texts in ALIKE for text in texts)))
    shared = {texts: set.intersection(*(next(found) for _ in texts)) for texts in ALIKE}
    assert [texts for texts, concepts in shared.items() if not concepts] == []


def test_what_is_not_the_same_does_not_meet() -> None:
    graphene, diamond, nothing = direct("石墨烯导热膜", "金刚石砂轮", "什么也不是")
    assert graphene
    assert diamond
    assert not graphene & diamond
    assert nothing == set()


def test_white_space_between_chinese_characters_hides_no_term() -> None:
    assert all("石墨烯" in found for found in direct("石 墨 烯", "石\n墨烯", "高 纯石墨　烯"))


@pytest.mark.parametrize(
    ("text", "stands"),
    [("graphene", True), ("graphenes", False), ("biographene", False), ("Graphene膜", True), ("graphene2", False)],
)
def test_latin_forms_match_only_as_whole_words(text: str, stands: bool) -> None:
    assert ("石墨烯" in named(text, GOOD)) is stands


def test_a_concept_counts_as_often_as_its_forms_stand() -> None:
    assert named("石墨烯与graphene，石墨烯", GOOD) == {"石墨烯": 3.0, "碳材料": 1.5}


def test_broader_concepts_count_the_share_to_the_power_of_steps() -> None:
    assert named("graphene oxide", GOOD) == {"氧化石墨烯": 1.0, "石墨烯": 0.5, "碳材料": 0.25}


def test_a_broader_concept_counts_the_largest_of_what_leads_to_it() -> None:
    assert named("石墨烯和氧化石墨烯，氧化石墨烯", GOOD) == {"氧化石墨烯": 2.0, "石墨烯": 1.0, "碳材料": 0.5}
    assert named("碳材料和石墨烯", GOOD) == {"石墨烯": 1.0, "碳材料": 1.0}


def test_the_share_of_the_shipped_lexicon_is_that_of_its_file() -> None:
    assert load_lexicon().broader == 0.4
    assert named("石墨烯", load_lexicon())["碳材料"] == pytest.approx(0.4)


def test_two_broader_concepts_both_count_and_the_shorter_way_is_taken() -> None:
    lexicon = with_group(broader=("氧化石墨烯", "碳材料"))
    assert lexicon.above("金刚石") == {"金刚石": 0, "氧化石墨烯": 1, "碳材料": 1, "石墨烯": 2}
    assert named("金刚石", lexicon) == {"金刚石": 1.0, "氧化石墨烯": 0.5, "碳材料": 0.5, "石墨烯": 0.25}


def test_every_text_has_its_own_concepts() -> None:
    found = concepts_in(pl.Series(["石墨烯", "", "碳材料"]), GOOD)
    assert found.rows() == [(0, "石墨烯", 1.0), (0, "碳材料", 0.5), (2, "碳材料", 1.0)]
    assert concepts_in(pl.Series([], dtype=pl.String()), GOOD).is_empty()


def test_a_good_lexicon_breaks_no_rule() -> None:
    assert broken_rules(GOOD) == []


@pytest.mark.parametrize(
    ("broken", "key", "values"),
    [
        (with_group("石"), "lexicon.short", {"form": "石"}),
        (with_group("ai"), "lexicon.short", {"form": "ai"}),
        (with_group("c4"), "lexicon.short", {"form": "c4"}),
        (with_group("材料"), "lexicon.ambiguous", {"form": "材料"}),
        (with_group(kind="stone"), "lexicon.kind", {"kind": "stone"}),
        (with_group(forms=("金刚石",)), "lexicon.alone", {"term": "金刚石"}),
        (with_group(broader=("宝石",)), "lexicon.no_broader", {"broader": "宝石"}),
        (with_group(broader=("graphene",)), "lexicon.no_broader", {"broader": "graphene"}),
        (with_group(broader=("金刚石",)), "lexicon.circular", {"broader": "金刚石"}),
    ],
)
def test_each_broken_rule_is_found_and_worded(broken: Lexicon, key: str, values: dict[str, object]) -> None:
    [problem] = broken_rules(broken)
    assert (problem.key, problem.file, problem.row) == (key, "S3.csv", 5)
    assert problem.values.items() >= values.items()
    for language in ("zh_CN", "en"):
        text = DataFileError(problem).text(language)
        assert "S3.csv" in text
        assert all(str(value) in text for value in values.values())


@pytest.mark.parametrize("form", ["三元", "3pl", "c++", "β相"])
def test_a_form_may_be_as_short_as_it_is_clear(form: str) -> None:
    assert broken_rules(with_group(form)) == []


def test_a_form_of_two_groups_is_told_at_both() -> None:
    problems = broken_rules(with_group("graphene"))
    assert [(problem.key, problem.row, problem.values) for problem in problems] == [
        ("lexicon.twice", 3, {"form": "graphene"}),
        ("lexicon.twice", 5, {"form": "graphene"}),
    ]


def test_a_form_twice_in_one_group_is_seen() -> None:
    assert {problem.key for problem in broken_rules(with_group("diamond", "diamond"))} == {"lexicon.twice"}


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_circle_is_seen_at_each_of_its_groups(length: int) -> None:
    terms = ["甲料", "乙料", "丙料"][:length]
    groups = tuple(
        group(term, f"form{place}", broader=(terms[(place + 1) % length],), row=place + 2)
        for place, term in enumerate(terms)
    )
    problems = broken_rules(Lexicon(groups, frozenset(), 0.5))
    assert [problem.key for problem in problems] == ["lexicon.circular"] * length
    assert [problem.row for problem in problems] == [2, 3, 4][:length]


def test_all_broken_rules_are_told_together() -> None:
    broken = with_group("石", "材料", "graphene", kind="stone", broader=("宝石", "金刚石"))
    assert {problem.key for problem in broken_rules(broken)} == {
        "lexicon.short",
        "lexicon.ambiguous",
        "lexicon.twice",
        "lexicon.kind",
        "lexicon.no_broader",
        "lexicon.circular",
    }


def written(folder: Path, text: str) -> Path:
    (folder / "lexicon.toml").write_text('ambiguous = ["材料"]\nbroader = 0.5\n', encoding="utf-8")
    (folder / "S3.csv").write_text(text, encoding="utf-8")
    return folder


def test_a_folder_is_read_with_places_and_forms(tmp_path: Path) -> None:
    text = ",".join(COLUMNS) + "\n石墨烯,material,石墨烯材料 | 单层石墨,Graphene,ＧＲ材料,碳材料|二维材料\n"
    lexicon = read_lexicon(written(tmp_path, text))
    forms = ("石墨烯", "石墨烯材料", "单层石墨", "graphene", "gr材料")
    assert lexicon.groups == (Group("石墨烯", "material", forms, ("碳材料", "二维材料"), "S3", 2),)
    assert (lexicon.ambiguous, lexicon.broader) == (frozenset({"材料"}), 0.5)


@pytest.mark.parametrize(
    ("text", "key", "row"),
    [
        ("", "lexicon.columns", None),
        ("term,kind\n", "lexicon.columns", None),
        (",".join(COLUMNS) + "\n石墨烯,material\n", "lexicon.cells", 2),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str, key: str, row: int | None) -> None:
    with pytest.raises(DataFileError) as refused:
        read_lexicon(written(tmp_path, text))
    [problem] = refused.value.problems
    assert (problem.key, problem.file, problem.row) == (key, "S3.csv", row)
