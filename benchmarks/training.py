"""Training speed by method and precision: images per second, share of the peak, memory.

python benchmarks/training.py [--batch-size 16] [--steps 4] [--json FILE] [--plot FILE]

Every figure is of one step of an adaptation, forward, backward and update, the fastest of a few.
The share is relative to a large matrix product in the same precision on the same machine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any, get_args

import torch
from output import bar_rows, finish, parse
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from lmk.architectures.hourglass.network import Hourglass
from lmk.bench.record import StartState, make_record
from lmk.data.synthetic import draw
from lmk.networks.perceptual import CoreFeatures
from lmk.training.adaptation.learner import AdaptLearner
from lmk.training.adaptation.methods import start_network
from lmk.training.device import Compute, select_compute
from lmk.training.loop import step
from lmk.training.options import AdaptOptions, Method

MATRIX = 2048
PRECISIONS = ("plain", "fp32", "bf16")  # plain: float32 in torch's own memory order


def measure(method: Method, precision: str, batch_size: int, steps: int) -> dict[str, Any]:
    """Time one method in one precision; peak memory is that of the process or the GPU."""
    bf16 = precision == "bf16"
    compute = replace(select_compute(), bf16=bf16, channels_last=precision != "plain")
    core = Hourglass(10)
    options = AdaptOptions(method=method, batch_size=batch_size)
    detector = start_network(method, core, 10)
    crops = draw(batch_size, seed=0)[0]
    learner = AdaptLearner(crops, detector, CoreFeatures(core), options, compute)
    with FlopCounterMode(display=False) as counter:  # this step also warms up
        step(learner, 0)
    seconds = min(_seconds(lambda n=n: step(learner, n + 1), compute) for n in range(steps))
    operations = counter.get_total_flops() / seconds
    peak = max(_matrix_operations(compute) for _ in range(steps))
    return {
        "method": method,
        "precision": precision,
        "device": compute.describe(),
        "seconds_a_step": seconds,
        "images_a_second": batch_size / seconds,
        "gflop_a_second": operations / 1e9,
        "peak_gflop_a_second": peak / 1e9,
        "share_of_peak": operations / peak,
        "memory_gb": _memory_gb(compute),
    }


def _seconds(work: Any, compute: Compute) -> float:
    began = time.perf_counter()
    work()
    if compute.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def _matrix_operations(compute: Compute) -> float:
    """Operations per second of a square matrix product."""
    dtype = torch.bfloat16 if compute.bf16 else torch.float32
    a, b = (torch.randn(MATRIX, MATRIX, device=compute.device, dtype=dtype) for _ in range(2))
    seconds = min(_seconds(lambda: a @ b, compute) for _ in range(5))
    return 2 * MATRIX**3 / seconds


def _memory_gb(compute: Compute) -> float:
    if compute.device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 1e9
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main(given: argparse.Namespace) -> None:
    start = StartState()
    results = [
        # A process each, so that the peak memory is that of this one alone.
        _in_own_process(method, precision, given.batch_size, given.steps)
        for method in get_args(Method)
        for precision in PRECISIONS
    ]
    _print(results)
    plain = {r["method"]: r["seconds_a_step"] for r in results if r["precision"] == "plain"}
    ratios = [
        (f"{r['method']}, {r['precision']}", plain[r["method"]] / r["seconds_a_step"])
        for r in results
    ]
    chart = bar_rows(ratios, "steps per second, float32 in torch's default memory order = 1")
    settings = {"batch_size": given.batch_size, "steps": given.steps}
    finish(make_record("training", start, settings, results), chart, given)


def _in_own_process(method: str, precision: str, batch_size: int, steps: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one", method, precision]
    command += ["--batch-size", str(batch_size), "--steps", str(steps)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _print(results: list[dict[str, Any]]) -> None:
    heads = "method", "precision", "s/step", "images/s", "to plain", "of the peak", "memory GB"
    table = Table(*heads, box=None)
    plain = {r["method"]: r["seconds_a_step"] for r in results if r["precision"] == "plain"}
    for result in results:
        table.add_row(
            result["method"],
            result["precision"],
            f"{result['seconds_a_step']:.2f}",
            f"{result['images_a_second']:.1f}",
            f"{plain[result['method']] / result['seconds_a_step']:.2f} x",
            f"{100 * result['share_of_peak']:.0f} %",
            f"{result['memory_gb']:.1f}",
        )
    Console().print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--one", nargs=2, metavar=("METHOD", "PRECISION"), help=argparse.SUPPRESS)
    given = parse(parser)
    if given.one:
        method, precision = given.one
        print(json.dumps(measure(method, precision, given.batch_size, given.steps)))
    else:
        main(given)
