"""Names of organisations are resolved to one, and which of them stay apart."""

from __future__ import annotations

import csv
import random
import time
import tomllib
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.data_files import data_path
from matching.intake.organisation_names import plain_name, rule, rules, syllable
from matching.intake.organisations import (
    REASONS,
    RESOLVED,
    organisation_key,
    proposals,
    resolve,
    same_organisation,
)

LISTED = tomllib.loads(data_path("organisations", "organisations.toml").read_text(encoding="utf-8"))["organisation"]
HIT = "哈尔滨工业大学"
COMPANY = "哈尔滨霜桥阀门制造有限公司"


@cache
def pairs() -> pl.DataFrame:
    with Path(__file__).with_name("organisation_pairs.csv").open(encoding="utf-8", newline="") as source:
        rows = pl.DataFrame(list(csv.DictReader(source)))
    names = {plain_name(name) for entry in LISTED for name in (entry["name"], *entry["short"], *entry["former"])}
    listed = [plain_name(a) in names or plain_name(b) in names for a, b in rows.select("name_a", "name_b").iter_rows()]
    found = [same_organisation(a, b)[0] for a, b in rows.select("name_a", "name_b").iter_rows()]
    return rows.with_columns(
        truth=pl.col("same") == "yes", found=pl.Series(found), listed=pl.Series(listed), odd=pl.col("pair").str.slice(1)
    ).with_columns(odd=pl.col("odd").cast(pl.Int64()) % 2 == 1)


def precision_and_recall(rows: pl.DataFrame) -> tuple[float, float]:
    right = rows.filter("truth", "found").height
    return right / rows.filter("found").height, right / rows.filter("truth").height


@pytest.mark.parametrize(
    ("part", "rows", "precision", "recall"),
    [
        ("all", pl.lit(True), 0.98, 0.93),
        ("odd", pl.col("odd"), 0.98, 0.92),
        ("even", ~pl.col("odd"), 0.98, 0.92),
        ("no listed name", ~pl.col("listed"), 0.97, 0.90),
    ],
)
def test_pairs_that_a_person_decided(
    part: str, rows: pl.Expr, precision: float, recall: float, record_property: Callable[[str, object], None]
) -> None:
    measured = pairs().filter(rows)
    found_precision, found_recall = precision_and_recall(measured)
    print(f"{part}: {measured.height} pairs, precision {found_precision:.3f}, recall {found_recall:.3f}")  # noqa: T201
    record_property("precision", round(found_precision, 3))
    record_property("recall", round(found_recall, 3))
    wrong = measured.filter(pl.col("truth") != pl.col("found"))["pair"].to_list()
    assert found_precision >= precision, wrong
    assert found_recall >= recall, wrong


@pytest.mark.parametrize(
    ("written", "known", "name", "reason"),
    [
        (HIT, [], HIT, "same"),
        ("哈工大", [], HIT, "listed"),
        ("ＨＩＴ", [], HIT, "listed"),
        ("harbin institute of  technology", [], HIT, "listed"),
        ("哈尔滨建筑大学", [], HIT, "former"),
        ("哈尔滨 工业大学", [], HIT, "width"),
        ("哈工大(深圳)", [], "哈尔滨工业大学（深圳）", "listed"),
        ("哈尔滨工业大学(深圳)", [], "哈尔滨工业大学（深圳）", "width"),
        ("黑龙江省科学院[石油化学研究院]", [], "黑龙江省科学院石油化学研究院", "width"),
        ("中国船舶集团有限公司第703研究所", [], "中国船舶集团有限公司第七〇三研究所", "width"),
        ("中国电子科技集团公司第49研究所", [], "中国电子科技集团公司第四十九研究所", "width"),
        ("哈工大材料科学与工程学院", [], HIT, "unit"),
        ("哈尔滨工业大学（航天学院）", [], HIT, "unit"),
        ("哈尔滨工业大学（深圳）材料学院", [], "哈尔滨工业大学（深圳）", "unit"),
        ("哈工大雪龙江重点实验室", [], HIT, "unit"),
        ("省农科院大豆所遗传课题组", [], "黑龙江省农业科学院大豆研究所", "unit"),
        (f"{COMPANY}（高新技术企业）", [COMPANY], COMPANY, "unit"),
        (f"{COMPANY}（原哈尔滨霜桥铸造有限公司）", [COMPANY], COMPANY, "unit"),
        (f"{COMPANY}第二事业部", [COMPANY], COMPANY, "unit"),
        ("哈尔滨市霜桥阀门制造有限公司", [COMPANY], COMPANY, "prefix"),
        ("黑龙江省哈尔滨市松北区霜桥阀门制造有限公司", [COMPANY], COMPANY, "prefix"),
        ("霜桥阀门制造有限公司", [COMPANY], COMPANY, "prefix"),
        ("省霜桥智能装备研究院", ["黑龙江省霜桥智能装备研究院"], "黑龙江省霜桥智能装备研究院", "short"),
        ("哈尔滨霜桥阀门制造股份有限公司", [COMPANY], COMPANY, "suffix"),
        ("齐重数控装备有限公司", [], "齐重数控装备股份有限公司", "suffix"),
        ("哈药集团有限责任公司", [], "哈药集团有限公司", "suffix"),
        ("霜桥阀门", [COMPANY], COMPANY, "short"),
        ("中科院声学所", ["中国科学院声学研究所"], "中国科学院声学研究所", "short"),
        ("湖南农大", ["湖南农业大学"], "湖南农业大学", "short"),
        ("Yangzhou University", ["扬州大学"], "扬州大学", "short"),
        ("湖北工学院", ["湖北工业大学"], "湖北工业大学", "former"),
        ("哈尔滨工程大雪", [], "哈尔滨工程大学", "typo"),
        ("哈尔滨滨工程大学", [], "哈尔滨工程大学", "typo"),
        ("哈尔滨程工大学", [], "哈尔滨工程大学", "typo"),
        ("哈尔滨霜桥阀门治造有限公司", [COMPANY], COMPANY, "typo"),
        ("哈尔滨霜桥阀门制造有线公司", [COMPANY], COMPANY, "typo"),
    ],
)
def test_each_reason(written: str, known: list[str], name: str, reason: str) -> None:
    row = resolve([written], known).row(0, named=True)
    assert (row["name"], row["reason"]) == (name, reason)
    assert reason in REASONS
    assert 0 <= row["likeness"] <= 1
    assert row["likeness"] == 1 or reason in {"short", "former", "unit", "prefix", "suffix", "typo"}


@pytest.mark.parametrize(
    ("written", "known"),
    [
        # Bodies of their own: companies, hospitals, presses, campuses, institutes elsewhere, independent colleges.
        ("哈工大雷信科技有限公司", []),
        ("浙江大学医学院附属第一医院", []),
        ("哈尔滨工业大学出版社", []),
        ("哈尔滨工业大学重庆研究院", []),
        ("北京师范大学珠海校区", ["北京师范大学"]),
        ("苏州大学文正学院", ["苏州大学"]),
        ("华北电力大学科技学院", []),
        ("中国科学院海洋研究所", []),
        ("省农科院某某研究所育种课题组", []),
        ("大庆油田第一采油厂", []),
        # Two bodies in one cell.
        ("哈尔滨工业大学、东北林业大学", []),
        ("哈尔滨工业大学、东北林业大学生物质实验室", []),
        # A letter of the trade name, of the place, or of a number.
        ("哈尔滨霜侨阀门制造有限公司", [COMPANY]),
        ("大庆霜桥阀门制造有限公司", [COMPANY]),
        ("黑龙江霜桥阀门制造有限公司", [COMPANY]),
        ("陕西师范大学", ["山西师范大学"]),
        ("济南大学", ["暨南大学"]),
        ("吉林市农业科学院", ["吉林省农业科学院"]),
        ("哈尔滨霜桥第二阀门厂", ["哈尔滨霜桥第一阀门厂"]),
        # Of these a listed body is not the older name, and a general name is nobody's.
        ("沈阳工业学院", []),
        ("农业科学院", []),
        # Which of the two is meant cannot be told.
        ("霜桥阀门制造有限公司", [COMPANY, "大庆霜桥阀门制造有限公司"]),
    ],
)
def test_what_stays_apart(written: str, known: list[str]) -> None:
    assert resolve([written], known)["name"].to_list() == [written]


def test_names_of_the_ledger_come_before_new_ones_and_whole_names_before_short_ones() -> None:
    longer = "哈尔滨霜桥阀门制造有限责任公司"
    assert set(resolve([COMPANY, longer], [COMPANY])["name"]) == {COMPANY}
    assert set(resolve([COMPANY, longer], [longer])["name"]) == {longer}
    assert set(resolve([COMPANY, "霜桥阀门"], ["霜桥阀门"])["name"]) == {COMPANY}


def test_what_a_person_confirmed_wins_and_a_refusal_holds() -> None:
    confirmed = {"哈工大": "哈工大", "霜桥": COMPANY, "桥": "霜桥"}
    resolved = resolve(["哈工大", "霜桥", "桥", "东林"], [], confirmed)
    assert dict(resolved.select("written", "name").iter_rows()) == {
        "东林": "东北林业大学",
        "哈工大": "哈工大",
        "桥": COMPANY,
        "霜桥": COMPANY,
    }
    assert proposals(resolved)["written"].to_list() == ["东林"]
    assert resolve(["甲", "乙"], [], {"甲": "乙", "乙": "甲"})["name"].unique().to_list() == ["乙"]


def test_a_row_for_each_name_in_order() -> None:
    resolved = resolve(["哈工大 ", "", "  ", "哈工大", "A"], [])
    assert resolved["written"].to_list() == ["A", "哈工大"]
    assert resolved.schema == pl.Schema(RESOLVED)
    assert resolve([], []).schema == pl.Schema(RESOLVED)


def test_reasons_of_two_names() -> None:
    assert same_organisation("哈理工", "哈尔滨理工大学机械工程学院") == (True, "unit")
    assert same_organisation("哈理工", "哈工程") == (False, "")


def test_keys_compare_equal_for_one_body() -> None:
    assert {organisation_key(name) for name in ("哈工大", "ＨＩＴ", HIT, "哈尔滨工业大学（航天学院）")} == {HIT}
    assert organisation_key("霜桥（集团） 公司") == organisation_key("霜桥集团公司")
    assert organisation_key("霜桥", {"霜桥": "哈工大"}) == HIT
    assert organisation_key("哈工大", {"哈工大": "哈工大"}) == "哈工大"


# Names that bear upon each other: every kind of variation of few bodies.
NAMES = st.lists(
    st.one_of(
        st.sampled_from(
            [HIT, "哈工大", "哈工大材料学院", "ＨＩＴ", "西南林学院", "西南林业大学", "西南林大", "——", "湖南农大"]
        ),
        st.builds(
            "".join,
            st.tuples(
                st.sampled_from(["", "哈尔滨", "哈尔滨市", "黑龙江省哈尔滨市", "黑龙江", "大庆"]),
                st.sampled_from(["霜桥", "霜侨", "冰砚"]),
                st.sampled_from(["阀门", "阀门制造", "阀门治造", "食品", "饮品"]),
                st.sampled_from(["有限公司", "股份有限公司", "有线公司", "集团", ""]),
                st.sampled_from(["", "", "研究院", "（高新技术企业）", "（原霜桥厂）"]),
            ),
        ),
    ),
    max_size=12,
)


@given(NAMES, NAMES, NAMES, st.randoms(use_true_random=False))
def test_resolving_twice_changes_nothing_and_order_does_not_matter(
    names: list[str], known: list[str], decided: list[str], shuffled: random.Random
) -> None:
    confirmed = dict(zip(decided[::2], decided[1::2], strict=False))
    resolved = resolve(names, known, confirmed)
    again = resolve(resolved["name"], known, confirmed)
    assert again["name"].to_list() == again["written"].to_list()
    shuffled.shuffle(names)
    shuffled.shuffle(known)
    assert resolve(names, known, dict(reversed(confirmed.items()))).equals(resolved)
    for row in resolved.iter_rows(named=True):
        assert (row["reason"] == "confirmed") == (row["written"] in confirmed)
        assert 0 <= row["likeness"] <= 1


@given(st.lists(st.text(max_size=12), max_size=6))
def test_any_text_is_taken(names: list[str]) -> None:
    resolved = resolve(names, names)
    assert set(resolved["written"]) == {name.strip() for name in names} - {""}
    assert proposals(resolved).height <= resolved.height


def test_many_names_are_resolved_in_seconds() -> None:
    draw = random.Random(7)
    letters, forms = "霜桥冰砚霁川朔桐松珀鹤沅谷穗岚森墨岭", ["有限公司", "股份有限公司", "", "有限公司技术中心"]
    trades = ["阀门制造", "食品", "传感科技", "机械", "新材料", "环保设备"]
    names = [
        draw.choice(["哈尔滨", "大庆市", "黑龙江省", "绥化"])
        + "".join(draw.choices(letters, k=2))
        + draw.choice(trades)
        + draw.choice(forms)
        for _ in range(5_000)
    ]
    started = time.process_time()
    resolve(draw.choices(names, k=100_000), names[:2_000])
    assert time.process_time() - started < 3


def test_a_name_belongs_to_one_listed_organisation() -> None:
    names = Counter(
        plain_name(name) for entry in LISTED for name in {entry["name"], *entry["short"], *entry["former"]} if name
    )
    # 第七〇三 and 第七0三 are written apart in the list and are one text here.
    by_name = {
        text: {e["name"] for e in LISTED for n in (e["name"], *e["short"], *e["former"]) if plain_name(n) == text}
        for text, count in names.items()
        if count > 1
    }
    assert {text: bodies for text, bodies in by_name.items() if len(bodies) > 1} == {}
    assert all(entry["name"].strip() == entry["name"] != "" for entry in LISTED)


@pytest.mark.parametrize("entry", [pytest.param(LISTED, id="all")])
def test_a_listed_name_is_resolved_to_its_organisation(entry: list[dict[str, object]]) -> None:
    official = [str(each["name"]) for each in entry]
    assert resolve(official, [])["reason"].unique().to_list() == ["same"]
    for each in entry:
        for other in (*each["short"], *each["former"]):  # type: ignore[misc]
            assert organisation_key(other) == each["name"]


def test_the_rules_are_sound() -> None:
    assert rules()["source"]
    for table in ("forms", "unit"):
        for name, pattern in rules()[table].items():
            if isinstance(pattern, str):
                assert rule(table, name)
    places = [place for kind in ("country", "provinces", "cities", "districts") for place in rules()["places"][kind]]
    assert [place for place, count in Counter(places).items() if count > 1] == []
    syllables = [each.encode("gb2312") for each in rules()["typos"]["syllables"]]
    assert syllables == sorted(set(syllables))
    assert [syllable(first) for first in rules()["typos"]["syllables"]] == list(range(1, len(syllables) + 1))
    assert all(len(set(group)) == len(group) > 1 for group in rules()["typos"]["look_alikes"])


@pytest.mark.parametrize(
    ("one", "other", "alike"), [("程", "称", True), ("气", "汽", True), ("食", "饮", False), ("昨", "坐", True)]
)
def test_homophones_share_a_syllable(one: str, other: str, alike: bool) -> None:
    assert (syllable(one) == syllable(other)) == alike
    assert syllable("珩") == syllable("A") == syllable("㐀") == 0
