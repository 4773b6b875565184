"""An engine by its name, for as long as it is used."""

# Dask has types, but not everywhere.
# mypy: allow-untyped-calls

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from matching.errors import CallError, Problem
from matching.ranking.engines.engine import Engine, Here
from matching.ranking.engines.named import HERE, named

if TYPE_CHECKING:
    from distributed import Client

    from matching.ranking.engines.cluster import Cluster

# Until a scheduler that does not answer, or that has no worker, is given up.
PATIENCE_SECONDS: Final = 10.0
# Workers on this machine: each takes one thread, and as much memory as it needs.
_ALONE: Final = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@contextmanager
def opened(engine: str = HERE) -> Iterator[Engine]:
    """The engine of a name (`named.named`).

    `CallError` where the name is not known, Dask is not installed, the scheduler does not answer or has no worker, or
    other versions are there.
    """
    asked = named(engine)
    if not (asked.workers or asked.address):
        yield Here()
        return
    if find_spec("distributed") is None:
        raise CallError(Problem("engine.no_dask", values={"engine": engine}))
    with on_this_machine(asked.workers) if asked.workers else elsewhere(asked.address) as cluster:
        yield cluster


@contextmanager
def on_this_machine(workers: int) -> Iterator[Cluster]:
    """Worker processes of one thread each, which end with this."""
    import dask
    from distributed import Client, LocalCluster

    from matching.ranking.engines.cluster import Cluster

    with TemporaryDirectory(prefix="duijie-") as temporary:
        folder = Path(temporary) / "shared"
        folder.mkdir()
        with (
            dask.config.set({"distributed.nanny.pre-spawn-environ": _ALONE}),
            LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                memory_limit=None,
                local_directory=temporary,
                silence_logs=logging.CRITICAL,
            ) as local,
            Client(local, set_as_default=False) as client,
        ):
            yield Cluster(client, folder)


@contextmanager
def elsewhere(address: str, patience: float = PATIENCE_SECONDS) -> Iterator[Cluster]:
    """The workers of a scheduler that runs at an address."""
    from distributed import Client

    from matching.ranking.engines.cluster import Cluster
    from matching.ranking.engines.versions import same_versions, versions

    try:
        client = Client(address, timeout=patience, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise CallError(Problem("engine.unreachable", values={"address": address, "reason": error})) from error
    with client:
        _wait_for_a_worker(client, address, patience)
        same_versions(client, versions())
        yield Cluster(client)


def _wait_for_a_worker(client: Client, address: str, patience: float) -> None:
    try:
        client.wait_for_workers(1, timeout=patience)
    except TimeoutError as error:
        raise CallError(Problem("engine.no_workers", values={"address": address})) from error
