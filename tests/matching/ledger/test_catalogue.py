"""Lists in the ledger: uploads, versions, and records that come back as they went in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import records
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from matching.errors import LedgerError, Problem
from matching.intake.columns import Heading
from matching.intake.reading import Reading
from matching.intake.records import content_hash
from matching.ledger import catalogue, uploads
from matching.ledger.database import open_ledger
from matching.ledger.uploads import Difference
from matching.schema import EXTRAS, FIELDS, ID, KINDS, PROVENANCE, RECORD, Kind

NO_FIELDS = pl.DataFrame(schema=FIELDS)


def upload(kind: Kind, *rows: dict[str, object], left_out: int = 0) -> Reading:
    """A file that was read, with the hashes that reading gives."""
    frame = records(kind, *rows)
    hashes = [content_hash(row) for row in frame.select(RECORD[kind].keys()).iter_rows(named=True)]
    frame = frame.with_columns(content_hash=pl.Series(hashes, dtype=pl.String()))
    problems = tuple(Problem("row.no_title", "清单.csv", row) for row in range(left_out))
    return Reading(kind, "清单.csv", "0" * 64, frame, frame.height + left_out, (Heading(1, (), ()),), problems)


def fields(*rows: tuple[str, str, float]) -> pl.DataFrame:
    """A frame of fields from record, code and confidence."""
    filled = [(record, "province_4567", code, confidence, "text", [code, "，"]) for record, code, confidence in rows]
    return pl.DataFrame(filled, schema=FIELDS, orient="row")


@contextmanager
def new_ledger() -> Iterator[Engine]:
    """A ledger for one example; a fixture would be shared by all of them."""
    with TemporaryDirectory() as folder:
        engine = open_ledger(f"sqlite:///{Path(folder) / 'ledger.sqlite'}")
        yield engine
        engine.dispose()


def test_a_first_list_is_all_new(ledger: Engine) -> None:
    read = upload("demands", {"title": "防冰涂层"}, {"title": "秸秆粉碎"})
    expected = Difference(new=("D1", "D2"), changed=(), unchanged=())
    assert uploads.difference(ledger, read) == expected
    assert uploads.uploads(ledger).is_empty(), "asking for the difference writes nothing"
    assert uploads.add(ledger, read, NO_FIELDS, "甲") == expected
    held = catalogue.current_records(ledger, "demands")
    assert held.select(read.frame.columns).equals(read.frame)
    assert held["version"].to_list() == [1, 1]
    assert held["upload_id"].to_list() == [1, 1]


def test_new_changed_and_unchanged_records(ledger: Engine) -> None:
    uploads.add(ledger, upload("demands", {"title": "防冰涂层"}, {"title": "秸秆粉碎"}), NO_FIELDS, "甲")
    second = upload("demands", {"title": "防冰涂层"}, {"title": "秸秆打捆"}, {"title": "黑木耳"})
    assert uploads.add(ledger, second, NO_FIELDS, "甲") == Difference(new=("D3",), changed=("D2",), unchanged=("D1",))
    held = catalogue.current_records(ledger, "demands")
    assert held["demand_id"].to_list() == ["D1", "D2", "D3"]
    assert held["title"].to_list() == ["防冰涂层", "秸秆打捆", "黑木耳"]
    assert held["version"].to_list() == [1, 2, 1]
    assert held["upload_id"].to_list() == [1, 2, 2]
    assert held.schema == {**RECORD["demands"], **PROVENANCE, "version": pl.Int64(), "upload_id": pl.Int64()}


def test_a_record_that_goes_back_to_what_it_said_is_a_new_version(ledger: Engine) -> None:
    for title in ("防冰涂层", "防覆冰涂层", "防冰涂层"):
        uploads.add(ledger, upload("demands", {"title": title}), NO_FIELDS, "甲")
    held = catalogue.current_records(ledger, "demands")
    assert held.select("title", "version").rows() == [("防冰涂层", 3)]


def test_records_that_a_file_does_not_repeat_stay(ledger: Engine) -> None:
    uploads.add(ledger, upload("demands", {"title": "防冰涂层"}, {"title": "秸秆粉碎"}), NO_FIELDS, "甲")
    uploads.add(ledger, upload("demands", {"demand_id": "D2", "title": "秸秆打捆"}), NO_FIELDS, "甲")
    assert catalogue.current_records(ledger, "demands")["title"].to_list() == ["防冰涂层", "秸秆打捆"]


def test_the_same_file_twice_changes_nothing_but_is_logged(ledger: Engine) -> None:
    read = upload("achievements", {"title": "防冰涂层"}, {"title": "秸秆粉碎"}, left_out=3)
    found = fields(("A1", "N1", 0.5))
    uploads.add(ledger, read, found, "甲")
    before = catalogue.current_records(ledger, "achievements")
    again = uploads.add(ledger, read, found, "乙")
    assert again == Difference(new=(), changed=(), unchanged=("A1", "A2"))
    assert catalogue.current_records(ledger, "achievements").equals(before)
    assert catalogue.current_fields(ledger, "achievements").equals(found)
    logged = uploads.uploads(ledger).drop("at")
    assert logged.rows() == [
        (2, "achievements", "清单.csv", "", 5, 0, 0, 2, 3, 0, 0, "乙", None, None, False),
        (1, "achievements", "清单.csv", "", 5, 2, 0, 0, 3, 0, 0, "甲", None, None, False),
    ]


def test_lists_of_both_kinds_may_share_an_id(ledger: Engine) -> None:
    uploads.add(ledger, upload("demands", {"demand_id": "1", "title": "要"}), fields(("1", "N1", 0.5)), "甲")
    uploads.add(ledger, upload("achievements", {"achievement_id": "1", "title": "有"}), fields(("1", "N2", 0.6)), "甲")
    assert catalogue.record(ledger, "demands", "1")["title"] == "要"
    assert catalogue.record(ledger, "achievements", "1")["title"] == "有"
    assert catalogue.fields_of(ledger, "demands", "1")["code"].to_list() == ["N1"]
    assert catalogue.current_fields(ledger, "achievements")["code"].to_list() == ["N2"]


def test_fields_belong_to_a_version(ledger: Engine) -> None:
    uploads.add(
        ledger,
        upload("demands", {"title": "防冰涂层"}, {"title": "秸秆粉碎"}),
        fields(("D1", "N1", 0.4), ("D1", "N2", 0.6), ("D2", "N2", 0.9)),
        "甲",
    )
    assert catalogue.fields_of(ledger, "demands", "D1").equals(fields(("D1", "N2", 0.6), ("D1", "N1", 0.4)))
    uploads.add(ledger, upload("demands", {"title": "防覆冰涂层"}), fields(("D1", "N3", 0.7)), "甲")
    assert catalogue.fields_of(ledger, "demands", "D1").equals(fields(("D1", "N3", 0.7)))
    assert catalogue.current_fields(ledger, "demands").equals(fields(("D1", "N3", 0.7), ("D2", "N2", 0.9)))


def test_a_version_without_fields_has_none(ledger: Engine) -> None:
    uploads.add(ledger, upload("demands", {"title": "防冰涂层"}), fields(("D1", "N1", 0.4)), "甲")
    uploads.add(ledger, upload("demands", {"title": "其他"}), NO_FIELDS, "甲")
    assert catalogue.fields_of(ledger, "demands", "D1").equals(NO_FIELDS)
    assert catalogue.current_fields(ledger, "demands").equals(NO_FIELDS)


def test_one_record_is_its_newest_version(ledger: Engine) -> None:
    row: dict[str, object] = {"title": "防冰涂层", "keywords": ["防冰", "涂层"], "price_yuan": 10**12, "exempt": True}
    day = date(2026, 2, 28)
    uploads.add(ledger, upload("achievements", row), NO_FIELDS, "甲")
    uploads.add(ledger, upload("achievements", {**row, "conversion_deadline": day}), NO_FIELDS, "甲")
    found = catalogue.record(ledger, "achievements", "A1")
    assert list(found) == list(RECORD["achievements"])
    assert {name: value for name, value in found.items() if value not in ("", None, [])} == {
        **row,
        "achievement_id": "A1",
        "conversion_deadline": day,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_record(kind: Kind, ledger: Engine) -> None:
    with pytest.raises(LedgerError) as caught:
        catalogue.record(ledger, kind, "D-404")
    assert "D-404" in caught.value.text("zh_CN")
    assert "D-404" in caught.value.text("en")
    assert catalogue.fields_of(ledger, kind, "D-404").equals(NO_FIELDS)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_ledger_gives_empty_frames(kind: Kind, ledger: Engine) -> None:
    held = catalogue.current_records(ledger, kind)
    assert held.is_empty()
    assert held.select(RECORD[kind].keys()).schema == RECORD[kind]
    assert catalogue.current_fields(ledger, kind).equals(NO_FIELDS)
    assert uploads.uploads(ledger).schema == uploads.UPLOADS


def test_a_failure_in_the_middle_leaves_nothing_behind(ledger: Engine) -> None:
    uploads.add(ledger, upload("demands", {"title": "防冰涂层"}), fields(("D1", "N1", 0.5)), "甲")
    before = catalogue.current_records(ledger, "demands")
    second = upload("demands", {"title": "防覆冰涂层"}, {"title": "秸秆粉碎"})
    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        uploads.add(ledger, second, fields(("D1", "N2", 0.5), ("D2", "N2", 0.5), ("D2", "N2", 0.6)), "甲")
    assert uploads.uploads(ledger).height == 1
    assert catalogue.current_records(ledger, "demands").equals(before)
    assert catalogue.current_fields(ledger, "demands").equals(fields(("D1", "N1", 0.5)))
    assert uploads.add(ledger, second, NO_FIELDS, "甲") == Difference(new=("D2",), changed=("D1",), unchanged=())


def test_the_order_of_a_file_is_kept_in_the_difference_and_not_in_the_list(ledger: Engine) -> None:
    read = upload("demands", {"demand_id": "乙", "title": "二"}, {"demand_id": "甲", "title": "一"})
    assert uploads.add(ledger, read, NO_FIELDS, "甲").new == ("乙", "甲")
    assert catalogue.current_records(ledger, "demands")["demand_id"].to_list() == sorted("甲乙")


# Everything but halves of surrogate pairs, which no file can hold.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)


def values(dtype: pl.DataType) -> st.SearchStrategy[Any]:
    match dtype:
        case pl.Int64():
            return st.none() | st.integers(-(2**63), 2**63 - 1)
        case pl.Date():
            return st.none() | st.dates()
        case pl.Boolean():
            return st.booleans()
        case pl.List() if dtype == EXTRAS:
            return st.lists(st.fixed_dictionaries({"heading": texts, "text": texts}), max_size=3)
        case pl.List():
            return st.lists(texts, max_size=4)
        case _:
            return texts


def lists(kind: Kind) -> st.SearchStrategy[list[dict[str, object]]]:
    row = {name: values(dtype) for name, dtype in RECORD[kind].items()} | {ID[kind]: ids}
    return st.lists(st.fixed_dictionaries(row), min_size=1, max_size=4, unique_by=lambda one: one[ID[kind]])


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=30)
def test_records_come_back_as_they_went_in(kind: Kind, data: st.DataObject) -> None:
    read = upload(kind, *data.draw(lists(kind)))
    with new_ledger() as engine:
        uploads.add(engine, read, NO_FIELDS, "甲")
        held = catalogue.current_records(engine, kind).select(read.frame.columns)
        assert held.sort(ID[kind]).equals(read.frame.sort(ID[kind]))
        one = read.frame.row(0, named=True)
        assert catalogue.record(engine, kind, one[ID[kind]]) == {name: one[name] for name in RECORD[kind]}
        assert uploads.difference(engine, read).unchanged == tuple(read.frame[ID[kind]])


@given(
    st.lists(
        st.tuples(ids, ids.filter(lambda code: len(code) <= 60), st.floats(0, 1)),
        min_size=1,
        max_size=5,
        unique_by=lambda row: row[:2],
    )
)
@settings(max_examples=30)
def test_fields_come_back_as_they_went_in(rows: list[tuple[str, str, float]]) -> None:
    found = fields(*rows)
    read = upload(
        "demands", *({"demand_id": record, "title": "有"} for record in dict.fromkeys(row[0] for row in rows))
    )
    with new_ledger() as engine:
        uploads.add(engine, read, found, "甲")
        held = catalogue.current_fields(engine, "demands")
        assert held.sort("record_id", "code").equals(found.sort("record_id", "code"))
