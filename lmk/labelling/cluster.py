"""Label the shards of a plan on a cluster of Ray, each exactly once."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Any

from lmk.labelling.inputs.shard import Shard
from lmk.labelling.model import open_label_model
from lmk.labelling.options import LabelOptions
from lmk.labelling.part import Counts
from lmk.labelling.place import open_place
from lmk.labelling.work import Worker
from lmk.system.errors import LmkError, UnavailableError, UsageError, missing_extra
from lmk.system.logged import LogReporter

PATIENCE_S = 5.0
RETRIES = (
    3  # of a shard whose worker died; a picture that kills every worker must not go on for ever
)


def label_on_cluster(
    address: str,
    options: LabelOptions,
    sha256: str,
    output: str,
    source: str,
    shards: Iterable[Shard],
) -> Iterator[Counts]:
    """Yield the counts of every shard as soon as its part is whole.

    address: "auto" for the cluster that this machine belongs to, or as `ray.init` takes it. sha256:
    of the model, which every worker compares with its own. output, source: addresses, which all
    machines of the cluster must reach. One worker per CPU, or per GPU for the device cuda. A shard
    whose worker died goes to another one: its part appears whole or not at all, under a name that
    depends on its inputs alone. Raises UnavailableError without Ray or its cluster.
    """
    with _connected(address) as ray:
        kind, needs = ("GPU", {"num_gpus": 1}) if options.device == "cuda" else ("CPU", {})
        count = int(ray.cluster_resources().get(kind, 0))
        if not count:
            raise UnavailableError(
                f"the cluster at {address} has no {kind}: add a machine with one"
            )
        if "/" in options.model:  # workers have folders of their own
            options = replace(options, model=os.path.abspath(options.model))  # noqa: PTH100
        remote = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=RETRIES, **needs)(
            RemoteWorker
        )
        workers = [remote.remote(options, sha256, output, source) for _ in range(count)]
        try:
            yield from _shared_out(ray, workers, shards)
        finally:
            for worker in workers:
                ray.kill(worker)


class RemoteWorker:
    """A `Worker` in its own process, with one core; its first shard opens the model."""

    def __init__(self, options: LabelOptions, sha256: str, output: str, source: str) -> None:
        self._options, self._sha256 = options, sha256
        self._output, self._source = output, source
        self._worker: Worker | None = None

    def label(self, shard: Shard) -> Counts:
        """See `Worker.label`. Raises what `open_label_model` raises, too."""
        if self._worker is None:
            self._worker = self._open()
        return self._worker.label(shard)

    def _open(self) -> Worker:
        options = self._options
        model = open_label_model(options, LogReporter(), threads=_threads(options))
        if model.sha256 != self._sha256:
            raise UsageError(
                f"{options.model} is another model on a machine of the cluster: its SHA-256 is "
                f"{model.sha256[:16]}, expected {self._sha256[:16]}. Give all machines the same "
                "file"
            )
        return Worker(model, options, open_place(self._output), open_place(self._source), threads=1)


def _threads(options: LabelOptions) -> int | None:
    """One core per worker; a GPU's runtime takes no number."""
    return None if options.device == "cuda" else 1


def _shared_out(ray: Any, workers: list[Any], shards: Iterable[Shard]) -> Iterator[Counts]:
    """Give every worker a shard, and the next one when it is done."""
    waiting, running = iter(shards), dict[Any, Any]()
    for worker, shard in zip(workers, waiting, strict=False):
        running[worker.label.remote(shard)] = worker
    while running:
        (done,), _ = ray.wait(list(running), num_returns=1)
        worker = running.pop(done)
        counts = _result(ray, done)
        for shard in islice(waiting, 1):
            running[worker.label.remote(shard)] = worker
        yield counts


def _result(ray: Any, done: Any) -> Counts:
    try:
        counts: Counts = ray.get(done)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, LmkError):
            raise error.cause from error
        raise
    except ray.exceptions.RayActorError as error:
        raise LmkError(
            f"workers of the cluster died {RETRIES + 1} times on the same inputs, as for want of "
            "memory: run the same command again, which keeps what is done, or give workers more of "
            f"it ({str(error).splitlines()[0]})"
        ) from error
    return counts


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Ray, connected to a cluster; the connection that the caller has, if any, is kept."""
    try:
        import ray
    except ImportError as error:
        raise missing_extra("ray", "ray") from error
    if ray.is_initialized():
        yield ray
        return
    _check_listening(address)
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise _no_cluster(address, str(error).splitlines()[0]) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_listening(address: str) -> None:
    """Raise UnavailableError where nobody answers: Ray itself would end the process."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE_S).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(address, str(error)) from error


def _no_cluster(address: str, reason: str) -> UnavailableError:
    return UnavailableError(
        f"no cluster of Ray at {address}: {reason}. Start one with  ray start --head  or give its "
        "address"
    )
