"""Seconds of an adaptation step by method and precision, all in one run.

python benchmarks/training.py [--batch-size 16] [--steps 4]
"""

from __future__ import annotations

import argparse
import platform
import time
from typing import get_args

import torch
from rich.console import Console
from rich.table import Table

from lmk.data.synthetic import draw
from lmk.networks.hourglass import Hourglass
from lmk.networks.perceptual import CoreFeatures
from lmk.training.adapt import AdaptLearner, AdaptOptions
from lmk.training.device import Compute, select_compute
from lmk.training.methods import Method, start_detector


def seconds(method: Method, batch_size: int, steps: int, compute: Compute) -> float:
    """Fastest of `steps` steps, forward, backward and update, after one to warm up."""
    core = Hourglass(10)
    options = AdaptOptions(batch_size=batch_size)
    crops = draw(batch_size, seed=0)[0]
    learner = AdaptLearner(
        crops, start_detector(method, core, 10), CoreFeatures(core), options, compute
    )
    times = []
    for step in range(steps + 1):
        began = time.perf_counter()
        learner.optimizer.zero_grad()
        learner.losses(step)["loss"].backward()  # type: ignore[no-untyped-call]
        learner.optimizer.step()
        if compute.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return min(times[1:])


def main(batch_size: int, steps: int) -> None:
    device = select_compute().device
    table = Table("method", "fp32 s/step", "bf16 s/step", "bf16 / fp32", box=None)
    for method in get_args(Method):
        fp32, bf16 = (
            seconds(method, batch_size, steps, Compute(device, precise))
            for precise in (False, True)
        )
        table.add_row(method, f"{fp32:.2f}", f"{bf16:.2f}", f"{bf16 / fp32:.2f}")
    console = Console()
    console.print(
        f"torch {torch.__version__}, {device}, {torch.get_num_threads()} threads, "
        f"{platform.machine()}, batch {batch_size}, K 10, perceptual features of the core"
    )
    console.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--steps", type=int, default=4)
    given = parser.parse_args()
    main(given.batch_size, given.steps)
