"""Limits of runtimes that threads or processes share."""

from __future__ import annotations

import os
from threading import Lock

from lmk.arrays import Images
from lmk.inference.backends.base import Inferred, Transfers
from lmk.inference.backends.batches import Run
from lmk.system.errors import UsageError


def in_turns(steps: Transfers) -> Run:
    """Run a batch through all steps; a second thread waits, because the device holds one batch."""
    lock = Lock()

    def run(images: Images) -> Inferred:
        with lock:
            steps.upload(images)
            steps.compute()
            return steps.download()

    return run


def not_in_forks(run: Run) -> Run:
    """Raise UsageError in a forked process, where CUDA fails and PyTorch waits for ever."""
    opened_by = os.getpid()

    def checked(images: Images) -> Inferred:
        if os.getpid() != opened_by:
            raise UsageError(
                "this model was opened before its process was forked, and its runtime does not "
                "work in the copy: start processes with multiprocessing.get_context('spawn'), to "
                "which a Landmarker can be passed"
            )
        return run(images)

    return checked
