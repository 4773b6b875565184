"""Ranking in other processes: the same bytes, whoever ranks, in blocks of any size, and whoever is killed meanwhile."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest
from distributed import Client, LocalCluster
from places import SAMPLES

from matching.cli import main
from matching.errors import CallError, DuijieError
from matching.intake.judgements import read_judgements
from matching.intake.reading import Reading
from matching.pipeline import Ranking, rank
from matching.ranking.candidates import candidates
from matching.ranking.engines.cluster import Cluster
from matching.ranking.engines.opening import elsewhere, on_this_machine
from matching.ranking.engines.versions import same_versions, versions
from matching.settings import Settings

Records = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two worker processes."""
    with on_this_machine(2) as started:
        yield started


@pytest.fixture(scope="module")
def records(sample_demands: Reading, sample_achievements: Reading) -> Records:
    return sample_demands.frame, sample_achievements.frame, read_judgements(SAMPLES / "judgements.csv", Settings())


@pytest.fixture(scope="module")
def here(records: Records) -> Ranking:
    """The samples, ranked in this process."""
    demands, achievements, judgements = records
    return rank(demands, achievements, judgements=judgements)


@pytest.fixture
def nobody() -> Iterator[Client]:
    """A scheduler without workers."""
    with (
        LocalCluster(n_workers=0, processes=True, dashboard_address="127.0.0.1:0", host="127.0.0.1") as alone,
        Client(alone, set_as_default=False) as client,
    ):
        yield client


def name_of(client: Client) -> str:
    return str(client.scheduler_info()["address"]).replace("tcp://", "dask://")


def written(frame: pl.DataFrame) -> tuple[bytes, str]:
    """As bytes; texts one after the other, since views of texts also tell in which buffers these happen to stand."""
    target = BytesIO()
    frame.write_ipc(target, compat_level=pl.CompatLevel.oldest())
    return target.getvalue(), frame.write_ndjson()


@pytest.mark.parametrize("size", [7, 64])
def test_workers_make_the_same_bytes_in_blocks_of_any_size(
    size: int, cluster: Cluster, records: Records, here: Ranking, monkeypatch: pytest.MonkeyPatch
) -> None:
    demands, achievements, judgements = records
    monkeypatch.setattr("matching.ranking.engines.cluster.MOST", size)
    told: list[tuple[int, int]] = []
    found = candidates(
        here.vectors,
        demands,
        achievements,
        judgements,
        here.weights,
        here.model,
        10,
        lambda *each: told.append(each),
        cluster,
    )
    assert written(found.candidates) == written(here.candidates)
    assert len(told) >= 2 * (demands.height // size)
    assert told == sorted(told)
    assert told[-1] == (demands.height, demands.height)


def test_a_scheduler_elsewhere_makes_the_same(cluster: Cluster, records: Records, here: Ranking) -> None:
    """Arrays are scattered there, where workers may be on other machines."""
    demands, achievements, judgements = records
    found = rank(demands, achievements, judgements=judgements, engine=name_of(cluster.client))
    assert written(found.candidates) == written(here.candidates)
    assert found.fingerprint == here.fingerprint


def test_a_killed_worker_changes_nothing(
    cluster: Cluster, records: Records, here: Ranking, monkeypatch: pytest.MonkeyPatch
) -> None:
    demands, achievements, judgements = records
    monkeypatch.setattr("matching.ranking.engines.cluster.MOST", 5)
    before = set(cluster.client.run(os.getpid).values())
    victim = min(before)

    def told(done: int, total: int) -> None:
        # The lists are known, and blocks are being scored.
        if total // 2 <= done < total and victim in before:
            before.discard(victim)
            os.kill(victim, signal.SIGKILL)

    found = candidates(here.vectors, demands, achievements, judgements, here.weights, here.model, 10, told, cluster)
    assert victim not in before
    assert victim not in cluster.client.run(os.getpid).values()
    assert written(found.candidates) == written(here.candidates)


def test_the_command_writes_the_same_file(cluster: Cluster, tmp_path: Path) -> None:
    files = []
    for engine in ("local", name_of(cluster.client)):
        files.append(tmp_path / f"{len(files)}.csv")
        given = [str(SAMPLES / "demands.csv"), str(SAMPLES / "achievements.csv")]
        with pytest.raises(SystemExit) as done:
            main(["match", *given, "--engine", engine, "--top", "3", "--output", str(files[-1])])
        assert done.value.code == 0
    assert files[0].read_bytes() == files[1].read_bytes()


def test_an_unknown_engine_is_refused_before_anything_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["match", "none.csv", "none.csv", "--engine", "spark", "--output", "none.csv"])
    assert done.value.code == 2
    assert "“spark”" in capsys.readouterr().err


def test_other_versions_are_refused_place_by_place(cluster: Cluster) -> None:
    same_versions(cluster.client, versions())
    with pytest.raises(CallError) as refused:
        same_versions(cluster.client, {**versions(), "duijie": "0.0.0"})
    places = {problem.values["place"] for problem in refused.value.problems}
    assert places == {cluster.client.scheduler_info()["address"], *cluster.client.run(os.getpid)}
    assert "0.0.0" in refused.value.text("en")


def test_what_work_raises_is_raised_here(cluster: Cluster) -> None:
    with pytest.raises(ZeroDivisionError):
        list(cluster.run(divmod, (cluster.put(1),), [0]))


def test_a_scheduler_that_is_not_there_is_said_to_be() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CallError) as refused, elsewhere(address, 0.5):
            pass
    assert address in refused.value.text("zh_CN")
    assert "dask scheduler" in refused.value.text("en")


def test_no_workers_are_said_to_be_missing_at_once_and_later(nobody: Client) -> None:
    address = str(nobody.scheduler_info()["address"])
    with pytest.raises(CallError) as refused, elsewhere(address, 0.5):
        pass
    assert f"dask worker {address}" in refused.value.text("en")
    with pytest.raises(DuijieError) as gone:
        list(Cluster(nobody, alone_seconds=0.2).run(divmod, (1,), [1]))
    assert gone.value.problems[0].key == "engine.lost"
