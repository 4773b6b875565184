"""The migrations make what the tables say, and keep what a ledger holds."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from database import Ledgers
from records import listed, records
from sqlalchemy import JSON, Engine, MetaData, create_engine, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from matching.errors import LedgerError
from matching.intake.columns import Heading
from matching.intake.reading import Reading
from matching.intake.records import content_hash
from matching.ledger import catalogue, chain, corrections, deals, decisions, judgements, migrations, presence, uploads
from matching.ledger.canonical import place_of
from matching.ledger.column_choices import column_choices
from matching.ledger.database import open_ledger, reading, writing
from matching.ledger.organisation_names import confirmed_names
from matching.ledger.runs import add_run, candidates_of, latest_run
from matching.ledger.tables import metadata
from matching.pipeline import review_list
from matching.schema import CANDIDATES, DUPLICATES, FIELDS, KINDS, RECORD

# Tables in which `filled` leaves no row: its run has no candidates, there is no list of achievements, nobody logs in.
WITHOUT_ROWS = {
    *("achievement", "candidate", "assignment", "deal_terms", "deal_payment", "deal_document"),
    *("account", "login_attempt", "login_session", "login_session_end", "deal_statement"),
}
MIGRATIONS = Path(next(iter(migrations.__path__)))
NEXT_STEP = '''
"""A later step: one column more on a table that holds rows."""

import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = {newest!r}


def upgrade() -> None:
    with op.batch_alter_table("decision") as batch:
        batch.add_column(sa.Column("weight", sa.Float(), nullable=True))
'''


def config(*folders: Path) -> Config:
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.set_main_option("path_separator", "newline")
    if folders:
        made.set_main_option("version_locations", "\n".join(map(str, folders)))
    return made


def upgrade(engine: Engine, folder: Path) -> None:
    """Run the program's steps and those of a folder, as `open_ledger` runs them."""
    steps = config(MIGRATIONS / "versions", folder)
    with engine.begin() as connection:
        steps.attributes["connection"] = connection
        command.upgrade(steps, "heads")


def filled(engine: Engine) -> None:
    """A row in every table."""
    titles = {"D1": "风电叶片抗冰涂层", "D3": "除冰机器人"}
    rows = [{"demand_id": key, "title": title, "content_hash": "1" * 64} for key, title in titles.items()]
    demands = records("demands", *rows)
    read = Reading("demands", "需求.csv", "0" * 64, demands, 2, (Heading(1, (), ()),), ())
    field = pl.DataFrame([("D1", "province_4567", "N3", 0.5, "text", ["防冰"])], schema=FIELDS, orient="row")
    scored = pl.DataFrame({"record_id": ["D1"], "quality": [40], "vague": [True], "lacks": [["figures"]]})
    near = pl.DataFrame([("D1", "D2", 0.9, 0.9, None, True, False)], schema=DUPLICATES, orient="row")
    said = {"columns": {"名目": "title"}, "names": {"甲": "甲厂"}, "quality": scored, "rules": "1" * 16, "near": near}
    uploads.add(engine, read, field, "甲", beside=uploads.Beside("甲厂", b"file", **said))
    uploads.add(engine, read, field, "甲")
    uploads.take_back(engine, 2, "甲")
    presence.settle_near(engine, "demands", "D1", "D3", same=False, agent="甲")
    run = add_run(engine, pl.DataFrame(schema=CANDIDATES), "a" * 64, top=1, demands=1, achievements=1, agent="甲")
    decisions.decide(
        engine,
        demand_id="D1",
        achievement_id="A1",
        run_id=run.run_id,
        verdict="accept",
        agent="甲",
        nonce="1",
        seen=None,
    )
    corrections.correct(engine, "demands", "D1", "province_4567", ["S3"], "甲", "1")
    judgements.set_level(engine, "D1", "A1", 3, "甲", "1")
    judgements.add_model(engine, {"source": "甲"}, pairs=1, before=0.5, after=0.6, forced=False, agent="甲")


def content(engine: Engine) -> list[pl.DataFrame]:
    return [
        catalogue.current_records(engine, "demands"),
        catalogue.current_fields(engine, "demands"),
        uploads.uploads(engine),
        pl.DataFrame({"original": [uploads.original_of(engine, 1)[1]]}),
        catalogue.current_quality(engine, "demands", "1" * 16),
        presence.near_pairs(engine, "demands"),
        pl.DataFrame(column_choices(engine, "demands", "甲厂")),
        pl.DataFrame(confirmed_names(engine)),
        corrections.corrected_records(engine),
        decisions.standing(engine),
        deals.all_deals(engine),
        deals.deal_events(engine),
        judgements.judgements(engine),
        pl.DataFrame(judgements.learned_model(engine)),
    ]


def same(before: list[pl.DataFrame], after: list[pl.DataFrame]) -> bool:
    return all(one.equals(other) for one, other in zip(before, after, strict=True))


def differences(engine: Engine) -> list[Any]:
    """What Alembic finds the tables to lack; PostgreSQL's own places of rows are not in the tables."""

    def ours(thing: Any, name: str | None, kind: str, reflected: bool, _compared: Any) -> bool:
        return not (reflected and (name == "place" or (kind == "index" and str(name).endswith("_place"))))

    options = {"compare_type": True, "compare_server_default": empty_texts_alike, "include_object": ours}
    with reading(engine) as connection:
        found: list[Any] = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    return found


def loose_keys(engine: Engine) -> list[Any]:
    """Rows that refer to none. PostgreSQL has no way to write one."""
    if engine.dialect.name != "sqlite":
        return []
    with reading(engine) as connection:
        return list(connection.exec_driver_sql("PRAGMA foreign_key_check"))


def empty_texts_alike(*columns_and_defaults: Any) -> bool | None:
    """Alembic strips the quotes of a default in SQLite unless nothing stands between them, and PostgreSQL compares no
    JSON; the rest is left to it.
    """
    _, _, column, inspected, _, wanted = columns_and_defaults
    if (inspected, wanted) == ("('')", ""):
        return False
    if isinstance(column.type, JSON) and wanted is not None:
        return str(inspected).partition("::")[0].strip("'") != str(wanted).strip("'")
    return None


def test_the_migrated_schema_is_that_of_the_tables(ledger: Engine) -> None:
    assert differences(ledger) == []


def test_the_comparison_sees_a_difference(ledger: Engine) -> None:
    with writing(ledger) as connection:
        connection.exec_driver_sql("ALTER TABLE deal ADD COLUMN price INTEGER")
    assert differences(ledger) != []


@pytest.fixture(scope="module")
def built(ledgers: Ledgers) -> Iterator[Engine]:
    """A database with the tables as they are declared."""
    engine = create_engine(ledgers.place())
    metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_checks_and_keys_are_those_of_the_tables(table: str, ledger: Engine, built: Engine) -> None:
    """What the comparison of Alembic leaves out: checks, primary keys and the names of constraints."""

    def shape(engine: Engine) -> list[Any]:
        found = inspect(engine)
        checks = [
            # PostgreSQL writes the same list of texts in two ways, by how the check came to be.
            {**each, "sqltext": re.sub(r"::(character varying|text)(\[\])?", "", each["sqltext"])}
            for each in found.get_check_constraints(table)
        ]
        uniques = found.get_unique_constraints(table)
        foreign = found.get_foreign_keys(table)
        by_name = [sorted(each, key=lambda one: str(one["name"])) for each in (checks, uniques, foreign)]
        return [found.get_pk_constraint(table), *by_name]

    assert shape(ledger) == shape(built)


def test_there_is_one_newest_step_and_the_ledger_is_at_it(ledger: Engine) -> None:
    heads = ScriptDirectory.from_config(config()).get_heads()
    with reading(ledger) as connection:
        assert list(MigrationContext.configure(connection).get_current_heads()) == list(heads)
    assert len(heads) == 1


def test_opening_a_ledger_with_data_keeps_it(ledger: Engine) -> None:
    filled(ledger)
    before = content(ledger)
    ledger.dispose()
    again = open_ledger(str(ledger.url))
    assert same(before, content(again))
    assert all(frame.height for frame in before)
    with reading(ledger) as connection:
        for table in metadata.sorted_tables:
            assert connection.execute(select(table)).first() is not None or table.name in WITHOUT_ROWS, table
    again.dispose()


def test_a_later_step_keeps_the_data_and_its_keys(ledger: Engine, tmp_path: Path) -> None:
    filled(ledger)
    before = content(ledger)
    newest = ScriptDirectory.from_config(config()).get_current_head()
    (tmp_path / "next_step.py").write_text(NEXT_STEP.format(newest=newest), encoding="utf-8")
    upgrade(ledger, tmp_path)
    assert "weight" in {column["name"] for column in inspect(ledger).get_columns("decision")}
    assert same(before, content(ledger))
    assert loose_keys(ledger) == []


def test_a_step_that_fails_leaves_the_ledger_as_it_was(ledger: Engine, tmp_path: Path) -> None:
    filled(ledger)
    before = content(ledger)
    newest = ScriptDirectory.from_config(config()).get_current_head()
    broken = NEXT_STEP.format(newest=newest) + "    raise ZeroDivisionError\n"
    (tmp_path / "next_step.py").write_text(broken, encoding="utf-8")
    with pytest.raises(ZeroDivisionError):
        upgrade(ledger, tmp_path)
    assert same(before, content(ledger))
    with reading(ledger) as connection:
        assert MigrationContext.configure(connection).get_current_revision() == newest
    assert differences(ledger) == []


# What the first revision did not know of a candidate, and what the second did not.
AFTER_0001 = {"concept_part"}
AFTER_0002 = {
    *("level", "certainty", "reach_two", "reach_three", "reach_four", "base", "feature_parts", "learned"),
    *("other_parts", "unlimited", "covariances", "similarity"),
}
# What the third did not know of records and uploads; and the tables that each step added.
AFTER_0003 = {"source_sheet", "extras"}
UPLOAD_AFTER_0003 = {"refused", "missing", "institute"}
NEW_IN_0003 = {"pair_level", "level_model"}
NEW_IN_0004 = {
    *("original", "upload_reversal", "upload_repeat", "record_quality", "record_mark", "near_pair", "column_choice"),
    "organisation_name",
}


NEW_IN_0005 = {
    *("assignment", "deal_terms", "deal_payment", "deal_document", "account", "login_attempt", "login_session"),
    *("login_session_end", "link"),
}
NEW_IN_0006 = {"deal_statement"}


def sealed_as_it_was(engine: Engine, rows: dict[str, list[dict[str, Any]]]) -> None:
    """What a ledger held before it had a chain is sealed, a link for each table, and nothing of it was changed."""
    found = chain.verify(engine)
    assert found.findings == ()
    assert (found.rows, found.links) == (sum(map(len, rows.values())), len(rows))


def of_0004(common: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    """Rows of the tables that the fourth revision added; the second upload was taken back before the first."""
    content = zlib.compress("清单".encode())
    record = {"kind": "demands", "record_id": "D1"}
    early = {**common, "at": "2026-01-10T01:00:00.000+00:00"}
    mark = {"mark": "merged", "other": "D2", "upload_id": None}
    alike = {"likeness": 0.9, "title_likeness": 0.1 + 0.2, "text_likeness": None, "same_organisation": True}
    return {
        "original": [{"sha256": hashlib.sha256("清单".encode()).hexdigest(), "content": content}],
        "upload_reversal": [{"upload_id": 2, **early}, {"upload_id": 1, **common}],
        "upload_repeat": [{"upload_id": 1, **record, "version": 1}],
        "record_quality": [{**record, "version": 1, "rules": "1", "quality": 40, "vague": True, "lacks": ["figures"]}],
        "record_mark": [{**record, **mark, **common}],
        "near_pair": [
            {"kind": "demands", "upload_id": 1, "first_id": "D1", "second_id": "D2", **alike, "exact": False}
        ],
        "column_choice": [
            {"kind": "demands", "institute": "甲所", "heading": "名目", "column_name": "title", **common}
        ],
        "organisation_name": [{"written": "甲", "name": None, **common}],
    }


def only(schema: dict[str, pl.DataType], row: dict[str, Any]) -> dict[str, object]:
    """What a record says of itself; of an old one without what its revision did not know."""
    return {name: row[name] for name in schema if name in row}


def fill_old(engine: Engine, step: str = "0001") -> dict[str, list[dict[str, Any]]]:
    """A ledger as an early revision made it, with rows in every table; those rows."""
    with engine.begin() as connection:
        steps = config()
        steps.attributes["connection"] = connection
        command.upgrade(steps, step)
        old = MetaData()
        old.reflect(connection)
        common = {"agent": "甲", "at": "2026-01-10T02:00:00.000+00:00"}
        later = {"0001": AFTER_0001 | AFTER_0002, "0002": AFTER_0002}.get(step, set())
        score = {name: 0.25 for name, dtype in CANDIDATES.items() if dtype == pl.Float64() and name not in later}
        parts = {
            **score,
            "shared_terms": [{"term": "防冰", "contribution": 0.1}],
            "shared_fields": ["province_4567:N3"],
        }
        pair = {"demand_id": "D1", "achievement_id": "A1"}
        said = {"run_id": 1, "verdict": "accept", "reason": "", "note": "好", "corrects": None, "nonce": "1"}
        counts = {"rows": 1, "new": 1, "changed": 0, "unchanged": 0, "left_out": 0}
        rows: dict[str, list[dict[str, Any]]] = {
            "upload": [
                {"kind": kind, "file_name": "清单.csv", "sha256": "0" * 64, **counts, **common} for kind in KINDS
            ],
            "record_field": [
                {
                    **{"kind": "demands", "record_id": "D1", "version": 1, "taxonomy": "province_4567", "code": "N3"},
                    **{"confidence": 0.5, "basis": "text", "terms": ["防冰"]},
                }
            ],
            "run": [{"fingerprint": "a" * 64, "top": 2, "demands": 1, "achievements": 1, "candidates": 2, **common}],
            "candidate": [
                {"run_id": 1, **pair, "rank": 1, **parts},
                {"run_id": 1, **pair, "achievement_id": "A2", "rank": 2, **parts},
            ],
            "decision": [{**pair, **said, **common}],
            "deal": [{**pair, "at": common["at"]}],
            "deal_event": [
                {"deal_id": 1, "state": "recommended", "reason": "", "note": "", "decision_id": 1, **common}
            ],
        }
        if step != "0001":
            rows["field_change"] = [
                {
                    **{"kind": "demands", "record_id": "D1", "version": 1, "taxonomy": "province_4567"},
                    **{"basis": "corrected", "codes": ["S3"], "confidences": [1.0], "terms": [[]], "nonce": "1"},
                    **common,
                }
            ]
        if step == "0004":
            rows |= of_0004(common)
        if step in ("0003", "0004"):
            rows["pair_level"] = [{**pair, "level": 3, "nonce": "1", **common}]
            figures = {"pairs": 1, "ndcg_before": 0.5, "ndcg_after": 0.6, "forced": False}
            rows["level_model"] = [{"model": {"source": "甲"}, **figures, **common}]
        for upload_id, (kind, name) in enumerate((("demands", "demand"), ("achievements", "achievement")), start=1):
            old_records = records(kind, *[{"title": title, "content_hash": "1" * 64} for title in ("抗冰涂层", "除冰")])
            if step != "0004":
                old_records = old_records.drop(AFTER_0003)
            rows[name] = [
                {**row, "version": 1, "upload_id": upload_id, "content_hash": content_hash(only(RECORD[kind], row))}
                for row in old_records.to_dicts()
            ]
        for table in old.sorted_tables:
            if table.name != "alembic_version":
                connection.execute(insert(table), rows[table.name])
    return rows


def test_a_ledger_of_the_first_revision_is_brought_up_with_its_data(ledgers: Ledgers) -> None:
    """What the first revision held is there, row by row; its candidates had no part of the lexicon."""
    url = ledgers.place()
    old = create_engine(url)
    rows = fill_old(old)
    assert "field_change" not in inspect(old).get_table_names()
    assert "concept_part" not in {column["name"] for column in inspect(old).get_columns("candidate")}
    old.dispose()
    engine = open_ledger(url)
    assert {*rows, "field_change", *NEW_IN_0003, *NEW_IN_0004, *NEW_IN_0005, *NEW_IN_0006} == set(metadata.tables)
    with reading(engine) as connection:
        for name, written in rows.items():
            table = metadata.tables[name]
            held = [dict(row._mapping) for row in connection.execute(select(table))]
            assert [{key: row[key] for key in given} for row, given in zip(held, written, strict=True)] == written
        for name in set(metadata.tables) - set(rows) - {"link"}:
            assert connection.execute(select(metadata.tables[name])).all() == []
    assert loose_keys(engine) == []
    assert differences(engine) == []
    sealed_as_it_was(engine, rows)
    found = candidates_of(engine, 1, "D1")
    assert found["achievement_id"].to_list() == ["A1", "A2"]
    assert found["concept_part"].to_list() == [0, 0]
    assert found["character_part"].to_list() == [0.25, 0.25]
    engine.dispose()


def test_a_ledger_that_was_brought_up_is_used_like_a_new_one(ledgers: Ledgers) -> None:
    url = ledgers.place()
    old = create_engine(url)
    fill_old(old)
    old.dispose()
    engine = open_ledger(url)
    corrections.correct(engine, "demands", "D1", "province_4567", ["S3"], "甲", "1")
    assert catalogue.current_fields(engine, "demands")["code"].to_list() == ["S3"]
    again = add_run(engine, pl.DataFrame(schema=CANDIDATES), "b" * 64, top=1, demands=1, achievements=1, agent="甲")
    assert latest_run(engine) == again
    assert again.run_id == 2
    for name in ("candidate", "field_change", "decision"):
        for statement in (f"DELETE FROM {name}", f"UPDATE {name} SET agent = agent"):  # noqa: S608
            changed = statement.replace("agent", "score") if name == "candidate" else statement
            with pytest.raises(IntegrityError, match="append-only"), writing(engine) as connection:
                connection.exec_driver_sql(changed)
    engine.dispose()


def test_a_ledger_of_the_second_revision_is_brought_up_with_its_data(ledgers: Ledgers) -> None:
    """Row by row; its candidates keep their score and know no level, and nothing is judged by hand."""
    url = ledgers.place()
    old = create_engine(url)
    rows = fill_old(old, "0002")
    assert not {"pair_level", "level_model"} & set(inspect(old).get_table_names())
    assert not AFTER_0002 & {column["name"] for column in inspect(old).get_columns("candidate")}
    assert {column["name"] for column in inspect(old).get_columns("candidate")} >= AFTER_0001
    old.dispose()
    engine = open_ledger(url)
    assert {*rows, *NEW_IN_0003, *NEW_IN_0004, *NEW_IN_0005, *NEW_IN_0006} == set(metadata.tables)
    with reading(engine) as connection:
        for name, written in rows.items():
            held = [dict(row._mapping) for row in connection.execute(select(metadata.tables[name]))]
            assert [{key: row[key] for key in given} for row, given in zip(held, written, strict=True)] == written
        for name in {*NEW_IN_0003, *NEW_IN_0004, *NEW_IN_0005, *NEW_IN_0006} - {"link"}:
            assert connection.execute(select(metadata.tables[name])).all() == []
    assert loose_keys(engine) == []
    assert differences(engine) == []
    sealed_as_it_was(engine, rows)
    found = candidates_of(engine, 1, "D1")
    assert found["achievement_id"].to_list() == ["A1", "A2"]
    assert found.select(sorted(AFTER_0002)).null_count().row(0) == (2,) * len(AFTER_0002)
    assert found.select("score", "concept_part", "character_part").rows() == [(0.25, 0.25, 0.25)] * 2
    assert judgements.learned_model(engine) is None
    engine.dispose()


def test_candidates_of_a_run_that_knew_no_levels_are_not_moved(ledgers: Ledgers) -> None:
    """The acceptance of the first one, and a level by hand of the second, are known and move nothing."""
    url = ledgers.place()
    old = create_engine(url)
    fill_old(old, "0002")
    old.dispose()
    engine = open_ledger(url)
    judgements.set_level(engine, "D1", "A2", 4, "甲", "1")
    assert judgements.judgements(engine, "D1").rows() == [("D1", "A1", 4), ("D1", "A2", 4)]
    assert review_list(engine, 1, "D1").equals(candidates_of(engine, 1, "D1"))
    assert review_list(engine, 1, "D1").height == 2
    engine.dispose()


def test_a_ledger_of_the_third_revision_is_brought_up_with_its_data(ledgers: Ledgers) -> None:
    """Its records have nothing beyond their columns, its files no original and no institute; all of it is used on."""
    url = ledgers.place()
    old = create_engine(url)
    rows = fill_old(old, "0003")
    found = inspect(old)
    assert not NEW_IN_0004 & set(found.get_table_names())
    assert not AFTER_0003 & {column["name"] for column in found.get_columns("demand")}
    assert not UPLOAD_AFTER_0003 & {column["name"] for column in found.get_columns("upload")}
    old.dispose()
    engine = open_ledger(url)
    assert {*rows, *NEW_IN_0004, *NEW_IN_0005, *NEW_IN_0006} == set(metadata.tables)
    with reading(engine) as connection:
        for name, written in rows.items():
            held = [dict(row._mapping) for row in connection.execute(select(metadata.tables[name]))]
            assert [{key: row[key] for key in given} for row, given in zip(held, written, strict=True)] == written
        for name in {*NEW_IN_0004, *NEW_IN_0005, *NEW_IN_0006} - {"link"}:
            assert connection.execute(select(metadata.tables[name])).all() == []
    assert loose_keys(engine) == []
    assert differences(engine) == []
    sealed_as_it_was(engine, rows)
    for kind in KINDS:
        held = catalogue.current_records(engine, kind)
        assert held["title"].to_list() == ["抗冰涂层", "除冰"]
        assert held["extras"].to_list() == [[], []]
        assert held["source_sheet"].to_list() == ["", ""]
        assert catalogue.record(engine, kind, held[held.columns[0]][0])["extras"] == []
    files = uploads.uploads(engine)
    assert (
        files.select("institute", "refused", "missing", "reversed_at", "kept").rows() == [("", 0, 0, None, False)] * 2
    )
    with pytest.raises(LedgerError) as refused:
        uploads.original_of(engine, 1)
    assert refused.value.problems[0].key == "upload.no_original"
    assert decisions.standing(engine)["note"].to_list() == ["好"]
    assert judgements.learned_model(engine) == {"source": "甲"}
    with pytest.raises(LedgerError, match="D1"):
        uploads.take_back(engine, 1, "甲")
    uploads.add(engine, listed("demands", {"title": "防覆冰涂层"}), pl.DataFrame(schema=FIELDS), "甲")
    assert catalogue.current_records(engine, "demands").select("title", "version").row(0) == ("防覆冰涂层", 2)
    uploads.take_back(engine, 3, "甲")
    assert catalogue.current_records(engine, "demands").select("title", "version").row(0) == ("抗冰涂层", 1)
    assert refusing(engine) == set(metadata.tables)
    engine.dispose()


def test_a_ledger_of_the_fourth_revision_is_brought_up_with_its_data(ledgers: Ledgers) -> None:
    """Row by row, sealed; reversals in the order in which they were made, whatever the uploads' numbers."""
    url = ledgers.place()
    old = create_engine(url)
    rows = fill_old(old, "0004")
    assert not (NEW_IN_0005 | NEW_IN_0006) & set(inspect(old).get_table_names())
    old.dispose()
    engine = open_ledger(url)
    assert {*rows, *NEW_IN_0005, *NEW_IN_0006} == set(metadata.tables)
    with reading(engine) as connection:
        for name, written in rows.items():
            held = [dict(row._mapping) for row in connection.execute(in_order(engine, name))]
            assert [{key: row[key] for key in given} for row, given in zip(held, written, strict=True)] == written
    assert loose_keys(engine) == []
    assert differences(engine) == []
    sealed_as_it_was(engine, rows)
    assert refusing(engine) == set(metadata.tables)
    assert uploads.uploads(engine)["reversed_by"].to_list() == ["甲", "甲"]
    decisions.decide(
        engine,
        demand_id="D2",
        achievement_id="A2",
        run_id=1,
        verdict="accept",
        agent="甲",
        nonce="2",
        seen=None,
    )
    assert chain.verify(engine).findings == ()
    engine.dispose()


def test_a_ledger_that_is_opened_again_is_not_sealed_again(ledger: Engine) -> None:
    filled(ledger)
    head = chain.verify(ledger).head
    ledger.dispose()
    again = open_ledger(str(ledger.url))
    assert chain.verify(again).head == head
    again.dispose()


def in_order(engine: Engine, name: str) -> Any:
    """Rows of a table in the order in which they came."""
    table = metadata.tables[name]
    return select(table).order_by(place_of(table, engine.dialect.name))


def test_texts_of_postgresql_sort_by_their_characters(ledger: Engine) -> None:
    """As in SQLite, whatever the database's language."""
    if ledger.dialect.name == "sqlite":
        return
    query = """
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name <> 'alembic_version'
        AND data_type IN ('text', 'character varying') AND collation_name IS DISTINCT FROM 'C'
    """
    with reading(ledger) as connection:
        assert connection.execute(text(query)).all() == []


def refusing(engine: Engine) -> set[str]:
    """Tables with all the triggers that refuse changes."""
    if engine.dialect.name == "sqlite":
        query, wanted = "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'", ("no_update", "no_delete")
    else:
        query = "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal"
        wanted = ("append_only", "no_truncate")
    with reading(engine) as connection:
        found = {tuple(row) for row in connection.exec_driver_sql(query)}
    return {name for name in metadata.tables if all((name, f"{name}_{each}") in found for each in wanted)}
