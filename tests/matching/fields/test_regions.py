"""Places as a clerk writes them, and the regions that figures are cut by."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import polars as pl
import pytest

from matching.errors import DataFileError
from matching.fields.regions import (
    UNKNOWN,
    Regions,
    broken_rules,
    in_province,
    load_regions,
    name,
    region_codes,
    region_of,
    regions_of,
)

PREFECTURES = [f"23{number:02}00" for number in range(1, 13)] + ["232700"]
# The county-level divisions of each prefecture as the national standard counts them.
DIVISIONS = [18, 16, 9, 8, 8, 9, 10, 10, 4, 10, 6, 10, 3]
OWN_DIVISIONS = 4


def table(written: dict[str, str]) -> dict[str, str]:
    """What is right for each text, from the texts of each code, between bars."""
    return {text: code for code, texts in written.items() for text in texts.split("|")}


PLACES = table(
    {
        "230100": (
            "哈尔滨|哈尔滨市|哈市|黑龙江省哈尔滨市南岗区|南岗区|五常市|五常|黑龙江哈尔滨|"
            "哈尔滨市道里区群力大道12号|哈尔滨新区|松北|哈 尔 滨|哈尔滨（松北）|Harbin|ＨＡＲＢＩＮ|"
            "Nangang District, Harbin, Heilongjiang|宾县宾西开发区|双城市|呼兰县"
        ),
        "230200": "齐齐哈尔|齐市|富拉尔基|黑龙江省讷河市|Qiqihar City|龙江县",
        "230300": "鸡西|密山市|虎林|北大荒集团牡丹江分公司",
        "230400": "鹤岗市东山区|黑龙江省东山区|宝泉岭|萝北县",
        "230500": "双鸭山|友谊县|宝清|黑龙江省宝山区",
        "230600": "大庆高新区|大庆|让胡路区|大庆市大同区|大同区|杜蒙",
        "230700": "伊春|铁力|伊春市带岭区|Yichun",
        "230800": "佳木斯|建三江|富锦市|佳木斯市郊区|佳木斯向阳区",
        "230900": "七台河市|勃利县|茄子河区",
        "231000": "牡丹江|牡丹江市西安区|绥芬河|东宁县|Mudanjiang",
        "231100": "黑河|嫩江县|九三管理局|五大连池风景区",
        "231200": "绥化|肇东|绥化市北林区|安达市",
        "232700": "大兴安岭|加格达奇|漠河县|大兴安岭地区行署|新林区",
        "230000": "省内|黑龙江|黑龙江省|Heilongjiang Province|向阳区|黑龙江省北京路8号",
        "110000": "北京|北京市朝阳区",
        "220000": "长春市朝阳区|吉林",
        "210000": "沈阳市铁西区",
        "610000": "西安",
        "310000": "上海市宝山区",
        "370000": "青岛市市北区",
        "440000": "深圳市南山区|Shenzhen",
        "150000": "内蒙古呼伦贝尔",
        "140000": "山西大同",
        "360000": "Yichun, Jiangxi",
        "810000": "香港",
        "outside": "省外",
        "abroad": "俄罗斯",
        UNKNOWN: "市北区|朝阳区|铁西区|东山区|西安区|大同|郊区|中山路||  |无|/|不详",
    }
)
# Written down before they were tried; nothing was changed for their sake.
PLACES_APART = table(
    {
        "230100": (
            "黑龙江省哈尔滨市香坊区长江路600号|哈尔滨市平房区哈南工业新城|哈尔滨阿城|尚志市亚布力镇|"
            "哈尔滨利民开发区|道外区宏伟路|哈尔滨工业大学|巴彦县|延寿"
        ),
        "230200": "齐齐哈尔市龙沙区|克山|梅里斯|黑龙江齐齐哈尔高新技术产业开发区|拜泉县",
        "230300": "鸡西市鸡冠区|鸡东|八五七农场",
        "230400": "绥滨|鹤岗市工农区",
        "230500": "集贤县福利镇|红兴隆管理局|饶河",
        "230600": "萨尔图|大庆油田采油一厂|肇源|大庆市让胡路区西灵街|黑龙江林甸",
        "230700": "嘉荫|南岔|汤旺县",
        "230800": "桦川|抚远市|佳木斯市高新区|同江",
        "230900": "七台河",
        "231000": "宁安市|海林|穆棱经济开发区|牡丹江市爱民区|镜泊湖",
        "231100": "北安|逊克|黑河自贸区",
        "231200": "望奎|海伦市|黑龙江省绥化市肇东市|明水县",
        "232700": "呼玛|塔河县",
        "230000": "黑龙江省内|本省",
        UNKNOWN: "垦区|鼓楼区|全国",
        "210000": "辽宁大连",
        "120000": "天津滨海新区",
        "320000": "江苏省苏州市工业园区",
        "330000": "杭州",
        "110000": "Beijing",
        "130000": "河北唐山",
        "370000": "山东省济南市历下区",
        "440000": "广东东莞",
        "500000": "重庆",
        "abroad": "Tokyo, Japan",
    }
)


def wrong_of(places: dict[str, str]) -> list[str]:
    found = regions_of(pl.Series(list(places), dtype=pl.String()))
    return [f"{written}: {code}" for (written, right), code in zip(places.items(), found, strict=True) if code != right]


def test_the_shipped_regions_break_no_rule() -> None:
    assert broken_rules(load_regions()) == []


def test_the_home_province_has_the_divisions_of_the_national_standard() -> None:
    below = [load_regions().by_code[code].divisions for code in PREFECTURES]
    assert [len(divisions) for divisions in below] == [*DIVISIONS[:-1], DIVISIONS[-1] + OWN_DIVISIONS]
    assert sum(DIVISIONS) == 121
    for prefecture, divisions in zip(PREFECTURES, below, strict=True):
        assert {code[:4] for code in divisions.values()} == {prefecture[:4]}


def test_places_are_known_however_they_are_written(record_property: Callable[[str, object], None]) -> None:
    wrong = wrong_of(PLACES)
    record_property("places", f"{len(PLACES) - len(wrong)} right, {len(wrong)} wrong")
    assert len(PLACES) >= 80
    assert wrong == []


def test_places_that_nothing_was_tuned_to(record_property: Callable[[str, object], None]) -> None:
    wrong = wrong_of(PLACES_APART)
    record_property("places apart", f"{len(PLACES_APART) - len(wrong)} right, {len(wrong)} wrong: {wrong}")
    assert not PLACES.keys() & PLACES_APART.keys()
    assert len(wrong) <= len(PLACES_APART) // 20


def test_every_division_leads_to_its_prefecture_when_the_city_stands_before_it() -> None:
    for code in PREFECTURES:
        region = load_regions().by_code[code]
        assert wrong_of({region.name_zh + division: code for division in region.divisions}) == []


def test_a_division_alone_is_its_prefecture_or_is_said_to_be_shared() -> None:
    regions = load_regions()
    owners = {division: code for code in PREFECTURES for division in regions.by_code[code].divisions}
    shared = {division for division in owners if division in regions.shared}
    assert wrong_of({division: code for division, code in owners.items() if division not in shared}) == []
    assert all(owners[division] in regions.shared[division] for division in shared)
    assert len(shared) < 10


def test_every_name_of_a_region_leads_to_it() -> None:
    assert wrong_of({form: region.code for region in load_regions().regions for form in region.forms}) == []


def test_the_order_is_the_home_province_its_prefectures_and_the_others() -> None:
    codes = region_codes()
    assert codes[:14] == ("230000", *PREFECTURES)
    assert list(codes[14:-2]) == sorted(codes[14:-2])
    assert len(codes[14:-2]) == 33
    assert codes[-2:] == ("outside", "abroad")


def test_what_is_in_the_province() -> None:
    assert [in_province(code) for code in ("230000", "232700")] == [True, True]
    assert [in_province(code) for code in ("220000", "outside", "abroad")] == [False, False, False]
    assert in_province(UNKNOWN) is None


def test_every_code_has_a_name_of_its_own_in_both_languages() -> None:
    for language in ("zh_CN", "en"):
        names = [name(code, language) for code in (*region_codes(), UNKNOWN)]
        assert all(names)
        assert len(set(names)) == len(names)
    assert (name("230100", "zh_CN"), name("230100", "en")) == ("哈尔滨市", "Harbin")


def test_missing_texts_are_unknown_and_rows_keep_their_places() -> None:
    texts = pl.Series("city", ["大庆", None, "北京", "大庆"])
    found = regions_of(texts)
    assert (found.name, found.to_list()) == ("city", ["230600", UNKNOWN, "110000", "230600"])
    assert regions_of(pl.Series("city", [], dtype=pl.String())).to_list() == []


def test_a_hundred_thousand_rows_are_quick(record_property: Callable[[str, object], None]) -> None:
    region_of("哈尔滨")
    streets = pl.Series([f"黑龙江省哈尔滨市南岗区学府路{number % 3000}号" for number in range(100_000)])
    started = time.perf_counter()
    found = regions_of(streets)
    seconds = time.perf_counter() - started
    record_property("100,000 rows, 3,000 addresses", f"{seconds:.3f} s")
    assert set(found) == {"230100"}
    assert seconds < 2


GOOD = load_regions()


@pytest.mark.parametrize(
    ("broken", "key", "value"),
    [
        (replace(GOOD, regions=(*GOOD.regions, replace(GOOD.regions[1], forms=(), divisions={}))), "twice", "230100"),
        (
            replace(
                GOOD, regions=(*GOOD.regions, replace(GOOD.regions[1], code="999999", forms=("大庆",), divisions={}))
            ),
            "twice",
            "大庆",
        ),
        (replace(GOOD, shared={"中街": ("230100",)}), "shared", "中街"),
        (replace(GOOD, shared={"中街": ("230100", "990000")}), "shared", "中街"),
    ],
)
def test_each_broken_rule_is_found_and_worded(broken: Regions, key: str, value: str) -> None:
    [problem] = broken_rules(broken)
    assert problem.key == f"regions.{key}"
    for language in ("zh_CN", "en"):
        assert value in DataFileError(problem).text(language)
