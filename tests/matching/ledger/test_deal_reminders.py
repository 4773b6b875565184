"""Reminders: deals that stand still, contracts to register, contracts whose record is out of use."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from agreed import SIGNED, advance, open_deals
from sqlalchemy import Engine

from matching.ledger import deals
from matching.ledger.deal_documents import add_document
from matching.ledger.deal_reminders import REMINDERS, reminders
from matching.ledger.deal_rules import deal_rules
from matching.ledger.withdrawal import withdraw

UTC_DAY = "UTC"


@pytest.fixture
def engine(ledger: Engine) -> Engine:
    open_deals(ledger)
    return ledger


def day() -> date:
    return datetime.now(ZoneInfo(UTC_DAY)).date()


def told(engine: Engine, today: date) -> list[tuple[object, ...]]:
    return reminders(engine, today).select("deal_id", "why", "days", "over").rows()


def test_a_deal_may_stand_still_for_as_long_as_its_state_allows(engine: Engine) -> None:
    allowed = deal_rules().days_without_movement["recommended"]
    assert reminders(engine, day() + timedelta(allowed)).equals(reminders(engine, day()))
    assert reminders(engine, day()).schema == REMINDERS
    later = day() + timedelta(allowed + 1)
    assert told(engine, later) == [(1, "still", allowed + 1, 1), (2, "still", allowed + 1, 1)]
    deals.move(engine, 1, "contacted", "甲", seen=1)
    assert told(engine, later) == [(2, "still", allowed + 1, 1)]


def test_any_entry_is_movement(engine: Engine) -> None:
    before = reminders(engine, day() + timedelta(30))["days"].to_list()
    add_document(engine, 1, "纪要", "https://a.example", "甲", nonce="n")
    assert reminders(engine, day() + timedelta(30))["days"].to_list() == before
    assert reminders(engine, day()).is_empty()


def test_ended_deals_wait_for_nothing(engine: Engine) -> None:
    for seen in (1, 2):
        deals.move(engine, seen, "ended", "甲", seen=seen, reason="price")
    assert reminders(engine, day() + timedelta(1000)).is_empty()


def test_a_signed_contract_is_to_be_registered(engine: Engine) -> None:
    advance(engine, 1, "signed", "甲", seen=1)
    since = (day() - SIGNED).days
    due = deal_rules().registration_due_after_days
    assert (1, "registration", since, since - due) in told(engine, day())
    advance(engine, 1, "registered", "甲", seen=3)
    assert told(engine, day()) == []


def test_a_contract_whose_record_is_withdrawn_is_told_of(engine: Engine) -> None:
    advance(engine, 1, "registered", "甲", seen=1)
    withdraw(engine, "achievements", "A1", "甲", "专利失效")
    (row,) = reminders(engine, day()).rows(named=True)
    assert (row["deal_id"], row["why"], row["record_id"], row["over"]) == (1, "withdrawn", "A1", None)
