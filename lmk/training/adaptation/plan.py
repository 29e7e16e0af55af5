"""The plan of a training: what it does, and its time and memory on this machine."""

from __future__ import annotations

import sys
import time

import torch

from lmk.training.adaptation.learner import AdaptLearner
from lmk.training.adaptation.methods import count_learnable
from lmk.training.device import Compute
from lmk.training.loop import step

TIMED_STEPS = 3


def make_plan(learner: AdaptLearner) -> str:
    """Describe an adaptation in a few lines, from a few real steps that are not kept."""
    options, compute, images = learner.options, learner.compute, len(learner.views.crops)
    steps, batch = options.steps, options.batch_size
    learnable, frozen = count_learnable(learner.network)
    generator = "none, without --reconstruction"
    if "generator" in learner.modules:
        parameters = sum(count_learnable(learner.modules["generator"]))
        generator = f"{parameters:,} parameters, used in training only"
    seconds = _seconds_per_step(learner, compute)
    minutes = steps * seconds / 60
    rows = [
        ("method", options.method),
        ("network", f"{learnable:,} parameters learnable, {frozen:,} frozen"),
        ("generator", generator),
        ("pictures", f"{images:,}, seen {steps * batch / images:.1f} times each"),
        ("steps", f"{steps:,} of {batch} pairs"),
        ("device", compute.describe()),
        (
            "time",
            f"{_duration(minutes)}: {seconds:.2f} s per step, fastest of {TIMED_STEPS}",
        ),
        ("memory", f"{_memory(compute)} at most in these steps, with the pictures"),
    ]
    return "\n".join(f"{name:<10} {text}" for name, text in rows)


def _seconds_per_step(learner: AdaptLearner, compute: Compute) -> float:
    times = []
    last = learner.options.steps - 1  # with reconstruction, whenever that starts
    for _ in range(TIMED_STEPS + 1):  # the first one warms up
        began = time.perf_counter()
        step(learner, last, rate=0.0)
        if compute.device.type == "cuda":
            torch.cuda.synchronize(compute.device)
        times.append(time.perf_counter() - began)
    return min(times[1:])


def _memory(compute: Compute) -> str:
    if compute.device.type == "cuda":
        return f"{torch.cuda.max_memory_allocated(compute.device) / 1e9:.1f} GB of the device"
    if sys.platform == "win32":
        return "not measured on Windows"
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9:.1f} GB"


def _duration(minutes: float) -> str:
    if minutes < 1:
        return f"{60 * minutes:.0f} s"
    hours, rest = divmod(round(minutes), 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"
