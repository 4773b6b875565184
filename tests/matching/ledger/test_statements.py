"""What people state of a deal: appended, the newest counts, of the kinds that the data file knows."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from database import Ledgers, made, opened
from places import ROOT
from records import listed
from sqlalchemy import Engine, func, insert, select

from matching.errors import CallError, DataFileError, LedgerError, NotPermitted
from matching.ledger import past, statement_kinds, uploads
from matching.ledger.database import now, reading, writing
from matching.ledger.moments import settled
from matching.ledger.revision import revision
from matching.ledger.rights import Viewer, as_viewer
from matching.ledger.statement_kinds import StatementKind, StatementRules, fitting, parsed, statement_rules
from matching.ledger.statements import state, statements_of
from matching.ledger.tables import deal, deal_event, deal_statement
from matching.schema import FIELDS

FILE = ROOT / "datasets" / "policy" / "statements.toml"
INSTITUTE = Viewer("所", "institute", "甲所")


def fill(engine: Engine) -> None:
    """Two deals, the first of an institute with an anonymous demand."""
    rows = [{"demand_id": f"D{number}", "title": "防冰", "visibility": "anonymous"} for number in (1, 2)]
    uploads.add(engine, listed("demands", *rows), pl.DataFrame(schema=FIELDS), "甲")
    institutes = [{"achievement_id": f"A{number}", "institute": name} for number, name in ((1, "甲所"), (2, "乙所"))]
    uploads.add(engine, listed("achievements", *institutes), pl.DataFrame(schema=FIELDS), "甲")
    with writing(engine) as connection:
        for number in (1, 2):
            pair = {"demand_id": f"D{number}", "achievement_id": f"A{number}", "at": now()}
            connection.execute(insert(deal).values(pair))
            event: dict[str, Any] = {"deal_id": number, "state": "recommended", "reason": "", "note": "", "at": now()}
            connection.execute(insert(deal_event).values(**event, agent="甲"))


@pytest.fixture(scope="module")
def filled(ledgers: Ledgers) -> str:
    return made(ledgers, fill)


@pytest.fixture
def dealt(filled: str, ledgers: Ledgers) -> Any:
    with opened(ledgers.copy(filled)) as engine:
        yield engine


def entries(engine: Engine) -> int:
    with reading(engine) as connection:
        return int(connection.execute(select(func.count()).select_from(deal_statement)).scalar_one())


def test_the_newest_value_counts_and_nothing_takes_it_back(dealt: Engine) -> None:
    assert statements_of(dealt, 1) == {}
    assert state(dealt, 1, "envoy", "yes", "甲", nonce="1")
    assert state(dealt, 1, "net_income", "1,200.5", "甲", nonce="2")
    assert state(dealt, 2, "envoy", "no", "甲", nonce="3")
    assert statements_of(dealt, 1) == {"envoy": "yes", "net_income": "1200.50"}
    assert state(dealt, 1, "envoy", "no", "乙", nonce="1", why="看错了")
    assert state(dealt, 1, "net_income", "", "甲", nonce="4")
    assert statements_of(dealt, 1) == {"envoy": "no"}
    assert statements_of(dealt, 2) == {"envoy": "no"}
    assert past.statements_at(dealt, settled(dealt)).rows() == [(1, "envoy", "no"), (2, "envoy", "no")]
    assert entries(dealt) == 5


def test_what_stands_and_what_was_pressed_before_is_not_written(dealt: Engine) -> None:
    assert state(dealt, 1, "net_income", "100", "甲", nonce="1")
    assert not state(dealt, 1, "net_income", "100.00", "乙", nonce="2")
    assert not state(dealt, 1, "net_income", "7", "甲", nonce="1")
    assert not state(dealt, 1, "envoy", "", "甲", nonce="3")
    assert (entries(dealt), statements_of(dealt, 1)) == (1, {"net_income": "100.00"})


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("colour", "yes", "statement.unknown"),
        ("envoy", "是", "statement.not_yes_no"),
        ("envoy", "1", "statement.not_yes_no"),
        *(
            ("net_income", value, "statement.not_amount")
            for value in ("1.234", "-1", "1e3", "八", "1.", ".5", "9" * 13)
        ),
    ],
)
def test_a_value_that_does_not_fit_is_refused(name: str, value: str, key: str, dealt: Engine) -> None:
    with pytest.raises(CallError) as refused:
        state(dealt, 1, name, value, "甲", nonce="1")
    assert [each.key for each in refused.value.problems] == [key]
    assert all(refused.value.text(language) for language in ("zh_CN", "en"))
    assert entries(dealt) == 0


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("0", "0.00"),
        ("１２０，０００．５", "120000.50"),
        (" 7 ", "7.00"),
        ("0" * 20 + "1", "1.00"),
        ("9" * 12 + ".99", "9" * 12 + ".99"),
    ],
)
def test_amounts_are_kept_with_two_decimals(written: str, kept: str) -> None:
    assert fitting("service_cost", written) == kept
    assert fitting("service_cost", kept) == kept


def test_a_why_that_is_too_long_and_a_deal_that_is_not_there_are_refused(dealt: Engine) -> None:
    with pytest.raises(CallError):
        state(dealt, 1, "envoy", "yes", "甲", nonce="1", why="长" * 2001)
    with pytest.raises(LedgerError, match="9"):
        state(dealt, 9, "envoy", "yes", "甲", nonce="1")
    assert entries(dealt) == 0


def test_an_institute_is_shown_what_is_stated_of_its_own_deals(dealt: Engine) -> None:
    for number in (1, 2):
        state(dealt, number, "envoy", "yes", "甲", nonce=str(number))
    institute = as_viewer(dealt, INSTITUTE)
    assert statements_of(institute, 1) == {"envoy": "yes"}
    assert statements_of(institute, 2) == {}
    with pytest.raises(NotPermitted):
        state(institute, 1, "envoy", "no", INSTITUTE.account, nonce="3")


def test_texts_may_tell_whose_a_demand_is(dealt: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an anonymous demand an institute is shown what was answered, not what was written."""
    kind = StatementKind("remark", "text", "备注", "Remark", "备注？", "Remark?", "—")
    rules = statement_rules()
    more = replace(rules, kinds={**rules.kinds, "remark": kind})
    monkeypatch.setattr(statement_kinds, "statement_rules", lambda: more)
    state(dealt, 1, "remark", "甲厂", "甲", nonce="1")
    state(dealt, 1, "envoy", "yes", "甲", nonce="2")
    assert statements_of(dealt, 1) == {"remark": "甲厂", "envoy": "yes"}
    assert statements_of(as_viewer(dealt, INSTITUTE), 1) == {"envoy": "yes"}
    with pytest.raises(CallError) as refused:
        state(dealt, 1, "remark", "长" * 501, "甲", nonce="3")
    assert refused.value.problems[0].key == "statement.too_long"


def test_it_is_part_of_the_revision(dealt: Engine) -> None:
    before = revision(dealt)
    state(dealt, 1, "envoy", "yes", "甲", nonce="1")
    assert revision(dealt) == replace(before, papers=before.papers + 1)


def test_the_data_file_has_every_kind_in_both_languages() -> None:
    kinds = statement_rules().kinds
    assert {kind.type for kind in kinds.values()} == {"yes_no", "amount"}
    assert {
        *("high_value_patent", "buyer_in_province", "seller_provincial", "invention_patent", "service_invention"),
        *("converted_in_province", "net_income", "envoy", "service_cost"),
    } == kinds.keys()
    for kind in kinds.values():
        assert kind.called("zh_CN") != kind.called("en") != kind.question("en")
        assert len(kind.name) <= deal_statement.c.name.type.length  # type: ignore[attr-defined]


def test_a_data_file_that_is_wrong_is_refused() -> None:
    def content() -> Any:
        return tomllib.loads(FILE.read_text(encoding="utf-8"))

    assert isinstance(parsed(content()), StatementRules)
    wrong = [content() for _ in range(5)]
    wrong[0]["statements"][0]["type"] = "number"
    wrong[1]["statements"].append(wrong[1]["statements"][0])
    del wrong[2]["statements"][1]["question_en"]
    wrong[3]["statements"][2]["source"] = ""
    del wrong[4]["limits"]
    for each in wrong:
        with pytest.raises(DataFileError, match=r"statements\.toml"):
            parsed(each)
