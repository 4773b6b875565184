"""Withdrawn records: by hand, by settling, by merging, by a file; what hangs on them is closed in the same breath."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from agreed import RECORDS, advance, open_deals
from records import listed
from sqlalchemy import Engine

from matching.errors import CallError, LedgerError, NotPermitted
from matching.ledger import presence, uploads
from matching.ledger.database import reading
from matching.ledger.deal_closing import Closed
from matching.ledger.deal_reopening import reopen
from matching.ledger.deal_timeline import timeline
from matching.ledger.deals import all_deals, deal_events, move
from matching.ledger.decisions import undo
from matching.ledger.rights import Viewer, as_viewer
from matching.ledger.withdrawal import records_out_of_use, refuse_out_of_use, restore, withdraw
from matching.schema import FIELDS, Kind


@pytest.fixture
def engine(ledger: Engine) -> Engine:
    open_deals(ledger)
    return ledger


def states(engine: Engine) -> list[tuple[int, str, str]]:
    return all_deals(engine).sort("deal_id").select("deal_id", "state", "reason").rows()


def load(engine: Engine, kind: Kind, *rows: dict[str, object], institute: str = "") -> None:
    beside = uploads.Beside(institute=institute)
    uploads.add(engine, listed(kind, *rows, file="新.csv"), pl.DataFrame(schema=FIELDS), "乙", beside=beside)


def by_hand(engine: Engine) -> None:
    assert withdraw(engine, "achievements", "A1", "乙", "专利失效") == Closed(ended=(1,))


def by_settling(engine: Engine) -> None:
    load(engine, "achievements", *RECORDS["achievements"], institute="一所")
    load(engine, "achievements", {"achievement_id": "A2", **RECORDS["achievements"][1]}, institute="一所")
    presence.settle_missing(engine, "achievements", ["A1"], gone=True, agent="乙")


def by_merging(engine: Engine) -> None:
    presence.settle_near(engine, "achievements", "A1", "A2", same=True, agent="乙")


def by_file(engine: Engine) -> None:
    load(engine, "achievements", {**RECORDS["achievements"][0], "status": "withdrawn"})


WAYS: list[Callable[[Engine], None]] = [by_hand, by_settling, by_merging, by_file]


@pytest.mark.parametrize("way", WAYS)
def test_open_deals_end_visibly(way: Callable[[Engine], None], engine: Engine) -> None:
    move(engine, 1, "negotiating", "甲", seen=1)
    way(engine)
    assert states(engine) == [(1, "ended", "withdrawn"), (2, "recommended", "")]
    event = deal_events(engine, 1).row(-1, named=True)
    assert event["agent"] == "乙"
    assert event["note"].startswith("A1")
    said = timeline(engine, 1)["what"].to_list()
    assert {"record_gone", "record_merged", "record_withdrawn"} & set(said)


@pytest.mark.parametrize("way", WAYS[1:])
def test_contracts_stay(way: Callable[[Engine], None], engine: Engine) -> None:
    advance(engine, 1, "signed", "甲", seen=1)
    way(engine)
    assert states(engine)[0] == (1, "signed", "")


def test_withdrawing_tells_of_contracts_that_stay(engine: Engine) -> None:
    advance(engine, 1, "signed", "甲", seen=1)
    assert withdraw(engine, "demands", "D1", "乙", "不做了") == Closed(contracts=(1,))
    assert withdraw(engine, "demands", "D1", "乙", "不做了") == Closed()
    assert timeline(engine, 1).filter(what="record_gone")["why"].to_list() == ["不做了"]


@pytest.mark.parametrize("way", WAYS)
def test_a_pair_of_a_withdrawn_record_is_refused(way: Callable[[Engine], None], engine: Engine) -> None:
    with reading(engine) as connection:
        refuse_out_of_use(connection, "D1", "A1")
    way(engine)
    with reading(engine) as connection:
        with pytest.raises(LedgerError, match="A1"):
            refuse_out_of_use(connection, "D1", "A1")
        refuse_out_of_use(connection, "D1", "A2")
        refuse_out_of_use(connection, "unknown", "A2")
    assert records_out_of_use(engine, "achievements", ["A1", "A2"]) == {"A1"}


def test_restoring_opens_nothing_by_itself_and_an_agent_can(engine: Engine) -> None:
    move(engine, 1, "contacted", "甲", seen=1)
    withdraw(engine, "achievements", "A1", "乙", "专利失效")
    with pytest.raises(LedgerError, match="A1"):
        reopen(engine, 1, "甲", seen=4)
    restore(engine, "achievements", "A1", "乙", "已续费")
    assert states(engine)[0] == (1, "ended", "withdrawn")
    with pytest.raises(LedgerError):
        restore(engine, "achievements", "A1", "乙", "已续费")
    reopen(engine, 1, "甲", seen=4, note="重新联系")
    assert states(engine)[0] == (1, "contacted", "")
    with pytest.raises(LedgerError):
        reopen(engine, 1, "甲", seen=4)
    found = timeline(engine, 1).filter(pl.col("what") != "document").select("what", "reason", "why", "agent").rows()
    assert found[:4] == [
        ("event", "", "重新联系", "甲"),
        ("record_kept", "", "已续费", "乙"),
        ("event", "withdrawn", "A1: 专利失效", "乙"),
        ("record_gone", "", "专利失效", "乙"),
    ]


def test_a_deal_that_ended_otherwise_is_not_opened_again(engine: Engine) -> None:
    move(engine, 1, "ended", "甲", seen=1, reason="price")
    with pytest.raises(LedgerError):
        reopen(engine, 1, "甲", seen=3)


def test_a_deal_whose_acceptance_was_taken_back_is_not_opened_again(engine: Engine) -> None:
    withdraw(engine, "achievements", "A1", "乙", "专利失效")
    undo(engine, 1, "甲", "u")
    restore(engine, "achievements", "A1", "乙", "已续费")
    with pytest.raises(LedgerError) as caught:
        reopen(engine, 1, "甲", seen=3)
    assert [problem.key for problem in caught.value.problems] == ["deal.not_accepted"]


def test_taking_an_upload_back_may_withdraw_a_record_again(engine: Engine) -> None:
    by_file(engine)
    load(engine, "achievements", RECORDS["achievements"][0])
    reopen(engine, 1, "甲", seen=3)
    uploads.take_back(engine, 4, "丙")
    assert states(engine)[0] == (1, "ended", "withdrawn")
    assert deal_events(engine, 1)["agent"].to_list()[-1] == "丙"


def test_a_withdrawal_needs_a_why_and_a_record(engine: Engine) -> None:
    with pytest.raises(CallError):
        withdraw(engine, "demands", "D1", "甲", " ")
    with pytest.raises(LedgerError):
        withdraw(engine, "demands", "D404", "甲", "没有")
    assert states(engine) == [(1, "recommended", ""), (2, "recommended", "")]


def test_an_institute_withdraws_its_own_alone(engine: Engine) -> None:
    institute = as_viewer(engine, Viewer("丙", "institute", "一所"))
    for kind, record_id in (("demands", "D1"), ("achievements", "A2")):
        with pytest.raises(NotPermitted):
            withdraw(institute, kind, record_id, "丙", "撤")  # type: ignore[arg-type]
    assert withdraw(institute, "achievements", "A1", "丙", "撤") == Closed(ended=(1,))
