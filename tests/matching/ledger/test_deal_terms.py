"""Terms of deals: what they need, what they may not say, and every change with who, when and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from agreed import REGISTERED, SIGNED, TODAY, advance, full_terms, open_deals
from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError

from matching.errors import CallError, LedgerError
from matching.ledger import deals
from matching.ledger.deal_amounts import read_fen, rounded_wan_text, wan_text
from matching.ledger.deal_documents import add_document, document_entries, standing_documents, take_document
from matching.ledger.deal_rules import Terms, checked_link, opens_in_browser, wrong_terms
from matching.ledger.deal_terms import change_terms, current_terms, terms_entries, terms_of
from matching.ledger.deal_timeline import timeline


@pytest.fixture
def engine(ledger: Engine) -> Engine:
    open_deals(ledger)
    return ledger


def change(engine: Engine, terms: Terms, seen: int | None = None, nonce: str = "n", **more: Any) -> int | None:
    return change_terms(engine, 1, terms, "甲", seen=seen, nonce=nonce, today=TODAY, **more)


def keys(error: pytest.ExceptionInfo[LedgerError]) -> list[str]:
    return [problem.key for problem in error.value.problems]


@pytest.mark.parametrize(
    ("written", "fen"),
    [
        ("12.5", 12_500_000),
        ("12.345678", 12_345_678),
        ("12.345678万元", 12_345_678),
        ("123,456.78元", 12_345_678),
        ("0.01 元", 1),
        ("１２", 12_000_000),
        ("三十万", 30_000_000),
        ("1.23456789亿", 12_345_678_900),
        ("0.000029", 29),
        ("", None),
    ],
)
def test_amounts_are_read_to_the_fen(written: str, fen: int | None) -> None:
    assert read_fen(written, "合同总额（万元）") == fen
    assert read_fen(wan_text(fen), "合同总额（万元）") == fen


@pytest.mark.parametrize("written", ["面议", "约12万", "10-20", "-5", "abc", "12万以上", "无", "99999999999999999"])
def test_what_is_no_single_amount_is_refused(written: str) -> None:
    with pytest.raises(CallError):
        read_fen(written, "合同总额（万元）")


def test_what_is_finer_than_a_fen_is_refused() -> None:
    with pytest.raises(CallError, match=r"0\.001"):
        read_fen("0.001元", "")


def test_the_heading_names_the_unit() -> None:
    assert read_fen("5", "Total (10,000 yuan)") == 5_000_000
    assert read_fen("5", "金额（元）") == 500
    assert (wan_text(12_345_678), wan_text(None), rounded_wan_text(12_345_678)) == ("12.345678", "", "12.35")


def test_parties_are_those_of_the_records_until_somebody_says_otherwise(engine: Engine) -> None:
    found = terms_of(engine, 1)
    assert (found.entry_id, found.terms) == (None, Terms(buyer="甲厂", seller="一所"))
    change(engine, replace(found.terms, buyer="甲厂的子公司"))
    assert terms_of(engine, 1).terms.buyer == "甲厂的子公司"
    with pytest.raises(LedgerError):
        terms_of(engine, 404)


def test_a_change_is_an_entry_and_the_newest_counts(engine: Engine) -> None:
    first = change(engine, Terms(total_fen=100))
    second = change(engine, Terms(total_fen=200), seen=first, nonce="m", why="谈高了")
    assert current_terms(engine).select("deal_id", "entry_id", "total_fen", "why", "agent").rows() == [
        (1, second, 200, "谈高了", "甲")
    ]
    assert terms_entries(engine, 1)["total_fen"].to_list() == [100, 200]
    (row,) = timeline(engine, 1).filter(what="terms", why="谈高了").to_dicts()
    assert row["changes"] == [{"term": "total_fen", "before": "100", "after": "200"}]


def test_a_press_that_arrives_twice_writes_once(engine: Engine) -> None:
    assert change(engine, Terms(total_fen=100)) == change(engine, Terms(total_fen=100))
    assert terms_entries(engine, 1).height == 1


def test_what_changes_nothing_is_not_written(engine: Engine) -> None:
    first = change(engine, Terms(total_fen=100))
    assert change(engine, Terms(total_fen=100), seen=first, nonce="m") == first
    assert terms_entries(engine, 1).height == 1


def test_terms_that_somebody_changed_meanwhile(engine: Engine) -> None:
    change(engine, Terms(total_fen=100))
    with pytest.raises(LedgerError) as caught:
        change(engine, Terms(total_fen=200), seen=None, nonce="m", why="又谈")
    assert keys(caught) == ["deal.terms_meanwhile"]
    assert terms_of(engine, 1).terms.total_fen == 100


def test_a_value_that_was_set_changes_with_a_why_alone(engine: Engine) -> None:
    first = change(engine, Terms(total_fen=100))
    with pytest.raises(CallError):
        change(engine, Terms(total_fen=200), seen=first, nonce="m", why="  ")
    added = change(engine, Terms(total_fen=100, responsible="乙"), seen=first, nonce="k")
    assert added != first
    assert change(engine, Terms(responsible="乙"), seen=added, nonce="l", why="没谈成") is not None


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, []),
        ({"technical_fen": 1_000_000_00}, []),
        ({"technical_fen": 1_000_000_01}, ["deal.technical_above_total"]),
        ({"total_fen": -1}, ["deal.negative_amount"]),
        ({"technical_fen": -1}, ["deal.negative_amount"]),
        ({"contract_kind": "gift"}, ["deal.unknown_contract_kind"]),
        ({"industrialised_on": TODAY}, []),
        ({"industrialised_on": TODAY + timedelta(1)}, ["deal.future_industrialised_on"]),
        ({"registered_on": SIGNED}, []),
        ({"registered_on": SIGNED - timedelta(1)}, ["deal.early_registered_on"]),
        ({"industrialised_on": REGISTERED - timedelta(1)}, ["deal.early_industrialised_on"]),
        ({"registration_number": "9" * 101}, ["deal.long_registration_number"]),
    ],
)
def test_rules_of_terms(more: dict[str, Any], expected: list[str]) -> None:
    terms = full_terms(1, **more)
    assert [problem.key for problem in wrong_terms(terms, {"signed"}, TODAY)] == expected


def test_a_technical_amount_needs_a_total(engine: Engine) -> None:
    with pytest.raises(LedgerError) as caught:
        change(engine, Terms(technical_fen=1))
    assert keys(caught) == ["deal.technical_without_total"]


@pytest.mark.parametrize("lost", ["contract_kind", "total_fen", "signed_on", "registration_number", "registered_on"])
def test_a_state_that_was_reached_keeps_what_it_needs(lost: str, engine: Engine) -> None:
    advance(engine, 1, "registered", "甲", seen=1)
    seen = terms_of(engine, 1)
    with pytest.raises(LedgerError) as caught:
        change(engine, replace(seen.terms, **{lost: None}), seen=seen.entry_id, why="删去")
    assert f"deal.needs_{lost}" in keys(caught)
    assert change(engine, replace(seen.terms, industrialised_on=None), seen=seen.entry_id, nonce="m", why="删去")


def test_a_registration_number_is_one_deals_alone(engine: Engine) -> None:
    advance(engine, 1, "registered", "甲", seen=1)
    mine = terms_of(engine, 1).terms.registration_number
    taken = full_terms(2, registration_number=f" {mine} ")
    with pytest.raises(LedgerError) as caught:
        deals.move(engine, 2, "registered", "甲", seen=2, terms=taken, nonce="x", today=TODAY)
    assert keys(caught) == ["deal.number_taken"]
    advance(engine, 1, "ended", "甲", seen=3, reason="other")
    deals.move(engine, 2, "registered", "甲", seen=2, terms=taken, nonce="x", today=TODAY)
    assert terms_of(engine, 2).terms.registration_number == mine


def test_entries_are_not_changed(engine: Engine) -> None:
    change(engine, Terms(total_fen=100))
    for statement in ("UPDATE deal_terms SET total_fen = 1", "DELETE FROM deal_terms"):
        with pytest.raises(DatabaseError), engine.begin() as connection:
            connection.execute(text(statement))
    assert terms_of(engine, 1).terms.total_fen == 100


@pytest.mark.parametrize("link", ["https://a.example/x", "HTTP://a.example", r"\\server\share\a.docx", "file:///a/b"])
def test_links_that_are_allowed(link: str) -> None:
    assert checked_link(f" {link} ") == link
    assert opens_in_browser(link) == link.lower().startswith("http")


@pytest.mark.parametrize("link", ["", "a.docx", "javascript:alert(1)", "https://", "ftp://a", "https://a\nb", "data:x"])
def test_links_that_are_refused(link: str) -> None:
    with pytest.raises(CallError):
        checked_link(link)


def test_documents_are_put_on_the_list_and_taken_from_it(engine: Engine) -> None:
    for _ in range(2):
        made_id = add_document(engine, 1, " 合同 扫描件 ", "https://a.example/x", "甲", nonce="n")
    assert standing_documents(document_entries(engine, 1))["name"].to_list() == ["合同 扫描件"]
    with pytest.raises(CallError):
        take_document(engine, made_id, "乙", nonce="m", why=" ")
    for _ in range(2):
        take_document(engine, made_id, "乙", nonce="m", why="放错了")
    with pytest.raises(LedgerError):
        take_document(engine, made_id, "乙", nonce="k", why="放错了")
    assert standing_documents(document_entries(engine, 1)).is_empty()
    assert document_entries(engine, 1).height == 2
    found = timeline(engine, 1).filter(pl.col("what").str.starts_with("document"))
    assert found.select("what", "name", "why", "agent").rows() == [
        ("document_taken", "合同 扫描件", "放错了", "乙"),
        ("document", "合同 扫描件", "", "甲"),
    ]
    with pytest.raises(CallError):
        add_document(engine, 1, " ", "https://a.example/x", "甲", nonce="z")
    with pytest.raises(LedgerError):
        add_document(engine, 404, "合同", "https://a.example/x", "甲", nonce="z")
