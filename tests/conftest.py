"""What all tests share: seeds that are printed, the ledger on disk, the samples, the judged pairs."""

from __future__ import annotations

import gc
import os
import random
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from shutil import copyfile, rmtree
from typing import Any

import hypothesis
import pytest
from places import ROOT, SAMPLES
from sqlalchemy import Engine
from turns import turn

from matching.intake.reading import Reading, read_file
from matching.ledger.database import open_ledger
from matching.pipeline import load, match_ledger

_SEED = "DUIJIE_TEST_SEED"
_PAIRS = "DUIJIE_JUDGED_PAIRS"
_TURNS = "DUIJIE_TEST_TURNS"
_BROWSER = ROOT / "tests" / "browser"
_LONGEST = "test_upload.py"
IN_CI = os.environ.get("CI", "").lower() == "true"

hypothesis.settings.register_profile("duijie", deadline=None, print_blob=True, max_examples=60)
hypothesis.settings.load_profile("duijie")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed and the threads once, before workers start; they inherit them."""
    os.environ.setdefault(_SEED, str(random.SystemRandom().randrange(2**32)))
    os.environ.setdefault(_TURNS, tempfile.mkdtemp(prefix="duijie-turns-"))
    # Two workers on two cores: threads of linear algebra beside them would only wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if config.getoption("hypothesis_seed", None) is None:
        config.option.hypothesis_seed = int(os.environ[_SEED])
    # Workers take files in the order given below, not those with the most tests first.
    config.option.loadscopereorder = False


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        rmtree(os.environ.pop(_TURNS, ""), ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the files of the browser evenly among the others, the longest first.

    They wait as much as they work, and have few tests, so that xdist would leave them all to the end: then two
    browsers and two servers share two cores while the waiting is filled with nothing.
    """
    files = list(dict.fromkeys(item.path for item in items))
    browser = sorted((path for path in files if path.parent == _BROWSER), key=lambda path: path.name != _LONGEST)
    others = [path for path in files if path.parent != _BROWSER]
    place = {path: number / len(browser) for number, path in enumerate(browser)}
    place |= {path: (number + 0.5) / len(others) for number, path in enumerate(others)}
    items.sort(key=lambda item: place[item.path])


def pytest_collection_finish() -> None:
    """What is loaded by now stays: each screen that is run here has all objects looked through for garbage."""
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Leave the machine to the tests that are marked `alone`."""
    with turn(Path(os.environ[_TURNS]), alone=item.get_closest_marker("alone") is not None):
        return (yield)


def pytest_report_header() -> str:
    return f"seed: {os.environ[_SEED]} (repeat with {_SEED}={os.environ[_SEED]})"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what tests measured. In CI a skipped test is a failure: everything a test may need is there."""
    reports = terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", [])
    measured = [
        (report.nodeid, *each) for report in reports if report.when == "call" for each in report.user_properties
    ]
    if measured:
        terminalreporter.section("measured")
        for test, name, value in measured:
            terminalreporter.line(f"{test.rpartition('::')[2]}: {name} {value}")
    if IN_CI and terminalreporter.stats.get("skipped"):
        terminalreporter.section("skipped in CI", red=True)
        terminalreporter.line("CI must not skip: see the reasons above.")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if IN_CI and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def rng() -> random.Random:
    return random.Random(int(os.environ[_SEED]))


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads the user's settings or touches the user's ledger."""
    for name in [name for name in os.environ if name.startswith("DUIJIE_") and name not in (_SEED, _PAIRS, _TURNS)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DUIJIE_SETTINGS", str(tmp_path / "none.toml"))
    monkeypatch.setenv("DUIJIE_DATABASE_URL", f"sqlite:///{tmp_path / 'ledger.sqlite'}")


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger without anything in it: to be copied, which is faster than making one."""
    path = tmp_path_factory.mktemp("empty") / "ledger.sqlite"
    open_ledger(f"sqlite:///{path}").dispose()
    return path


@pytest.fixture
def ledger(empty_ledger: Path, tmp_path: Path) -> Iterator[Engine]:
    """A new ledger in a file."""
    copyfile(empty_ledger, tmp_path / "ledger.sqlite")
    engine = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def sample_demands() -> Reading:
    return read_file(SAMPLES / "demands.xlsx", "demands")


@pytest.fixture(scope="session")
def sample_achievements() -> Reading:
    return read_file(SAMPLES / "achievements.csv", "achievements")


@pytest.fixture(scope="session")
def judged_pairs() -> Path:
    """The folder of the judged pairs; it is not part of the project."""
    folder = Path(os.environ.get(_PAIRS, ROOT.parent / "shared" / "judged_pairs"))
    if not (folder / "judgements.csv").is_file():
        pytest.skip(f"needs the judged pairs (demands.csv, achievements.csv, judgements.csv): set {_PAIRS}")
    return folder


@pytest.fixture(scope="session")
def sample_ledger(
    tmp_path_factory: pytest.TempPathFactory, sample_demands: Reading, sample_achievements: Reading
) -> Path:
    """A ledger with the samples, ranked once, ten candidates a demand: to be copied, not written to."""
    path = tmp_path_factory.mktemp("samples") / "ledger.sqlite"
    engine = open_ledger(f"sqlite:///{path}")
    load(engine, sample_demands, "周某")
    load(engine, sample_achievements, "周某")
    match_ledger(engine, 10, "周某")
    engine.dispose()
    return path


@pytest.fixture
def ranked(sample_ledger: Path, tmp_path: Path) -> Iterator[Engine]:
    """The user's ledger, with the samples in it, ranked once."""
    copyfile(sample_ledger, tmp_path / "ledger.sqlite")
    engine = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield engine
    engine.dispose()
