"""Payments of deals: when they may be recorded, what they add up to, and taking one back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from agreed import SIGNED, TODAY, advance, open_deals
from sqlalchemy import Engine

from matching.errors import CallError, LedgerError
from matching.ledger.deal_payments import add_payment, paid, payment_entries, standing_payments, take_back_payment
from matching.ledger.deal_terms import change_terms, terms_of
from matching.ledger.deal_timeline import timeline

TOTAL = 1_000_000_00


@pytest.fixture
def engine(ledger: Engine) -> Engine:
    """Deal 1 is signed, deal 2 is not."""
    open_deals(ledger)
    advance(ledger, 1, "signed", "甲", seen=1)
    return ledger


def pay(engine: Engine, amount: int, day: date = SIGNED, nonce: str = "n", **more: Any) -> int:
    deal = more.pop("deal", 1)
    return add_payment(engine, deal, amount, day, "甲", nonce=nonce, today=TODAY, **more)


def test_payments_add_up_to_the_fen(engine: Engine) -> None:
    for number, amount in enumerate((10, 20, 1)):
        pay(engine, amount, nonce=str(number))
    pay(engine, 1, nonce="2")
    assert paid(engine).rows() == [(1, 31, 3)]


def test_a_payment_is_taken_back_once_and_stays_to_be_seen(engine: Engine) -> None:
    first, second = pay(engine, 100, nonce="a"), pay(engine, 50, nonce="b", why="尾款")
    for _ in range(2):
        take_back_payment(engine, first, "乙", nonce="c", why="记错了")
    with pytest.raises(LedgerError):
        take_back_payment(engine, first, "乙", nonce="d", why="记错了")
    with pytest.raises(LedgerError):
        take_back_payment(engine, 3, "乙", nonce="e", why="撤销的撤销")
    assert standing_payments(payment_entries(engine, 1))["payment_id"].to_list() == [second]
    assert payment_entries(engine)["amount_fen"].sum() == 50
    assert paid(engine).rows() == [(1, 50, 1)]
    found = timeline(engine, 1).filter(pl.col("what").str.starts_with("payment"))
    assert found.select("what", "amount_fen", "why", "agent").rows() == [
        ("payment_taken_back", -100, "记错了", "乙"),
        ("payment", 50, "尾款", "甲"),
        ("payment", 100, "", "甲"),
    ]


def test_taking_back_needs_a_why(engine: Engine) -> None:
    made = pay(engine, 100)
    with pytest.raises(CallError):
        take_back_payment(engine, made, "甲", nonce="m", why="")
    assert payment_entries(engine).height == 1


@pytest.mark.parametrize("amount", [0, -1])
def test_a_payment_is_above_zero(amount: int, engine: Engine) -> None:
    with pytest.raises(CallError):
        pay(engine, amount)


@pytest.mark.parametrize(
    ("deal", "day", "key"),
    [
        (2, SIGNED, "deal.payment_before_contract"),
        (1, SIGNED - timedelta(1), "deal.payment_before_signing"),
        (1, TODAY + timedelta(1), "deal.payment_in_future"),
        (404, SIGNED, "deal.unknown"),
    ],
)
def test_payments_that_cannot_be(deal: int, day: date, key: str, engine: Engine) -> None:
    with pytest.raises(LedgerError) as caught:
        pay(engine, 1, day, deal=deal)
    assert [problem.key for problem in caught.value.problems] == [key]
    assert payment_entries(engine).is_empty()


def test_more_than_the_total_needs_a_why(engine: Engine) -> None:
    pay(engine, TOTAL, nonce="a")
    with pytest.raises(CallError):
        pay(engine, 1, nonce="b")
    pay(engine, 1, nonce="b", why="按产量提成")
    assert paid(engine).rows() == [(1, TOTAL + 1, 2)]


def test_a_deal_is_not_signed_after_its_first_payment(engine: Engine) -> None:
    made = pay(engine, 1)
    seen = terms_of(engine, 1)
    later = replace(seen.terms, signed_on=SIGNED + timedelta(1))
    with pytest.raises(LedgerError) as caught:
        change_terms(engine, 1, later, "甲", seen=seen.entry_id, nonce="m", why="看错", today=TODAY)
    assert [problem.key for problem in caught.value.problems] == ["deal.signed_after_payment"]
    take_back_payment(engine, made, "甲", nonce="b", why="记错")
    assert change_terms(engine, 1, later, "甲", seen=seen.entry_id, nonce="m", why="看错", today=TODAY)
