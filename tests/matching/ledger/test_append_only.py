"""Nothing in the ledger can be changed or removed, not even by a statement of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from records import copied, listed, made, records
from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from matching.intake.columns import Heading
from matching.intake.reading import Reading
from matching.ledger import uploads
from matching.ledger.corrections import correct
from matching.ledger.database import reading, writing
from matching.ledger.decisions import decide
from matching.ledger.judgements import add_model, set_level
from matching.ledger.presence import settle_near
from matching.ledger.runs import add_run
from matching.ledger.tables import decision, metadata, pair_level
from matching.ledger.uploads import Beside
from matching.schema import CANDIDATES, DUPLICATES, FIELDS, ID, KINDS

CANDIDATE = {
    **dict.fromkeys(CANDIDATES, ""),
    **{name: 0.0 for name, dtype in CANDIDATES.items() if dtype == pl.Float64()},
    **{name: [] for name, dtype in CANDIDATES.items() if isinstance(dtype, pl.List)},
    "demand_id": "D1",
    "achievement_id": "A1",
    "rank": 1,
    "level": 4,
}


def beside(record_id: str) -> Beside:
    """All that may come with a file."""
    scored = {"record_id": [record_id], "quality": [40], "vague": [True], "lacks": [["figures"]]}
    return Beside(
        institute="甲所",
        content=b"file",
        columns={"名目": "title"},
        names={"甲": "甲所"},
        quality=pl.DataFrame(scored),
        rules="1" * 16,
        near=pl.DataFrame([(record_id, "Z9", 0.9, 0.9, None, True, False)], schema=DUPLICATES, orient="row"),
    )


def fill(ledger: Engine) -> None:
    """A row in every table."""
    for kind in KINDS:
        frame = records(kind, {"title": "防冰涂层", "content_hash": "1" * 64})
        read = Reading(kind, f"{kind}.csv", "0" * 64, frame, 1, (Heading(1, (), ()),), ())
        row = (frame[0, 0], "province_4567", "N3", 0.5, "text", ["防冰"])
        uploads.add(ledger, read, pl.DataFrame([row], schema=FIELDS, orient="row"), "甲", beside=beside(frame[0, 0]))
    found = pl.DataFrame([CANDIDATE], schema=CANDIDATES)
    run = add_run(ledger, found, "a" * 64, top=1, demands=1, achievements=1, agent="甲")
    decide(
        ledger,
        demand_id="D1",
        achievement_id="A1",
        run_id=run.run_id,
        verdict="accept",
        agent="甲",
        nonce="1",
        seen=None,
    )
    correct(ledger, "demands", "D1", "province_4567", ["S3"], "甲", "1")
    set_level(ledger, "D1", "A1", 3, "甲", "1")
    add_model(ledger, {"source": "甲"}, pairs=1, before=0.5, after=0.6, forced=False, agent="甲")
    uploads.add(ledger, listed(read.kind, {ID[read.kind]: "Z9"}), pl.DataFrame(schema=FIELDS), "甲")
    settle_near(ledger, read.kind, read.frame[0, 0], "Z9", same=False, agent="甲")
    uploads.add(ledger, read, pl.DataFrame(schema=FIELDS), "甲")
    uploads.take_back(ledger, 4, "甲")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("filled") / "ledger.sqlite", fill)


@pytest.fixture
def full(filled: Path, tmp_path: Path) -> Iterator[Engine]:
    """A ledger with a row in every table."""
    with copied(filled, tmp_path) as ledger:
        yield ledger


@pytest.mark.parametrize("name", sorted(metadata.tables))
def test_rows_cannot_be_changed_or_removed(name: str, full: Engine) -> None:
    table = metadata.tables[name]
    with reading(full) as connection:
        before = connection.execute(select(table)).all()
    assert before
    last = list(table.columns)[-1]
    for statement in (update(table).values({last: last}), delete(table)):
        with pytest.raises(IntegrityError, match=f"{name} is append-only"), writing(full) as connection:
            connection.execute(statement)
    with reading(full) as connection:
        assert connection.execute(select(table)).all() == before


@pytest.mark.parametrize("name", sorted(metadata.tables))
def test_a_row_with_a_known_key_is_refused(name: str, full: Engine) -> None:
    table = metadata.tables[name]
    with reading(full) as connection:
        row = connection.execute(select(table).limit(1)).one()
    with pytest.raises(IntegrityError, match="UNIQUE"), writing(full) as connection:
        connection.execute(insert(table).values(row._mapping))


@pytest.mark.parametrize("name", sorted(metadata.tables))
def test_a_row_cannot_take_the_place_of_another(name: str, full: Engine) -> None:
    """INSERT OR REPLACE is a removal by another name."""
    table = metadata.tables[name]
    with reading(full) as connection:
        row = connection.execute(select(table).limit(1)).one()
    with pytest.raises(IntegrityError, match="append-only"), writing(full) as connection:
        connection.execute(insert(table).prefix_with("OR REPLACE").values(row._mapping))


def test_a_decision_needs_a_run_that_exists(full: Engine) -> None:
    with pytest.raises(IntegrityError, match="FOREIGN KEY"):
        decide(full, demand_id="D1", achievement_id="A2", run_id=9, verdict="later", agent="甲", nonce="2", seen=None)


def test_a_decision_is_corrected_once(full: Engine) -> None:
    entry = {
        "demand_id": "D1",
        "achievement_id": "A1",
        "run_id": 1,
        "verdict": "undone",
        "reason": "",
        "note": "",
        "corrects": 1,
        "agent": "甲",
        "at": "",
    }
    with writing(full) as connection:
        connection.execute(insert(decision).values(**entry, nonce="2"))
    with pytest.raises(IntegrityError, match="UNIQUE"), writing(full) as connection:
        connection.execute(insert(decision).values(**entry, nonce="3"))


@pytest.mark.parametrize("level", [0, 5, -1])
def test_a_level_is_one_of_four_whoever_writes_it(level: int, full: Engine) -> None:
    row = {"demand_id": "D1", "achievement_id": "A1", "agent": "甲", "nonce": "2", "at": ""}
    with pytest.raises(IntegrityError, match="CHECK"), writing(full) as connection:
        connection.execute(insert(pair_level).values(**row, level=level))


def test_an_agents_nonce_sets_one_level(full: Engine) -> None:
    """Another pair does not make it another click."""
    row = {"demand_id": "D2", "achievement_id": "A2", "level": 1, "nonce": "1", "at": ""}
    with pytest.raises(IntegrityError, match="UNIQUE"), writing(full) as connection:
        connection.execute(insert(pair_level).values(**row, agent="甲"))
    with writing(full) as connection:
        connection.execute(insert(pair_level).values(**row, agent="乙"))
