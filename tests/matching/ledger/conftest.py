"""Every test of the ledger runs on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from database import Ledgers, PostgresqlLedgers, SqliteLedgers, made, opened, postgresql_server
from sqlalchemy import Engine

from matching.intake.reading import Reading
from matching.pipeline import load, match_ledger


@pytest.fixture(scope="session")
def sqlite_ledgers(tmp_path_factory: pytest.TempPathFactory) -> SqliteLedgers:
    return SqliteLedgers(tmp_path_factory.mktemp("ledgers"))


@pytest.fixture(scope="session")
def postgresql_ledgers() -> Iterator[PostgresqlLedgers]:
    with postgresql_server() as ledgers:
        yield ledgers


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def ledgers(request: pytest.FixtureRequest) -> Ledgers:
    """Ledgers of either database."""
    found: Ledgers = request.getfixturevalue(f"{request.param}_ledgers")
    return found


@pytest.fixture(scope="session")
def empty_url(ledgers: Ledgers) -> str:
    """A ledger without anything in it: to be copied."""
    return made(ledgers, lambda _engine: None)


@pytest.fixture
def ledger(ledgers: Ledgers, empty_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A new ledger; the user's own."""
    url = ledgers.copy(empty_url)
    monkeypatch.setenv("DUIJIE_DATABASE_URL", url)
    with opened(url) as engine:
        yield engine


@pytest.fixture(scope="session")
def ranked_url(ledgers: Ledgers, sample_demands: Reading, sample_achievements: Reading) -> str:
    """A ledger with the samples, ranked once, ten candidates a demand: to be copied."""

    def fill(engine: Engine) -> None:
        load(engine, sample_demands, "周某")
        load(engine, sample_achievements, "周某")
        match_ledger(engine, 10, "周某")

    return made(ledgers, fill)


@pytest.fixture
def ranked(ledgers: Ledgers, ranked_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The user's ledger, with the samples in it, ranked once."""
    url = ledgers.copy(ranked_url)
    monkeypatch.setenv("DUIJIE_DATABASE_URL", url)
    with opened(url) as engine:
        yield engine
