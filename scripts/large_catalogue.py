"""A ledger with a large catalogue, ranked: the samples' own records, fields, quality and candidates under new ids."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl
from sqlalchemy import Engine, Table

from matching.intake.reading import read_file
from matching.ledger import tables
from matching.ledger.database import open_ledger, reading, writing
from matching.ledger.frames import write_frames
from matching.pipeline import load, match_ledger
from matching.schema import ID, KINDS, Kind

AGENT: Final = "示例经理人"
LISTED: Final = 10
SAMPLES: Final = Path(__file__).resolve().parent.parent / "datasets" / "samples"


def write(path: Path, sizes: dict[Kind, int]) -> None:
    """Write a ledger with so many records of each list, and a run that lists ten candidates for every demand.

    The first copy of a record is itself; candidates of the second copy of a demand are second copies, and so on:
    achievements must have as many copies as demands have.
    """
    engine = open_ledger(f"sqlite:///{path}")
    for kind in KINDS:
        load(engine, read_file(SAMPLES / f"{kind}.csv", kind), AGENT)
    ranked = match_ledger(engine, LISTED, AGENT)
    run = {"run_id": ranked.run_id + 1, "fingerprint": "0" * 64, "top": LISTED, **sizes}
    run |= {"candidates": sizes["demands"] * LISTED, "agent": AGENT, "at": ranked.at}
    lots = [(tables.run, pl.DataFrame(run))]
    for kind, number in sizes.items():
        records = _stored(engine, tables.RECORD_TABLE[kind])
        copies = _copies(records[ID[kind]], number)
        fresh = copies.filter(pl.col("copy") > 0)
        lots.append((tables.RECORD_TABLE[kind], _copied(records, fresh, ID[kind])))
        for table in (tables.record_field, tables.record_quality):
            lots.append((table, _copied(_stored(engine, table).filter(pl.col("kind") == kind), fresh, "record_id")))
        if kind == "demands":
            listed = _copied(_stored(engine, tables.candidate), copies, "demand_id", "achievement_id")
            lots.append((tables.candidate, listed.with_columns(run_id=pl.lit(run["run_id"]))))
    with writing(engine) as connection:
        write_frames(connection, lots)
    engine.dispose()


def _stored(engine: Engine, table: Table) -> pl.DataFrame:
    """A table's rows as the database has them."""
    with reading(engine) as connection:
        rows = connection.exec_driver_sql(f"SELECT * FROM {table.name}")  # noqa: S608
        return pl.DataFrame(rows.fetchall(), schema=list(rows.keys()), orient="row", infer_schema_length=None)


def _copies(ids: pl.Series, number: int) -> pl.DataFrame:
    """Ids one after the other, again and again until there are so many, and the number of the copy."""
    places = pl.int_range(number, eager=True)
    return pl.DataFrame([ids.gather(places % len(ids)).alias("old"), (places // len(ids)).alias("copy")])


def _copied(rows: pl.DataFrame, copies: pl.DataFrame, by: str, *also: str) -> pl.DataFrame:
    """Rows of the copied ids under new ones; columns as they come."""
    found = rows.join(copies, left_on=by, right_on="old")
    new = [
        pl.when(pl.col("copy") == 0).then(pl.col(name)).otherwise(pl.format("{}-{}", name, "copy")).alias(name)
        for name in (by, *also)
    ]
    return found.with_columns(new).select(rows.columns)
