"""What was changed behind the ledger's back shows, and where."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner
from database import Ledgers, made, opened
from every_table import fill
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, func, insert, select, text

from matching.cli.group import command_line
from matching.errors import LedgerError, NotPermitted
from matching.ledger import chain
from matching.ledger.canonical import Digest, as_frame, own_key, stored_rows
from matching.ledger.database import reading, writing
from matching.ledger.frames import write_frames
from matching.ledger.rights import Viewer, as_viewer
from matching.ledger.sealing import BEGINNING, SEALED, link_hash
from matching.ledger.tables import candidate, link, near_pair, record_field, upload
from matching.settings import Settings

ROWS = 12


@pytest.fixture(scope="module")
def filled(ledgers: Ledgers) -> str:
    return made(ledgers, fill)


@pytest.fixture
def full(filled: str, ledgers: Ledgers) -> Iterator[Engine]:
    """A ledger with a row in every table."""
    with opened(ledgers.copy(filled)) as engine:
        yield engine


@contextmanager
def behind(engine: Engine) -> Iterator[Connection]:
    """The database as one sees it who has all rights on it: no trigger, no key, no chain."""
    raw = create_engine(engine.url)
    try:
        with raw.begin() as connection:
            if engine.dialect.name == "sqlite":
                triggers = text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
                for name in connection.execute(triggers).scalars().all():
                    connection.exec_driver_sql(f"DROP TRIGGER {name}")
            else:
                connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            yield connection
    finally:
        raw.dispose()


def keys(engine: Engine) -> list[str]:
    return [problem.key for problem in chain.verify(engine).findings]


def other(value: Any) -> Any:
    """A value of the same type that is not the same."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value}x"
        case bytes():
            return value + b"x"
        case date():
            return value + timedelta(days=1)
        case list():
            return [*value, value[0]] if value else [{"heading": "a", "text": "b"}]
        case _:
            return "x"


def test_a_ledger_is_sound(full: Engine) -> None:
    seen: list[tuple[int, int]] = []
    found = chain.verify(full, lambda done, total: seen.append((done, total)))
    assert found.findings == ()
    with reading(full) as connection:
        counts = [connection.execute(select(func.count()).select_from(table)).scalar_one() for table in SEALED.values()]
        links = connection.execute(select(link).order_by(link.c.link_id)).all()
    assert min(counts) > 0
    assert found.rows == sum(counts) == sum(each.rows for each in links)
    assert found.links == len(links)
    assert found.head == links[-1].hash
    assert seen[-1] == (found.rows, found.rows)


def test_an_empty_ledger_has_no_links(ledger: Engine) -> None:
    assert chain.verify(ledger) == chain.Verification(0, 0, BEGINNING, ())


def test_a_link_is_the_hash_of_all_before(full: Engine) -> None:
    """By the formula of docs/ledger.md, from the stored values alone."""
    previous = BEGINNING
    with reading(full) as connection:
        for number, each in enumerate(connection.execute(select(link).order_by(link.c.link_id)), start=1):
            assert each.link_id == number
            assert each.hash == link_hash(previous, *each[:6])
            previous = each.hash


def test_a_changed_value_shows(full: Engine) -> None:
    """One in every table, in one ledger: each is found, and named."""
    changed = {}
    with behind(full) as connection:
        for name, table in SEALED.items():
            column = list(table.columns)[-1]
            row = connection.execute(select(table).limit(1)).one()
            same = [table.c[key.name] == row._mapping[key.name] for key in table.primary_key.columns]
            done = connection.execute(table.update().where(*same).values({column.name: other(row[-1])}))
            assert done.rowcount == 1, name
            changed[name] = " ".join(str(row._mapping[key.name]) for key in table.primary_key.columns)
    found = chain.verify(full).findings
    assert {str(problem.values["table"]) for problem in found if problem.key == "chain.row_changed"} == set(changed)
    values = {"chain.row_changed", "chain.wrong_content_hash", "chain.wrong_original"}
    assert {problem.key for problem in found} <= values
    for problem in found:
        key = changed[str(problem.values["table"])]
        assert problem.values["key"] == key
        assert all(key in problem.text(language) for language in ("zh_CN", "en"))


def test_removed_rows_show(full: Engine) -> None:
    names = {"decision", "record_field", "upload", "upload_reversal"}
    with behind(full) as connection:
        for name in names:
            connection.exec_driver_sql(f"DELETE FROM {name}")  # noqa: S608
    found = chain.verify(full).findings
    assert {(problem.key, problem.values["table"]) for problem in found} == {
        ("chain.rows_missing", name) for name in names
    }


def test_rows_put_in_show(full: Engine) -> None:
    put = {}
    with behind(full) as connection:
        for name, changed in (("deal_payment", "nonce"), ("upload_repeat", "record_id"), ("record_field", "code")):
            table = SEALED[name]
            row = connection.execute(select(table).limit(1)).one()
            values = {
                column.name: row._mapping[column.name] for column in table.columns if column is not own_key(table)
            }
            connection.execute(insert(table), {**values, changed: "Z7"})
            put[name] = {**values, changed: "Z8"}
    before = chain.verify(full)
    assert {(each.key, each.values["table"], each.values["count"]) for each in before.findings} == {
        ("chain.rows_unsealed", name, 1) for name in put
    }
    with writing(full) as connection:
        for name, values in put.items():
            connection.execute(insert(SEALED[name]), values)
    after = chain.verify(full)
    assert after.links == before.links + len(put)
    assert after.findings == before.findings, "a later transaction seals its own rows alone"


def test_a_row_put_among_others_shows(ledger: Engine) -> None:
    """Into the place of one that was removed from within a transaction of several."""
    with writing(ledger) as connection:
        write_frames(connection, [(record_field, fields(ROWS))])
    with behind(ledger) as connection:
        connection.exec_driver_sql("DELETE FROM record_field WHERE code = 'C3'")
    [found] = chain.verify(ledger).findings
    assert (found.key, found.values["places"], found.values["rows"]) == ("chain.rows_missing", [4], ROWS)
    with behind(ledger) as connection:
        connection.exec_driver_sql("UPDATE record_field SET confidence = 0.75 WHERE code = 'C5'")
    assert keys(ledger) == ["chain.rows_missing"]


def test_one_of_many_rows_changed_shows_the_link(ledger: Engine) -> None:
    with writing(ledger) as connection:
        write_frames(connection, [(record_field, fields(ROWS))])
    with behind(ledger) as connection:
        connection.exec_driver_sql("UPDATE record_field SET terms = '[\"x\"]' WHERE code = 'C5'")
    [found] = chain.verify(ledger).findings
    assert found.key == "chain.rows_changed"
    assert (found.values["link"], found.values["first"], found.values["last"]) == (1, 1, ROWS)


def fields(count: int) -> pl.DataFrame:
    rows = [("demands", "D1", 1, "t", f"C{number}", 0.5, "text", ["防冰"]) for number in range(count)]
    return pl.DataFrame(rows, schema=[column.name for column in record_field.columns], orient="row")


def test_changed_links_show(full: Engine) -> None:
    """Each column of a link, in links of their own."""
    columns = ["table_name", "rows", "last_place", "digest", "at", "hash"]
    changed = dict(zip(range(3, 15, 2), columns, strict=True))
    with behind(full) as connection:
        for number, column in changed.items():
            row = connection.execute(select(link).where(link.c.link_id == number)).one()
            value = "account" if column == "table_name" else other(row._mapping[column])
            # As long as it was: PostgreSQL refuses a hash of another length.
            value = value[-len(row._mapping[column]) :] if isinstance(value, str) and column != "table_name" else value
            connection.execute(link.update().where(link.c.link_id == number).values({column: value}))
    found = chain.verify(full).findings
    assert [each.values["link"] for each in found if each.key == "chain.link_changed"] == list(changed)


def test_removed_links_show(full: Engine) -> None:
    with behind(full) as connection:
        connection.execute(link.delete().where(link.c.link_id.in_([3, 4])))
    [found] = [each for each in chain.verify(full).findings if each.key == "chain.links_missing"]
    assert (found.values["first"], found.values["last"]) == (3, 4)


def test_links_in_another_order_show(full: Engine) -> None:
    with behind(full) as connection:
        for before, after in ((3, -1), (4, 3), (-1, 4)):
            connection.execute(link.update().where(link.c.link_id == before).values(link_id=after))
    found = [each for each in chain.verify(full).findings if each.key == "chain.link_changed"]
    assert {each.values["link"] for each in found} >= {3, 4}


def test_a_cut_off_end_shows_by_an_earlier_head(full: Engine) -> None:
    """Rows and links together leave a sound chain: only who noted its head sees that it was longer."""
    head = chain.verify(full).head
    with reading(full) as connection:
        last = connection.execute(select(link).order_by(link.c.link_id.desc()).limit(1)).one()
    with behind(full) as connection:
        connection.execute(link.delete().where(link.c.link_id == last.link_id))
    assert keys(full) == ["chain.rows_unsealed"]
    with behind(full) as connection:
        connection.exec_driver_sql(f"DELETE FROM {last.table_name}")  # noqa: S608
    found = chain.verify(full, head=head)
    assert found.findings == ()
    assert not found.knows_head
    assert not found.sound
    assert chain.verify(full, head=found.head).sound


def test_a_transaction_that_fails_leaves_no_link(full: Engine) -> None:
    before = chain.verify(full)
    row = {"deal_id": 1, "state": "contacted", "reason": "", "note": "", "agent": "甲", "at": ""}

    def fail_after_writing() -> None:
        with writing(full) as connection:
            connection.execute(insert(SEALED["deal_event"]).values(row))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_writing()
    assert chain.verify(full) == before
    with writing(full) as connection:
        connection.execute(insert(SEALED["deal_event"]).values(row))
    after = chain.verify(full)
    assert (after.links, after.findings) == (before.links + 1, ())


def test_several_insertions_of_a_transaction_make_one_link(full: Engine) -> None:
    before = chain.verify(full)
    with writing(full) as connection:
        write_frames(connection, [(record_field, fields(3))])
        write_frames(connection, [(record_field, fields(6)[3:])])
        for code in ("X1", "X2"):
            row = {"kind": "demands", "record_id": "D1", "version": 1, "taxonomy": "t", "code": code}
            connection.execute(insert(record_field).values(**row, confidence=1, basis="text", terms=[]))
    after = chain.verify(full)
    assert (after.links, after.rows, after.findings) == (before.links + 1, before.rows + 8, ())


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12) | st.sampled_from(
    ["", "\\.", "\\N", "a\n\\.\nb", "\r\n", "\t", '"', "null", "1"]
)
FLOATS = st.floats(allow_infinity=False) | st.sampled_from([0.1 + 0.2, -0.0, 5e-324, 1e308, math.nan])


@given(
    rows=st.lists(
        st.tuples(TEXTS, FLOATS, st.none() | FLOATS, st.booleans(), st.none() | st.integers(-(2**31), 2**31 - 1)),
        min_size=1,
        max_size=5,
    ),
    lists=st.lists(st.lists(TEXTS, max_size=3), min_size=5, max_size=5),
)
# A smaller example is not worth the minutes that a database takes to find it.
@settings(
    max_examples=10,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_digest_made_at_writing_is_that_of_what_is_read(
    full: Engine,
    rows: list[tuple[str, float, float | None, bool, int | None]],
    lists: list[list[str]],
) -> None:
    """Texts, numbers, truth values, lists and nulls, by way of frames and rows; and the chain stays sound."""
    with reading(full) as connection:
        start = connection.execute(select(func.count()).select_from(candidate)).scalar_one()
    some = [0.0 if math.isnan(score) else score for _, score, *_ in rows]
    frame = pl.DataFrame(
        {
            "run_id": [1] * len(rows),
            "demand_id": [f"{start}"] * len(rows),
            "rank": range(len(rows)),
            "achievement_id": [f"A{number}{row[0]}" for number, row in enumerate(rows)],
            "shared_terms": lists[: len(rows)],
            "shared_fields": lists[: len(rows)],
            "certainty": [row[2] for row in rows],
            "level": [row[4] for row in rows],
            **dict.fromkeys(("score", "character_part", "word_part", "concept_part", "field_part"), some),
            **dict.fromkeys(("text_score", "field_score", "other_terms"), some),
        },
        schema_overrides={"certainty": pl.Float64, "level": pl.Int64, "shared_terms": pl.List(pl.String)},
    )
    pairs = pl.DataFrame(
        [("demands", 1, "D1", row[0], some[0], some[0], row[2], row[3], row[3]) for row in rows],
        schema={
            **{"kind": pl.String, "upload_id": pl.Int64, "first_id": pl.String, "second_id": pl.String},
            **{"likeness": pl.Float64, "title_likeness": pl.Float64, "text_likeness": pl.Float64},
            **{"same_organisation": pl.Boolean, "exact": pl.Boolean},
        },
        orient="row",
    )
    with writing(full) as connection:
        write_frames(connection, [(candidate, frame), (near_pair, pairs)])
    found = chain.verify(full)
    assert found.findings == ()
    with reading(full) as connection:
        for table in (candidate, near_pair):
            assert digests_agree(connection, table)
            held = connection.execute(select(table).order_by(*table.primary_key.columns)).all()
            assert len(held) >= len(rows)
        kept = connection.execute(select(candidate).where(candidate.c.demand_id == f"{start}").order_by("rank")).all()
    assert [row.achievement_id for row in kept] == frame["achievement_id"].to_list()
    assert [row.shared_terms for row in kept] == lists[: len(rows)]
    assert [row.score for row in kept] == some


def digests_agree(connection: Connection, table: Table) -> bool:
    """Row by row and by way of a frame."""
    one, many = Digest(table), Digest(table)
    for rows in stored_rows(connection, table):
        one.add_rows(rows[:90])
        many.add_frame(as_frame(table, rows[:90]).drop("place"))
    return one.hexdigest() == many.hexdigest()


def test_a_column_that_is_added_later_changes_no_digest(full: Engine) -> None:
    """One that is null, and one with a default, in a copy of the table's declaration."""
    later = Table("upload", MetaData(), *(column._copy() for column in upload.columns if column.name != "refused"))
    with reading(full) as connection:
        rows = [row for lot in stored_rows(connection, upload) for row in lot]
    assert {row[1 + [column.name for column in upload.columns].index("refused")] for row in rows} == {0}
    place = 1 + [column.name for column in upload.columns].index("refused")
    now, before = Digest(upload), Digest(later)
    now.add_rows(rows)
    before.add_rows([row[:place] + row[place + 1 :] for row in rows])
    assert now.hexdigest() == before.hexdigest()


@pytest.mark.parametrize("role", ["agent", "institute", "official"])
def test_who_may_not_check_the_ledger(role: str, full: Engine) -> None:
    with pytest.raises(NotPermitted):
        chain.verify(as_viewer(full, Viewer("甲", role, "甲所")))
    assert chain.verify(as_viewer(full, Viewer("甲", "admin"))).sound


def run(engine: Engine, *arguments: str) -> tuple[int, str]:
    settings_of = Settings(database_url=engine.url.render_as_string(hide_password=False), language="en")
    done = CliRunner().invoke(command_line, list(arguments), obj=settings_of, standalone_mode=False)
    assert done.exception is None or isinstance(done.exception, LedgerError)
    return int(done.return_value or 0), done.output


def test_the_command_says_what_was_checked(full: Engine) -> None:
    found = chain.verify(full)
    code, said = run(full, "verify", "--head", found.head.upper())
    assert code == 0
    assert f"Checked {found.rows} rows and {found.links} links; 0 do not fit." in said
    assert f"Head of the chain: {found.head}" in said
    assert f"{found.head} is part of the chain." in said
    code, said = run(full, "verify", "--head", "1" * 64)
    assert code == 1
    assert "is not part of the chain" in said
    with behind(full) as connection:
        connection.exec_driver_sql("UPDATE decision SET note = 'x'")
    code, said = run(full, "verify")
    assert code == 1
    assert "Table decision, row 1 (1) was changed" in said
