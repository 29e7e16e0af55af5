"""Work in a separate Python process.

Only so can cold start and peak memory be measured, and what one runtime leaves behind (threads,
memory, signal handlers) does not affect the next.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from lmk.system.errors import LmkError

Job = dict[str, Any]


class ProcessError(LmkError):
    """The process failed; the message gives the reason."""


def run_fresh(module: str, job: Job) -> Job:
    """Run `python -m MODULE` on a job and return its answer, both JSON.

    Adds to the job `started`, the time at which the process was started. Raises ProcessError with
    the error of the process, or with the reason of its end.
    """
    done = subprocess.run(
        [sys.executable, "-m", module],
        input=json.dumps(job | {"started": time.time()}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ProcessError(_why(done.returncode, done.stderr))
    answer: Job = json.loads(done.stdout.splitlines()[-1])
    if "error" in answer:
        raise ProcessError(answer["error"])
    return answer


def answer(work: Callable[[Job], Job]) -> None:
    """Do the job on standard input and print the answer: the main function of such a module."""
    job = json.loads(sys.stdin.read())
    try:
        text = json.dumps(work(job))
    except LmkError as error:
        text = json.dumps({"error": str(error)})
    print(text, flush=True)
    # Runtimes crash now and then while they are taken down, after the answer is known.
    os._exit(0)


def _why(returncode: int, stderr: str) -> str:
    if returncode < 0:
        return f"the process was ended by {signal.Signals(-returncode).name}"
    said = [line for line in stderr.splitlines() if line.strip()]
    return said[-1].strip() if said else f"the process ended with code {returncode}"
