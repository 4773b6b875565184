"""Kinds of intellectual property, of sellers and of funds as a clerk writes them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import polars as pl
import pytest

from matching.errors import DataFileError
from matching.fields import funding, ip_kinds, seller_kinds
from matching.fields.funding import funding_kinds, public_funds, public_funds_of
from matching.fields.ip_kinds import are_invention_patents, ip_kind_codes, ip_kind_of, ip_kinds_of, is_invention_patent
from matching.fields.seller_kinds import seller_kind_codes, seller_kind_of, seller_kinds_of
from matching.fields.written_kinds import UNKNOWN, WrittenKinds, broken_rules, kinds_from, kinds_of


def table(written: dict[str, str]) -> dict[str, str]:
    """What is right for each text, from the texts of each code, between bars."""
    return {text: code for code, texts in written.items() for text in texts.split("|")}


IP = table(
    {
        "patent": (
            "专利|发明专利|发明|实用新型|实用新型专利|外观设计|发明专利；软件著作权|"
            "计算机软件著作权；发明专利|授权发明专利3项|"
            "发明专利申请中|ZL202010123456.7|正在申请专利|发明、实用新型|ＰＡＴＥＮＴ|Invention patent|专利权；无"
        ),
        "secret": "技术秘密|专有技术|非专利技术|技术诀窍|技术秘密；计算机软件著作权|know-how|商业秘密",
        "software": "软著|软件著作权|计算机软件著作权|著作权|软件登记|2020SR1234567",
        "layout": "集成电路布图设计专有权|集成电路布图设计|布图设计",
        "plant_variety": "植物新品种|植物新品种权|品种权|大豆新品种|审定品种|植物新品种；新药证书",
        "bio_medicine_variety": "生物、医药新品种|新药证书|生物医药新品种|兽药证书|畜禽新品种",
        "none": "无|未涉及|没有|不涉及知识产权|未申请专利|暂无专利|None",
        UNKNOWN: "|  |其他|商标|新品种|/|待定",
    }
)
IP_APART = table(
    {
        "patent": (
            "国家发明专利2件，实用新型1件|发明专利（已授权）|专利技术|专 利|已受理发明专利|PCT国际专利|发明/实用新型"
        ),
        "secret": "技术秘密（配方）|工艺诀窍|保密的专有技术",
        "software": "软件产品登记证书|软著2项|计算机软件|Software copyright",
        "layout": "IC布图设计",
        "plant_variety": "水稻品种权|玉米新品种|通过品种审定|农业植物新品种权",
        "bio_medicine_variety": "国家一类新药|药品批准文号|新兽药注册证书|动物新品种",
        "none": "无知识产权|尚未申请|无专利|否",
        UNKNOWN: "有|知识产权|论文",
    }
)
SELLERS = table(
    {
        "enterprise": (
            "哈尔滨电机厂有限责任公司|示例龙江智能装备有限公司|哈尔滨工业大学科技园发展有限公司|"
            "哈工大机器人集团|某某研究院有限公司|"
            "XX水稻种植专业合作社|齐齐哈尔第一机床厂|哈尔滨银行|大庆油田有限责任公司勘探开发研究院|"
            "Harbin Electric Co., Ltd.|七星农场"
        ),
        "university": (
            "哈尔滨工业大学|东北农业大学|黑龙江职业学院|哈尔滨学院|黑龙江农业工程职业学院|哈工大|"
            "黑大|东北林大|哈尔滨工业大学（威海）|"
            "哈尔滨工业大学人工智能研究院|Harbin Institute of Technology|中国科学院大学|"
            "哈尔滨幼儿师范高等专科学校|东北石油大学化工学院"
        ),
        "institute": (
            "黑龙江省农业科学院|黑龙江省科学院自动化研究所|中国农业科学院哈尔滨兽医研究所|"
            "哈尔滨焊接研究所|中国船舶集团有限公司第七〇三研究所|"
            "中国电子科技集团公司第四十九研究所|黑龙江省农机院研究中心|黑龙江省水利科学研究院|"
            "中科院东北地理所|黑龙江省生产力促进中心|"
            "Institute of Automation, Heilongjiang Academy of Sciences"
        ),
        "other": (
            "哈尔滨医科大学附属第一医院|黑龙江省医院|黑龙江省化工学会|哈尔滨市科技局|"
            "黑龙江仁和律师事务所|哈尔滨市第三中学"
        ),
        UNKNOWN: "|  |张某某|飞鹤",
    }
)
SELLERS_APART = table(
    {
        "enterprise": (
            "哈药集团制药总厂|北大荒集团|大庆华科股份有限公司|哈尔滨理工大学资产经营有限公司|"
            "龙江环保集团股份有限公司|五常市某某米业有限公司|"
            "中国一重集团有限公司|哈尔滨某某生物技术有限公司（全资子公司）|黑龙江飞鹤乳业有限公司|某家庭农场"
        ),
        "university": (
            "哈工大国家重点实验室|哈尔滨商业大学|大庆师范学院|黑龙江八一农垦大学|哈理工|牡丹江医学院|"
            "八一农大|黑龙江建筑职业技术学院|Northeast Agricultural University"
        ),
        "institute": (
            "黑龙江省林业科学院|哈尔滨玻璃钢研究院|黑龙江省寒地建筑科学研究院|黑龙江省农科院大豆所|"
            "哈尔滨产业技术研究院|黑龙江省能源研究所|"
            "黑龙江省农业机械工程科学研究院"
        ),
        "other": "黑龙江中医药大学附属医院|黑龙江省农业农村厅|大庆市人民政府|黑龙江省农机协会|李某（个人）",
    }
)
FUNDS = table(
    {
        "public": (
            "国家自然科学基金|省科技厅|省重点研发计划|国家重点研发计划|863计划|973|"
            "中央引导地方科技发展专项|农业部|国家自然科学基金；企业自筹|"
            "省自然科学基金|哈尔滨市科技局|科技部|黑龙江省应用技术研究与开发计划|地方计划|部门基金|"
            "省级财政资金|国家级|省级|"
            "企业自筹、省百千万工程|省教育厅|NSFC|科技支撑计划|博士后基金|中央高校基本科研业务费|"
            "国家科技重大专项|纵向课题"
        ),
        "own": (
            "横向|企业委托|自筹|自选|横向委托|企业自筹|自有资金|非职务|公司投资|民间基金|"
            "企业横向课题|自主研发|国家电网公司科技项目|无财政资金|"
            "未使用财政资金，企业自筹|self-funded|委托开发|个人"
        ),
        UNKNOWN: "|  |其他|无|国际合作|/|不详",
    }
)
FUNDS_APART = table(
    {
        "public": (
            "“十三五”国家重点研发计划|黑龙江省杰出青年基金|国家863|农业农村部现代农业产业技术体系|"
            "省“揭榜挂帅”项目|哈尔滨市科技创新人才项目|"
            "国家自然基金面上项目|省科学基金|工信部高质量发展专项|教育部|省财政厅资助|星火计划|"
            "黑龙江省科技攻关项目|省重大科技成果转化专项|"
            "国家发改委|地方财政"
        ),
        "own": "企业投资|单位自筹|合作企业委托|横向课题|自拟课题|校企横向合作|大庆油田公司委托|自筹资金|企业自主立项",
        UNKNOWN: "待补充|未知",
    }
)
INVENTION = {
    **dict.fromkeys(
        ["发明专利", "发明", "发明专利；软件著作权", "发明专利申请中", "实用新型；发明专利", "Invention patent"], True
    ),
    **dict.fromkeys(["实用新型专利", "外观设计", "软著", "无", "技术秘密", "未申请发明专利"], False),
    **dict.fromkeys(["专利", "", "其他", "发明人张某", "专利；软著"], None),
}
FINDERS = {"ip": ip_kinds_of, "sellers": seller_kinds_of, "funds": lambda texts: kinds_of(texts, funding_kinds())}
TABLES = {"ip": (IP, IP_APART), "sellers": (SELLERS, SELLERS_APART), "funds": (FUNDS, FUNDS_APART)}


def wrong_of(subject: str, right: dict[str, str]) -> list[str]:
    found = FINDERS[subject](pl.Series(list(right), dtype=pl.String()))
    return [f"{written}: {code}" for (written, kind), code in zip(right.items(), found, strict=True) if code != kind]


@pytest.mark.parametrize("subject", TABLES)
def test_kinds_are_known_however_they_are_written(subject: str, record_property: Callable[[str, object], None]) -> None:
    right, _ = TABLES[subject]
    wrong = wrong_of(subject, right)
    record_property(subject, f"{len(right) - len(wrong)} right, {len(wrong)} wrong")
    assert wrong == []


@pytest.mark.parametrize("subject", TABLES)
def test_texts_that_nothing_was_tuned_to(subject: str, record_property: Callable[[str, object], None]) -> None:
    tuned, right = TABLES[subject]
    wrong = wrong_of(subject, right)
    record_property(f"{subject} apart", f"{len(right) - len(wrong)} right, {len(wrong)} wrong: {wrong}")
    assert not tuned.keys() & right.keys()
    assert len(wrong) <= len(right) // 10


def test_which_texts_name_an_invention_patent() -> None:
    found = are_invention_patents(pl.Series("ip_kind", list(INVENTION)))
    assert dict(zip(INVENTION, found, strict=True)) == INVENTION
    assert [is_invention_patent(written) for written in INVENTION] == list(INVENTION.values())


def test_one_text_gives_what_a_column_gives() -> None:
    assert [ip_kind_of(each) for each in IP] == list(IP.values())
    assert [seller_kind_of(each) for each in SELLERS] == list(SELLERS.values())
    answers = {"public": True, "own": False, UNKNOWN: None}
    assert [public_funds(each) for each in FUNDS] == [answers[code] for code in FUNDS.values()]


def test_missing_texts_are_unknown_and_rows_keep_their_places() -> None:
    texts = pl.Series("written", ["横向", None, "863", "横向"])
    assert public_funds_of(texts).to_list() == [False, None, True, False]
    assert public_funds_of(texts).name == "written"
    assert seller_kinds_of(pl.Series(["", None, "大庆师范学院"])).to_list() == [UNKNOWN, UNKNOWN, "university"]
    assert are_invention_patents(pl.Series([None, "发明"])).to_list() == [None, True]
    assert ip_kinds_of(pl.Series([], dtype=pl.String())).to_list() == []


def test_codes_stand_in_the_official_order() -> None:
    assert ip_kind_codes() == (
        "patent",
        "secret",
        "software",
        "layout",
        "plant_variety",
        "bio_medicine_variety",
        "none",
    )
    assert seller_kind_codes() == ("enterprise", "institute", "university", "other")


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_every_code_has_a_name_of_its_own(language: str) -> None:
    for codes, name in ((ip_kind_codes(), ip_kinds.name), (seller_kind_codes(), seller_kinds.name)):
        names = [name(code, language) for code in (*codes, UNKNOWN)]
        assert all(names)
        assert len(set(names)) == len(names)
    assert (ip_kinds.name("patent", "zh_CN"), seller_kinds.name("institute", "en")) == ("专利", "Research institute")


def test_a_hundred_thousand_rows_are_quick(record_property: Callable[[str, object], None]) -> None:
    sources = pl.Series([f"黑龙江省重点研发计划（GA21B{number % 5000:04}）；企业自筹" for number in range(100_000)])
    sellers = pl.Series([f"示例第{number % 5000}号农业机械研究所" for number in range(100_000)])
    for name, find, texts in (("funds", public_funds_of, sources), ("sellers", seller_kinds_of, sellers)):
        find(texts.head(1))
        started = time.perf_counter()
        assert find(texts).n_unique() == 1
        seconds = time.perf_counter() - started
        record_property(f"100,000 rows, 5,000 {name}", f"{seconds:.3f} s")
        assert seconds < 2


def kinds(**changes: object) -> WrittenKinds:
    entry = {"code": "first", "name_zh": "一", "name_en": "First", "patterns": ["一", "甲"]}
    return kinds_from("some.toml", {"order": ["first"], "kind": [entry], **changes})


def test_the_shipped_files_break_no_rule() -> None:
    for each in (ip_kinds.ip_kinds(), seller_kinds.seller_kinds(), funding.funding_kinds(), kinds()):
        assert broken_rules(each) == []


@pytest.mark.parametrize(
    ("broken", "key", "value"),
    [
        (replace(kinds(), kinds=kinds().kinds * 2, codes=("first", "first")), "twice", "first"),
        (replace(kinds(), kinds=(replace(kinds().kinds[0], code=UNKNOWN),), codes=(UNKNOWN,)), "twice", UNKNOWN),
        (kinds(order=["second"]), "order", ""),
        (kinds(rewritten=[{"pattern": "(?<=a)b", "by": ""}]), "pattern", "(?<=a)b"),
        (kinds(marks={"other": ["["]}), "pattern", "["),
    ],
)
def test_each_broken_rule_is_found_and_worded(broken: WrittenKinds, key: str, value: str) -> None:
    [problem] = broken_rules(broken)
    assert problem.key == f"kinds.{key}"
    for language in ("zh_CN", "en"):
        assert value in DataFileError(problem).text(language)


def test_what_is_rewritten_is_no_longer_found() -> None:
    texts = pl.Series(["非甲", "甲"])
    assert kinds_of(texts, kinds(rewritten=[{"pattern": "非甲", "by": ""}])).to_list() == [UNKNOWN, "first"]
