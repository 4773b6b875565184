"""The migrations make what the tables say, and keep what a ledger holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from records import records
from sqlalchemy import Engine, create_engine, inspect

from matching.intake.columns import Heading
from matching.intake.reading import Reading
from matching.ledger import catalogue, deals, decisions, migrations
from matching.ledger.database import open_ledger, reading, writing
from matching.ledger.runs import add_run
from matching.ledger.tables import metadata
from matching.schema import CANDIDATES, FIELDS

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
    demands = records("demands", {"title": "风电叶片抗冰涂层", "content_hash": "1" * 64})
    read = Reading("demands", "需求.csv", "0" * 64, demands, 1, Heading(1, (), ()), ())
    field = pl.DataFrame([("D1", "province_4567", "N3", 0.5, "text", ["防冰"])], schema=FIELDS, orient="row")
    catalogue.add(engine, read, field, "甲")
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


def content(engine: Engine) -> list[pl.DataFrame]:
    return [
        catalogue.current_records(engine, "demands"),
        catalogue.current_fields(engine, "demands"),
        catalogue.uploads(engine),
        decisions.standing(engine),
        deals.all_deals(engine),
        deals.deal_events(engine),
    ]


def same(before: list[pl.DataFrame], after: list[pl.DataFrame]) -> bool:
    return all(one.equals(other) for one, other in zip(before, after, strict=True))


def test_the_migrated_schema_is_that_of_the_tables(ledger: Engine) -> None:
    options = {"compare_type": True, "compare_server_default": True}
    with reading(ledger) as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_the_comparison_sees_a_difference(ledger: Engine) -> None:
    with writing(ledger) as connection:
        connection.exec_driver_sql("ALTER TABLE deal ADD COLUMN price INTEGER")
    with reading(ledger) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) != []


@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_checks_and_keys_are_those_of_the_tables(table: str, ledger: Engine, tmp_path: Path) -> None:
    """What the comparison of Alembic leaves out: checks, primary keys and the names of constraints."""
    made = create_engine(f"sqlite:///{tmp_path / 'made.sqlite'}")
    metadata.create_all(made)

    def shape(engine: Engine) -> list[Any]:
        found = inspect(engine)
        checks = found.get_check_constraints(table)
        uniques = found.get_unique_constraints(table)
        foreign = found.get_foreign_keys(table)
        by_name = [sorted(each, key=lambda one: str(one["name"])) for each in (checks, uniques, foreign)]
        return [found.get_pk_constraint(table), *by_name]

    assert shape(ledger) == shape(made)
    made.dispose()


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
    again.dispose()


def test_a_later_step_keeps_the_data_and_its_keys(ledger: Engine, tmp_path: Path) -> None:
    filled(ledger)
    before = content(ledger)
    newest = ScriptDirectory.from_config(config()).get_current_head()
    (tmp_path / "next_step.py").write_text(NEXT_STEP.format(newest=newest), encoding="utf-8")
    upgrade(ledger, tmp_path)
    assert "weight" in {column["name"] for column in inspect(ledger).get_columns("decision")}
    assert same(before, content(ledger))
    with reading(ledger) as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []


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
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert MigrationContext.configure(connection).get_current_revision() == newest
