"""Giving a campaign's cases to Dask: to a cluster of this machine's cores, or to a scheduler that runs somewhere.

Queue, workers, transport and retries are Dask's. Cases are known by their keys there, too; images and suites are tasks
of their own, so that each worker gets each one once.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from renode_pico.errors import EngineMissing, RenodePicoError, UsageError
from renode_pico.fuzz.campaign import Campaign, Case
from renode_pico.fuzz.results import Results
from renode_pico.fuzz.worker import payload, run_case

LOST_WORKERS = 5
"""Workers that may be lost with one case before it is given up: it may be the case that ends them."""
CONNECT = 15
"""Real seconds in which a scheduler must answer."""


def run(
    campaign: Campaign,
    results: Results,
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    each: Callable[[Case, Mapping[str, Any]], None] = lambda case, result: None,
) -> list[str]:
    """Run all cases that have no result yet. Returns what could not be done, in sentences; a next run tries it again.

    scheduler: its address (`tcp://...`); without it `workers` processes of this machine. Raises EngineMissing without
    Dask, RenodePicoError when no scheduler answers or it is gone meanwhile: what was done is in `results`.
    """
    todo = [case for case in campaign.cases if case.key not in results.by_key]
    if not todo:
        return []
    with _client(scheduler, workers, len(todo)) as client:
        from distributed import as_completed

        sent = {
            sha: client.submit(payload, dict(it.files), key=f"files-{sha}") for sha, it in campaign.payloads.items()
        }
        futures = {
            client.submit(run_case, case, sent[case.image], sent.get(case.suite, {}), key=f"case-{case.key}"): case
            for case in todo
        }
        lost: list[str] = []
        for future in as_completed(futures):
            case = futures[future]
            if future.status == "finished":
                result = future.result()
                future.release()
                if results.add(case, result):
                    each(case, result)
            elif future.status == "error":
                lost.append(f"{case.name}: {future.exception()}")
            else:
                left = sum(case.key not in results.by_key for case in campaign.cases)
                raise RenodePicoError(
                    f"the scheduler {scheduler or ''} is gone with {left} of {len(campaign.cases)} cases to do; "
                    f"what is done is kept in {results.path}: the same command goes on"
                )
        return lost


@contextmanager
def _client(scheduler: str | None, workers: int | None, cases: int) -> Iterator[Any]:
    settings = {
        "distributed.scheduler.allowed-failures": LOST_WORKERS,
        "distributed.comm.timeouts.connect": f"{CONNECT}s",
        "distributed.admin.large-graph-warning-threshold": "1GB",
    }
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise EngineMissing("campaigns need Dask: pip install 'renode-pico[campaign]'") from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with dask.config.set(settings):
        if scheduler is not None:
            try:
                client = Client(scheduler, timeout=CONNECT)
            except ValueError as error:
                raise UsageError(f"{scheduler} is no address such as tcp://HOST:8786: {error}") from None
            except OSError as error:
                raise RenodePicoError(f"no scheduler answers at {scheduler}: {error}") from None
            with client:
                yield client
            return
        count = min(workers or dask.system.CPU_COUNT, cases)
        with (
            tempfile.TemporaryDirectory(prefix="renode-pico-campaign-") as folder,
            LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                dashboard_address=":0",
                silence_logs=logging.CRITICAL,
                local_directory=folder,
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client
