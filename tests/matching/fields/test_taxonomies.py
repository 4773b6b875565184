"""Taxonomies that ship with the program hold what they must, and a broken one is seen to be broken."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from matching.errors import DataFileError
from matching.fields.assignment import load_rules
from matching.fields.taxonomies import Node, Taxonomy, broken_rules, load_taxonomy
from matching.fields.terms import normalised

CODES = ["province_4567", "contract_fields"]
CONTRACT_NAMES = [
    "电子信息",
    "航空航天",
    "先进制造",
    "生物、医药和医疗器械",
    "新材料及其应用",
    "新能源与高效节能",
    "环境保护与资源综合利用",
    "核应用",
    "农业",
    "现代交通",
    "城市建设与社会发展",
]
PROVINCE_NAMES = {
    "N": ["数字", "生物", "冰雪", "创意设计"],
    "S": ["航空航天", "电子信息", "新材料", "高端装备", "农机装备"],
    "T": ["能源", "化工", "食品", "医药", "汽车", "轻工"],
    "M": ["信息服务", "现代金融", "现代物流", "服务型制造", "旅游康养", "养老托育", "文化娱乐"],
}
# The groups that the plan sets its targets for.
PLAN_GROUPS = {
    "digital": ["数字"],
    "bio": ["生物"],
    "ice_snow_creative": ["冰雪", "创意设计"],
    "equipment": ["航空航天", "电子信息", "高端装备", "农机装备"],
    "materials": ["新材料"],
    "traditional": PROVINCE_NAMES["T"],
    "services": PROVINCE_NAMES["M"],
}
SEEDS = [
    ("数字", "多用途传感器"),
    ("数字", "智能可穿戴设备"),
    ("生物", "生物农业"),
    ("冰雪", "冰雪运动装备"),
    ("创意设计", "工业设计"),
    ("新材料", "树脂基复合材料"),
    ("新材料", "碳基新材料"),
    ("新材料", "防腐材料"),
    ("高端装备", "海工装备"),
    ("高端装备", "新能源装备"),
    ("化工", "化纤材料"),
    ("食品", "白酒"),
    ("食品", "发酵饮料"),
    ("轻工", "特种用纸"),
    ("现代物流", "制造业物流"),
]
GOOD = Taxonomy(
    "hand_made",
    "手写",
    "By hand",
    "this test",
    (
        Node("A", "甲类", "Class A", "", "", (), ()),
        Node("A1", "甲一", "First of A", "A", "g", ("甲壹",), ("光纤", "5g")),
        Node("A2", "甲二", "Second of A", "A", "g", (), ("轴承",)),
    ),
)


def with_node(**changes: object) -> Taxonomy:
    """The good taxonomy with its last node changed."""
    *before, last = GOOD.nodes
    return replace(GOOD, nodes=(*before, replace(last, **changes)))


def test_the_taxonomies_in_use_are_those_that_are_tested_here() -> None:
    assert sorted(load_rules().taxonomies) == sorted(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_taxonomy_loads_without_broken_rules_and_names_its_source(code: str) -> None:
    taxonomy = load_taxonomy(code)
    assert broken_rules(taxonomy) == []
    assert taxonomy.code == code
    assert len(taxonomy.source) > 20
    assert taxonomy.name("zh_CN") != taxonomy.name("en")


@pytest.mark.parametrize("code", CODES)
def test_every_node_is_named_in_both_languages(code: str) -> None:
    for node in load_taxonomy(code).nodes:
        assert node.name("zh_CN").strip()
        assert node.name("en").isascii()


@pytest.mark.parametrize("code", CODES)
def test_fields_are_rich_in_terms_and_their_terms_are_normalised(code: str) -> None:
    for node in load_taxonomy(code).fields:
        assert len(node.terms) >= 80, node.name_zh
        assert all(term == normalised(term) == term.strip() for term in node.terms)


@pytest.mark.parametrize("code", CODES)
def test_no_name_or_alias_stands_for_two_fields(code: str) -> None:
    names = Counter(
        normalised(name)
        for node in load_taxonomy(code).fields
        for name in {node.code, node.name_zh, node.name_en.casefold(), *node.aliases}
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_the_province_has_four_classes_and_twenty_two_fields() -> None:
    taxonomy = load_taxonomy("province_4567")
    assert len(taxonomy.nodes) == 26
    assert len(taxonomy.fields) == 22
    assert {node.code for node in taxonomy.nodes if not node.parent} == set(PROVINCE_NAMES)
    assert {
        code: [node.name_zh for node in taxonomy.nodes if node.parent == code] for code in PROVINCE_NAMES
    } == PROVINCE_NAMES


def test_every_field_of_the_province_is_in_its_plan_group() -> None:
    taxonomy = load_taxonomy("province_4567")
    groups: dict[str, list[str]] = {}
    for node in taxonomy.fields:
        groups.setdefault(node.group, []).append(node.name_zh)
    assert groups == PLAN_GROUPS


def test_contract_registration_has_its_eleven_fields_in_order() -> None:
    taxonomy = load_taxonomy("contract_fields")
    assert [node.name_zh for node in taxonomy.nodes] == CONTRACT_NAMES
    assert [node.code for node in taxonomy.nodes] == [f"{number:02}" for number in range(1, 12)]
    assert taxonomy.fields == taxonomy.nodes


@pytest.mark.parametrize(("name", "term"), SEEDS)
def test_a_seed_term_of_the_province_stands_at_its_field(name: str, term: str) -> None:
    node = next(node for node in load_taxonomy("province_4567").fields if node.name_zh == name)
    assert term in node.terms


def test_nodes_are_found_by_their_code() -> None:
    assert GOOD.node("A1").name("en") == "First of A"
    assert GOOD.node("A1").name("zh_CN") == "甲一"
    assert [node.code for node in GOOD.fields] == ["A1", "A2"]
    with pytest.raises(KeyError):
        GOOD.node("A3")


def test_a_good_taxonomy_breaks_no_rule() -> None:
    assert broken_rules(GOOD) == []


@pytest.mark.parametrize(
    ("broken", "key", "values"),
    [
        (with_node(code="A1"), "taxonomy.code_twice", {"code": "A1"}),
        (with_node(parent="B"), "taxonomy.no_parent", {"code": "A2", "parent": "B"}),
        (with_node(terms=("光纤",)), "taxonomy.term_twice", {"term": "光纤"}),
        (with_node(terms=("轴承", "轴承")), "taxonomy.term_twice", {"term": "轴承"}),
        (with_node(terms=("轴",)), "taxonomy.term_short", {"term": "轴"}),
    ],
)
def test_each_broken_rule_is_found_and_worded(broken: Taxonomy, key: str, values: dict[str, object]) -> None:
    [problem] = broken_rules(broken)
    assert (problem.key, problem.file, problem.values) == (key, "hand_made.toml", values)
    for language in ("zh_CN", "en"):
        text = DataFileError(problem).text(language)
        assert text.startswith("hand_made.toml")
        assert all(str(value) in text for value in values.values())


def test_all_broken_rules_are_told_together() -> None:
    broken = with_node(code="A1", parent="B", terms=("光纤", "轴"))
    assert {problem.key for problem in broken_rules(broken)} == {
        "taxonomy.code_twice",
        "taxonomy.no_parent",
        "taxonomy.term_twice",
        "taxonomy.term_short",
    }
