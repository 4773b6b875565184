"""Taxonomies that ship with the program hold what they must, and a broken one is seen to be broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from records import records

from matching.errors import DataFileError
from matching.fields.assignment import assign_fields
from matching.fields.taxonomies import Node, Taxonomy, broken_rules, load_taxonomies, load_taxonomy, read_taxonomy
from matching.fields.terms import normalised

CODES = ["province_4567", "contract_fields", "strategic_2018", "national_high_tech"]
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
STRATEGIC_NAMES = {
    "新一代信息技术": [
        "下一代信息网络",
        "电子核心",
        "新兴软件和新型信息技术服务",
        "互联网与云计算、大数据服务",
        "人工智能",
    ],
    "高端装备制造": ["智能制造装备", "航空装备", "卫星及应用", "轨道交通装备", "海洋工程装备"],
    "新材料": [
        "先进钢铁材料",
        "先进有色金属材料",
        "先进石化化工新材料",
        "先进无机非金属材料",
        "高性能纤维及制品和复合材料",
        "前沿新材料",
        "新材料相关服务",
    ],
    "生物": ["生物医药", "生物医学工程", "生物农业及相关", "生物质能", "其他生物业"],
    "新能源汽车": ["整车制造", "装置、配件制造", "相关设施制造", "相关服务"],
    "新能源": ["核电", "风能", "太阳能", "生物质能及其他新能源", "智能电网"],
    "节能环保": ["高效节能", "先进环保", "资源循环利用"],
    "数字创意": ["技术设备制造", "文化创意活动", "设计服务", "融合服务"],
    "相关服务": ["新技术与创新创业服务", "其他相关服务"],
}
NATIONAL_NAMES = [
    "电子信息",
    "生物与新医药",
    "航空航天",
    "新材料",
    "高技术服务",
    "新能源与节能",
    "资源与环境",
    "先进制造与自动化",
]
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
    9,
    (
        Node("A", "甲类", "Class A", "", "", "甲", "a", (), {}),
        Node("A1", "甲一", "First of A", "A", "g", "一", "one", ("甲壹",), {"光纤": 1.0, "5g": 0.5}),
        Node("A2", "甲二", "Second of A", "A", "g", "二", "two", (), {"轴承": 1.0, "5g": 0.6}),
    ),
)
HEAD = 'code = "own"\nname_zh = "自有"\nname_en = "Own"\nsource = "a user"\norder = 5\n'
NODE = """
[[node]]
code = "{code}"
name_zh = "{code}类"
name_en = "Class {code}"
parent = ""
description_zh = "说明"
description_en = "What belongs here"
aliases = ["{code}别名"]
terms = [{terms}]
"""


def node(code: str, *terms: str) -> str:
    """A node as a file has it."""
    return NODE.format(code=code, terms=", ".join(f'"{term}"' for term in terms))


# Words of no field that ships with the program, so that only the added taxonomy can know them.
OWN = HEAD + node("甲", "风筝", "风筝线", "放风筝", "风筝节") + node("乙", "陀螺", "陀螺鞭", "抽陀螺", "木陀螺")


def with_node(**changes: object) -> Taxonomy:
    """The good taxonomy with its last node changed."""
    *before, last = GOOD.nodes
    return replace(GOOD, nodes=(*before, replace(last, **changes)))


def written(folder: Path, text: str, name: str = "own.toml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_the_shipped_taxonomies_stand_in_their_order() -> None:
    assert list(load_taxonomies()) == CODES


@pytest.mark.parametrize("code", CODES)
def test_a_taxonomy_loads_without_broken_rules_and_names_its_source(code: str) -> None:
    taxonomy = load_taxonomy(code)
    assert broken_rules(taxonomy) == []
    assert taxonomy.code == code
    assert len(taxonomy.source) > 20
    assert taxonomy.name("zh_CN") != taxonomy.name("en")


@pytest.mark.parametrize("code", CODES)
def test_every_node_is_named_and_described_in_both_languages(code: str) -> None:
    taxonomy = load_taxonomy(code)
    for node in taxonomy.nodes:
        assert node.name("zh_CN").strip()
        assert node.name("en").isascii()
        assert len(node.description("zh_CN")) >= 15, node.code
        assert len(node.description("en")) >= 40, node.code
        assert node.description("en").isascii(), node.code
    for language in ("zh_CN", "en"):
        assert len({node.description(language) for node in taxonomy.nodes}) == len(taxonomy.nodes)


@pytest.mark.parametrize("code", CODES)
def test_top_level_fields_are_rich_in_terms(code: str) -> None:
    taxonomy = load_taxonomy(code)
    tops = [node for node in taxonomy.nodes if not node.parent]
    if code == "province_4567":
        tops = list(taxonomy.fields)
    for top in tops:
        terms = {term for below in taxonomy.below(top.code) for term in taxonomy.node(below).terms}
        assert len(terms) >= (100 if code == "strategic_2018" else 90), top.name_zh


@pytest.mark.parametrize("code", CODES)
def test_terms_are_normalised_and_weighted(code: str) -> None:
    for node in load_taxonomy(code).fields:
        assert all(term == normalised(term) == term.strip() for term in node.terms)
        assert all(0 < weight <= 1 for weight in node.terms.values())


@pytest.mark.parametrize("code", CODES)
def test_no_name_or_alias_stands_for_two_fields(code: str) -> None:
    names = Counter(
        name
        for node in load_taxonomy(code).fields
        for name in {normalised(name) for name in (node.code, node.name_zh, node.name_en, *node.aliases)}
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


def test_strategic_industries_are_nine_with_forty_under_them() -> None:
    taxonomy = load_taxonomy("strategic_2018")
    tops = [node for node in taxonomy.nodes if not node.parent]
    assert {top.name_zh: [n.name_zh for n in taxonomy.nodes if n.parent == top.code] for top in tops} == STRATEGIC_NAMES
    assert [top.name_zh for top in tops] == list(STRATEGIC_NAMES)
    assert [top.code for top in tops] == [str(number) for number in range(1, 10)]
    assert len(taxonomy.nodes) == 49
    assert len(taxonomy.fields) == 40
    for field in taxonomy.fields:
        assert field.code.startswith(f"{field.parent}.")
        assert taxonomy.top(field.code).code == field.parent


def test_national_high_tech_fields_are_eight_in_order() -> None:
    taxonomy = load_taxonomy("national_high_tech")
    assert [node.name_zh for node in taxonomy.nodes] == NATIONAL_NAMES
    assert [node.code for node in taxonomy.nodes] == list("12345678")
    assert taxonomy.fields == taxonomy.nodes


@pytest.mark.parametrize(("name", "term"), SEEDS)
def test_a_seed_term_of_the_province_stands_at_its_field(name: str, term: str) -> None:
    node = next(node for node in load_taxonomy("province_4567").fields if node.name_zh == name)
    assert term in node.terms


def test_nodes_are_found_by_their_code() -> None:
    assert GOOD.node("A1").name("en") == "First of A"
    assert GOOD.node("A1").name("zh_CN") == "甲一"
    assert (GOOD.node("A1").description("en"), GOOD.node("A1").description("zh_CN")) == ("one", "一")
    assert [node.code for node in GOOD.fields] == ["A1", "A2"]
    with pytest.raises(KeyError):
        GOOD.node("A3")


def test_what_stands_above_and_below_a_node() -> None:
    deeper = replace(GOOD, nodes=(*GOOD.nodes, replace(GOOD.nodes[2], code="A21", parent="A2")))
    assert deeper.below("A") == ("A", "A1", "A2", "A21")
    assert deeper.below("A1") == ("A1",)
    assert [deeper.top(code).code for code in ("A", "A1", "A21")] == ["A", "A", "A"]


def test_a_good_taxonomy_breaks_no_rule() -> None:
    assert broken_rules(GOOD) == []


@pytest.mark.parametrize(
    ("broken", "key", "values"),
    [
        (with_node(code="A1"), "taxonomy.code_twice", {"code": "A1"}),
        (with_node(parent="B"), "taxonomy.no_parent", {"code": "A2", "parent": "B"}),
        (with_node(parent="A2"), "taxonomy.ring", {"code": "A2"}),
        (with_node(terms={"光纤": 1.0}), "taxonomy.term_twice", {"term": "光纤"}),
        (with_node(terms={"光纤": 0.5}), "taxonomy.term_twice", {"term": "光纤"}),
        (with_node(terms={"5g": 1.0}), "taxonomy.term_twice", {"term": "5g"}),
        (with_node(terms={"轴承": 0.0}), "taxonomy.term_weight", {"term": "轴承"}),
        (with_node(terms={"轴承": -0.5}), "taxonomy.term_weight", {"term": "轴承"}),
        (with_node(terms={"轴承": 1.5}), "taxonomy.term_weight", {"term": "轴承"}),
        (with_node(terms={"轴": 1.0}), "taxonomy.term_short", {"term": "轴"}),
    ],
)
def test_each_broken_rule_is_found_and_worded(broken: Taxonomy, key: str, values: Mapping[str, object]) -> None:
    [problem] = broken_rules(broken)
    assert (problem.key, problem.file, problem.values) == (key, "hand_made.toml", values)
    for language in ("zh_CN", "en"):
        text = DataFileError(problem).text(language)
        assert text.startswith("hand_made.toml")
        assert all(str(value) in text for value in values.values())


def test_nodes_that_are_each_others_parents_are_seen() -> None:
    [_, first, second] = GOOD.nodes
    ring = replace(GOOD, nodes=(replace(first, parent="A2"), replace(second, parent="A1")))
    assert broken_rules(ring) != []


def test_all_broken_rules_are_told_together() -> None:
    broken = with_node(code="A1", parent="B", terms={"光纤": 1.0, "轴": 2.0})
    assert {problem.key for problem in broken_rules(broken)} == {
        "taxonomy.code_twice",
        "taxonomy.no_parent",
        "taxonomy.term_twice",
        "taxonomy.term_weight",
        "taxonomy.term_short",
    }


def test_a_file_is_read_with_its_weights(tmp_path: Path) -> None:
    shared = 'shared = { "ＬＥＤ" = 0.4 }\ngroup = "g"\n'
    taxonomy = read_taxonomy(written(tmp_path, HEAD + node("甲", "LED", "风筝") + shared))
    assert (taxonomy.code, taxonomy.name_zh, taxonomy.order) == ("own", "自有", 5)
    [read] = taxonomy.nodes
    assert (read.code, read.parent, read.group, read.aliases) == ("甲", "", "g", ("甲别名",))
    assert dict(read.terms) == {"led": 0.4, "风筝": 1.0}


@pytest.mark.parametrize(
    "text",
    [
        "code = ",
        "name,kind\n1,2\n",
        "",
        HEAD,
        HEAD + 'node = "甲"\n',
        HEAD + "node = [1, 2]\n",
        HEAD.replace('code = "own"\n', "") + node("甲", "风筝"),
        OWN.replace('name_en = "Class 乙"\n', ""),
        OWN.replace('description_zh = "说明"\n', ""),
        OWN.replace('parent = ""\n', ""),
        OWN.replace('terms = ["陀螺"', 'terms = [1, "陀螺"'),
        OWN.replace('aliases = ["乙别名"]', "aliases = 3"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataFileError) as refused:
        read_taxonomy(written(tmp_path, text))
    [problem] = refused.value.problems
    assert (problem.key, problem.file) == ("taxonomy.form", "own.toml")
    for language in ("zh_CN", "en"):
        assert refused.value.text(language).startswith("own.toml")


@pytest.mark.parametrize(
    "text",
    [
        OWN + 'shared = { "陀螺" = "half" }\n',
        OWN.replace("order = 5", 'order = "last"'),
        OWN.replace('code = "own"', "code = 5"),
        OWN.replace('code = "乙"', "code = 2"),
        OWN.replace('name_zh = "乙类"', "name_zh = 2"),
        OWN.replace('aliases = ["乙别名"]', "aliases = [2]"),
    ],
    ids=["weight", "order", "code", "node code", "name", "alias"],
)
def test_a_value_of_another_type_is_refused(tmp_path: Path, text: str) -> None:
    assert text != OWN
    with pytest.raises(DataFileError):
        read_taxonomy(written(tmp_path, text))


def test_a_taxonomy_without_a_field_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFileError):
        read_taxonomy(written(tmp_path, HEAD + node("甲") + node("乙")))


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_bytes(OWN.encode("gb18030"))
    with pytest.raises(DataFileError, match=r"own\.toml"):
        read_taxonomy(file)


def test_a_file_that_breaks_a_rule_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFileError) as refused:
        read_taxonomy(written(tmp_path, OWN.replace('code = "乙"', 'code = "甲"')))
    assert [problem.key for problem in refused.value.problems] == ["taxonomy.code_twice"]


def test_a_taxonomy_of_a_user_is_added_and_used(taxonomy_folder: Path) -> None:
    written(taxonomy_folder, OWN)
    written(taxonomy_folder, "not a taxonomy", "notes.txt")
    assert list(load_taxonomies()) == [*CODES, "own"]
    listed = records("demands", {"title": "抽陀螺的木陀螺"}, {"title": "风筝节放风筝"}, {"field": "乙类"})
    found = assign_fields(listed, "demand_id")
    assert set(found["taxonomy"]) >= {"own", "strategic_2018"}
    first = found.filter(pl.col("taxonomy") == "own").unique("record_id", keep="first", maintain_order=True)
    assert first.select("record_id", "code", "basis").rows() == [
        ("D1", "乙", "text"),
        ("D2", "甲", "text"),
        ("D3", "乙", "stated"),
    ]


def test_a_taxonomy_of_one_field_knows_its_own(taxonomy_folder: Path) -> None:
    written(taxonomy_folder, HEAD + node("甲", "风筝", "风筝线", "放风筝", "风筝节", "风筝尾", "纸风筝"))
    listed = records("demands", {"title": "风筝节放风筝"}, {"title": "技术需求的主要问题"})
    found = assign_fields(listed, "demand_id", taxonomies=["own"])
    assert found.select("record_id", "code").rows() == [("D1", "甲")]


def test_only_the_taxonomies_that_are_named_are_assigned(taxonomy_folder: Path) -> None:
    written(taxonomy_folder, OWN)
    listed = records("demands", {"title": "抽陀螺的木陀螺"})
    assert set(assign_fields(listed, "demand_id", taxonomies=["own"])["taxonomy"]) == {"own"}


def test_the_order_of_a_taxonomy_is_its_own(taxonomy_folder: Path) -> None:
    written(taxonomy_folder, OWN.replace("order = 5", "order = 0"))
    assert list(load_taxonomies()) == ["own", *CODES]


def test_a_code_that_ships_with_the_program_is_refused(taxonomy_folder: Path) -> None:
    written(taxonomy_folder, OWN.replace('"own"', '"strategic_2018"'))
    with pytest.raises(DataFileError) as refused:
        load_taxonomies()
    [problem] = refused.value.problems
    assert (problem.key, problem.values) == ("taxonomy.twice", {"code": "strategic_2018"})


def test_a_code_of_two_files_is_refused(taxonomy_folder: Path) -> None:
    written(taxonomy_folder, OWN)
    written(taxonomy_folder, OWN, "other.toml")
    with pytest.raises(DataFileError) as refused:
        load_taxonomies()
    assert [problem.values["code"] for problem in refused.value.problems] == ["own"]
