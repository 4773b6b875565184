"""The list for the registration of contracts, worked out by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from matching.data_files import data_path
from matching.errors import DataFileError
from matching.reporting.registration import list_form, read_form, registration_list

HEADINGS = [
    "序号",
    "合同登记编号",
    "合同类别",
    "合同名称",
    "卖方名称",
    "卖方类型",
    "买方名称",
    "买方所在地",
    "技术领域",
    "知识产权类型",
    "合同成交额（元）",
    "技术交易额（元）",
    "合同签订日期",
    "登记日期",
    "技术转移机构",
]
SCHEMA = {
    "deal_id": pl.Int64,
    "state": pl.String,
    "contract_kind": pl.String,
    "total_fen": pl.Int64,
    "technical_fen": pl.Int64,
    "signed_on": pl.Date,
    "registered_on": pl.Date,
    "registration_number": pl.String,
    "buyer": pl.String,
    "seller": pl.String,
    "transfer_institution": pl.String,
    "buyer_city": pl.String,
    "seller_kind": pl.String,
    "ip_kind": pl.String,
    "contract_field": pl.String,
    "demand_title": pl.String,
    "achievement_title": pl.String,
}
WORDS = {
    "seller_kind": {"institute": "科研机构"}.__getitem__,
    "buyer_city": {"2301": "哈尔滨"}.__getitem__,
    "contract_field": {"05": "新材料及其应用"}.__getitem__,
    "ip_kind": {"patent": "专利", "none": "未涉及"}.__getitem__,
}
WHOLE: dict[str, Any] = {
    "deal_id": 1,
    "state": "signed",
    "contract_kind": "transfer",
    "total_fen": 120_000_050,
    "technical_fen": 100_000_000,
    "signed_on": date(2025, 6, 1),
    "registered_on": None,
    "registration_number": None,
    "buyer": "某某机械有限公司",
    "seller": "某某研究所",
    "transfer_institution": "",
    "buyer_city": "2301",
    "seller_kind": "institute",
    "ip_kind": "patent",
    "contract_field": "05",
    "demand_title": "耐磨涂层",
    "achievement_title": "陶瓷涂层技术",
}


def contracts(*changes: dict[str, Any]) -> pl.DataFrame:
    rows = [WHOLE | {"deal_id": number} | change for number, change in enumerate(changes, start=1)]
    return pl.DataFrame(rows, schema=SCHEMA)


def listed(*changes: dict[str, Any], language: str = "zh_CN") -> list[tuple[Any, ...]]:
    return registration_list(contracts(*changes), language, WORDS).rows.rows()


def note(*changes: dict[str, Any], language: str = "zh_CN") -> list[str]:
    return registration_list(contracts(*changes), language, WORDS).note.splitlines()


def test_the_columns_are_the_official_ones_in_their_order() -> None:
    sheet = registration_list(contracts({}), "zh_CN", WORDS)
    assert [column.heading for column in sheet.columns] == HEADINGS
    assert [column.name for column in sheet.columns] == sheet.rows.columns
    english = registration_list(contracts({}), "en", WORDS)
    assert len({column.heading for column in english.columns}) == len(HEADINGS)
    assert all(column.heading.isascii() for column in english.columns)
    assert list_form().source


def test_a_whole_contract() -> None:
    done = {"state": "registered", "registration_number": "2025230100001", "registered_on": date(2025, 6, 20)}
    assert listed(done | {"transfer_institution": "某某转移中心"}) == [
        (
            1,
            "2025230100001",
            "技术转让",
            "陶瓷涂层技术",
            "某某研究所",
            "科研机构",
            "某某机械有限公司",
            "哈尔滨",
            "新材料及其应用",
            "专利",
            120_000_050,
            100_000_000,
            date(2025, 6, 1),
            date(2025, 6, 20),
            "某某转移中心",
        )
    ]
    assert note(done) == ["共 1 份合同，其中 1 份已登记。"]


def test_contracts_stand_by_day_of_signing_and_are_numbered() -> None:
    rows = listed(
        {"signed_on": date(2025, 7, 2)},
        {"signed_on": None},
        {"signed_on": date(2025, 7, 1)},
        {"signed_on": date(2025, 7, 2)},
    )
    assert [(row[0], row[12]) for row in rows] == [
        (1, date(2025, 7, 1)),
        (2, date(2025, 7, 2)),
        (3, date(2025, 7, 2)),
        (4, None),
    ]


@pytest.mark.parametrize("state", ["recommended", "contacted", "negotiating"])
def test_what_is_not_signed_is_not_listed(state: str) -> None:
    assert listed({"state": state}) == []
    assert note({"state": state}) == ["共 0 份合同，其中 0 份已登记。"]


def test_what_is_left_out_is_counted() -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"contract_kind": "investment"},
        {"state": "ended"},
        {"state": "ended", "signed_on": None},
    ]
    assert len(listed(*changes)) == 1
    said = note(*changes)
    assert said == [
        "共 1 份合同，其中 0 份已登记。",
        "另有 1 份作价入股合同不属于五类技术合同，未列入。",
        "1 份合同签订后已终止，未列入。",
    ]


def test_what_cannot_be_registered_yet_is_counted_with_what_it_lacks() -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"buyer_city": "unknown", "technical_fen": None},
        {"buyer_city": "unknown", "contract_kind": None, "seller": ""},
        # What has been registered lacks nothing any more.
        {"buyer_city": "unknown", "registration_number": "1"},
    ]
    assert note(*changes) == [
        "共 4 份合同，其中 1 份已登记。",
        "2 份尚未登记的合同缺少登记所需的内容：合同类别 1 份、卖方名称 1 份、买方所在地 2 份、技术交易额（元） 1 份。"
        "请在对接页面或记录中补齐。",
    ]
    second = listed(*changes)[1]
    assert (second[7], second[11]) == (None, None)
    assert "Technical amount (yuan) (1)" in note(*changes, language="en")[1]


def test_the_name_is_the_achievement_s_else_the_demand_s() -> None:
    assert [row[3] for row in listed({}, {"achievement_title": " "})] == ["陶瓷涂层技术", "耐磨涂层"]


def test_no_intellectual_property_is_a_statement_not_a_gap() -> None:
    assert listed({"ip_kind": "none"})[0][9] == "未涉及"
    assert len(note({"ip_kind": "none"})) == 1


def test_a_name_that_must_not_be_learnt_is_said_to_be_so() -> None:
    assert listed({"buyer": "hidden"})[0][6] == "（不公开）"
    assert len(note({"buyer": "hidden"})) == 1


def test_nothing_to_list() -> None:
    sheet = registration_list(contracts(), "en", WORDS)
    assert sheet.rows.is_empty()
    assert sheet.note == "0 contracts, 0 of them registered."


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('contract_kinds = ["development"', 'contract_kinds = ["barter"'),
        ('states = ["signed"', 'states = ["begun"'),
        ('name = "seller_kind"', 'name = "seller"'),
        ('take = ["seller"]', "take = []"),
        ('kind = "date"', 'kind = "day"'),
        ("needed = true", "needed = 1"),
        ("[[column]]", "[[column"),
    ],
)
def test_a_form_that_breaks_a_rule_is_refused(tmp_path: Path, old: str, new: str) -> None:
    text = data_path("reporting", "registration.toml").read_text("utf-8")
    assert old in text
    file = tmp_path / "registration.toml"
    file.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(DataFileError) as refused:
        read_form(file)
    assert "registration.toml" in refused.value.text("en")
