"""Many rows at once are the same rows, to the character, whatever stands in them and whoever writes meanwhile."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from records import listed
from sqlalchemy import URL, Engine, insert, select

from matching.ledger import bulk_reading, uploads
from matching.ledger.bulk_reading import read
from matching.ledger.canonical import place_of
from matching.ledger.database import now, open_ledger, reading, writing
from matching.ledger.frames import Schema, frame
from matching.ledger.tables import achievement, deal, organisation_name, record_field, run, upload
from matching.schema import FIELDS

NAMES = {"entry_id": pl.Int64, "written": pl.String, "name": pl.String}
# What could end a value or a row, or stand for null, in one form or another.
ODD = [
    *("", "a", "\\N", "NULL", "null", "\t", "\n", "a\r\nb\r", " ", '"', "''", "\\", "\\t", ",", "甲\u3000乙", "\ufeff"),
    *("\x1f", "%s", ":name", "{}", "\u2028", "\U0001f600", "-", "0"),
]
WRITER = """
import sys, time
from sqlalchemy import insert
from matching.ledger.database import now, open_ledger, writing
from matching.ledger.tables import deal
engine = open_ledger(sys.argv[1])
number = 0
while True:
    with writing(engine) as connection:
        for _ in range(50):
            number += 1
            connection.execute(insert(deal).values(demand_id=f"late{number}", achievement_id="A", at=now()))
"""


@pytest.fixture(autouse=True, params=[0, 10_000], ids=["long", "short"])
def in_small_parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows are read as many are: in parts, and texts as long ones are taken apart, and as short ones."""
    monkeypatch.setattr(bulk_reading, "_SPAN", 7)
    monkeypatch.setattr(bulk_reading, "_SHORT", request.param)


@pytest.fixture
def full(ledger: Engine) -> Engine:
    """A list of achievements with values of every type, and fields with floats that no short text tells exactly."""
    rows = [
        {"completed_on": date(2026, 1, 10), "exempt": True, "price_yuan": 2**53 + 1, "summary": "一\n二"},
        {"achievement_id": "%", "keywords": ["防冰", 'a"\x1eb'], "completed_on": date(1, 1, 1)},
        {"achievement_id": "甲", "price_yuan": -1},
    ]
    numbers = (0.1 + 0.2, 1 / 3, 1.0, 5e-324)
    fields = [("A1", "province_4567", f"N{place}", number, "text", []) for place, number in enumerate(numbers)]
    made = pl.DataFrame(fields, schema=FIELDS, orient="row")
    uploads.add(ledger, listed("achievements", *rows), made, "甲")
    return ledger


def add_names(engine: Engine, texts: list[str], name: str | None) -> None:
    rows = [{"written": each, "name": each if name is None else name, "agent": "甲", "at": ""} for each in texts]
    with writing(engine) as connection:
        connection.execute(insert(organisation_name), rows)
        connection.execute(insert(organisation_name), [{**row, "name": None} for row in rows])


def same_as_row_by_row(engine: Engine, query: bulk_reading.Query, schema: Schema, by: str) -> pl.DataFrame:
    """The rows, in the order of a column, once they are known to be what reading one by one gives."""
    with reading(engine) as connection:
        expected = frame(connection, query, schema).sort(by)
    [column] = [each for each in query.selected_columns if each.name == by]
    for found in (read(engine, query, schema), read(engine, query, schema, by=column)):
        assert_frame_equal(found.sort(by), expected)
    return expected


def test_texts_come_as_they_are_and_null_is_not_empty(ledger: Engine) -> None:
    add_names(ledger, ODD, None)
    query = select(*(organisation_name.c[name] for name in NAMES))
    found = same_as_row_by_row(ledger, query, NAMES, "entry_id")
    assert found["name"].to_list() == [*ODD, *[None] * len(ODD)]
    assert found["written"].to_list() == [*ODD, *ODD]


@pytest.mark.parametrize("text", ["\x1e", "\x1d", "a\x1eb", "\x1d\x1d", "\x1e\x1d"])
def test_characters_that_stand_between_values_may_be_in_them(text: str, ledger: Engine) -> None:
    add_names(ledger, ["a", text, ""], None)
    query = select(*(organisation_name.c[name] for name in NAMES))
    assert text in same_as_row_by_row(ledger, query, NAMES, "entry_id")["name"].to_list()


def test_a_text_with_a_character_zero(ledger: Engine) -> None:
    """SQLite keeps one, PostgreSQL refuses it."""
    if ledger.dialect.name != "sqlite":
        return
    add_names(ledger, ["a\x00b", "c"], None)
    query = select(*(organisation_name.c[name] for name in NAMES))
    assert "a\x00b" in same_as_row_by_row(ledger, query, NAMES, "entry_id")["written"].to_list()


@pytest.mark.parametrize("text", ["", "a"])
def test_one_row_of_one_column(text: str, ledger: Engine) -> None:
    with writing(ledger) as connection:
        connection.execute(insert(organisation_name).values(written=text, name=text, agent="", at=""))
    for column in ("written", "name"):
        assert read(ledger, select(organisation_name.c[column]), {column: pl.String}).rows() == [(text,)]


def test_no_rows_have_the_columns(ledger: Engine) -> None:
    query = select(*(organisation_name.c[name] for name in NAMES))
    assert_frame_equal(read(ledger, query, NAMES, by=organisation_name.c.entry_id), pl.DataFrame(schema=NAMES))


def test_values_of_every_type(full: Engine) -> None:
    """Lists, days, truth values, whole numbers, null in all of them; rows without a number of their own in parts."""
    schema = {
        **{"achievement_id": pl.String(), "version": pl.Int64(), "keywords": pl.List(pl.String())},
        **{
            "completed_on": pl.Date(),
            "conversion_deadline": pl.Date(),
            "exempt": pl.Boolean(),
            "price_yuan": pl.Int64(),
        },
        "summary": pl.String(),
    }
    query = select(*(achievement.c[name] for name in schema))
    with reading(full) as connection:
        expected = frame(connection, query, schema).sort("achievement_id")
    for by in (None, place_of(achievement, full.dialect.name)):
        assert_frame_equal(read(full, query, schema, by=by).sort("achievement_id"), expected)
    assert expected["keywords"].list.len().to_list() == [2, 0, 0]
    assert expected.null_count().select("completed_on", "price_yuan").row(0) == (1, 1)


def test_floats_are_exact(full: Engine) -> None:
    schema = {"record_id": pl.String(), "taxonomy": pl.String(), "code": pl.String(), "confidence": pl.Float64()}
    query = select(*(record_field.c[name] for name in schema))
    with reading(full) as connection:
        expected = frame(connection, query, schema)
    keys = ["record_id", "taxonomy", "code"]
    found = read(full, query, schema, by=place_of(record_field, full.dialect.name))
    assert_frame_equal(found.sort(keys), expected.sort(keys), check_exact=True)


def test_a_condition_with_values_and_a_subquery_holds(full: Engine) -> None:
    by_now = select(upload.c.upload_id).where(upload.c.kind == "achievements", upload.c.at <= now())
    query = select(achievement.c.achievement_id).where(
        achievement.c.upload_id.in_(by_now), achievement.c.achievement_id.in_(["A1", "' OR 1=1 --", "%", "甲"])
    )
    with reading(full) as connection:
        expected = sorted(connection.execute(query).scalars())
    schema = {"achievement_id": pl.String}
    assert expected == ["%", "A1", "甲"]
    assert sorted(read(full, query, schema)["achievement_id"]) == expected


@pytest.fixture
def writer(ledger: Engine) -> Iterator[subprocess.Popen[bytes]]:
    url = ledger.url.render_as_string(hide_password=False)
    with subprocess.Popen([sys.executable, "-c", WRITER, url]) as process:
        yield process
        process.kill()


def test_another_process_may_write_meanwhile(ledger: Engine, writer: subprocess.Popen[bytes]) -> None:
    """What was there is there, whole and once, in every part."""
    with writing(ledger) as connection:
        rows = [{"demand_id": f"early{number}", "achievement_id": "B", "at": "2026"} for number in range(100)]
        connection.execute(insert(deal), rows)
    schema = {"deal_id": pl.Int64, "demand_id": pl.String, "at": pl.String}
    query = select(*(deal.c[name] for name in schema))
    early = query.where(deal.c.at == "2026")
    first = read(ledger, early, schema, by=deal.c.deal_id).sort("deal_id")
    assert first.height == 100
    give_up = time.monotonic() + 20
    heights: list[int] = []
    while len(set(heights)) < 4 and time.monotonic() < give_up:
        assert_frame_equal(read(ledger, early, schema, by=deal.c.deal_id).sort("deal_id"), first)
        whole = read(ledger, query, schema, by=deal.c.deal_id)
        assert whole["deal_id"].is_unique().all()
        heights.append(whole.height)
    assert writer.poll() is None
    assert len(set(heights)) == 4
    assert heights == sorted(heights)


@pytest.mark.parametrize("name", ["with space.sqlite", "a#b%20c.sqlite", '库\'s "1".sqlite', "a&b=c.sqlite"])
def test_a_file_may_have_an_odd_name(name: str, tmp_path: Path) -> None:
    engine = open_ledger(URL.create("sqlite", database=str(tmp_path / name)).render_as_string(hide_password=False))
    values = {
        "fingerprint": "a",
        "top": 1,
        "demands": 1,
        "achievements": 1,
        "candidates": 1,
        "agent": "甲",
        "at": now(),
    }
    with writing(engine) as connection:
        connection.execute(insert(run), [values] * 20)
    assert (tmp_path / name).exists()
    assert sorted(read(engine, select(run.c.run_id), {"run_id": pl.Int64}, by=run.c.run_id)["run_id"]) == [
        *range(1, 21)
    ]
    engine.dispose()
