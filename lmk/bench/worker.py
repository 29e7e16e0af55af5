"""Measure one case in a separate process.

Modules that the first landmarks do not need are imported after them, so that the cold start is that
of a minimal program.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lmk.arrays import Images
from lmk.bench import gpu
from lmk.bench.process import Job, answer

if TYPE_CHECKING:
    from lmk.bench.inputs import Inputs
    from lmk.inference.backends.base import Backend


LATENCY_SHARE = 0.5  # of the measuring time; the rest is for the batches
WARM_UP_SHARE = 0.1


def measure_case(job: Job) -> dict[str, Any]:
    """Open the model, then measure its times, its memory and its landmarks.

    The job holds `started`, `model`, `runtime`, `device`, `threads`, `inputs` (a folder), `batches`
    and `seconds`. Raises LmkError when the runtime cannot run the model.
    """
    from lmk.inference.backends.select import open_backend

    gpu_before_mb = gpu.memory_used_mb()
    imported = time.time()
    backend = open_backend(job["model"], job["runtime"], job["device"], job["threads"])
    loaded = time.time()
    backend.infer(np.zeros((1, backend.input_size, backend.input_size, 3), np.uint8))
    first = time.time()
    cold_start = {
        "imports_s": imported - job["started"],
        "load_s": loaded - imported,
        "first_inference_s": first - loaded,
        "total_s": first - job["started"],
    }
    from lmk.bench.inputs import load_inputs

    inputs = load_inputs(Path(job["inputs"]))
    measured = _latency(backend, inputs.frames, job["seconds"])
    batches = _batches(backend, inputs.samples.crops, job)
    return {
        "description": backend.description,
        "landmarks": backend.num_landmarks,
        "threads": job["threads"],
        "cold_start": cold_start,
        **measured,
        "throughput": batches,
        "peak_gpu_memory_mb": _grown(gpu_before_mb, gpu.memory_used_mb()),
        "accuracy": _accuracy(backend, inputs),
        "layers": backend.layers(),
    }


def _latency(backend: Backend, frames: Images, seconds: float) -> dict[str, Any]:
    """Times and energy of single frames."""
    from lmk.bench.condition import Busy, condition, disturbed
    from lmk.bench.energy import measured
    from lmk.bench.measure import distribution, drift_percent, repeat, warm_up
    from lmk.bench.stages import timed_pass

    turn = cycle(frames)
    warm = warm_up(lambda: timed_pass(backend, next(turn)), WARM_UP_SHARE * seconds)
    passes: list[dict[str, float]] = []
    before, busy = condition(), Busy.now()

    def work() -> int:
        passes.extend(repeat(lambda: timed_pass(backend, next(turn)), LATENCY_SHARE * seconds))
        return len(passes)

    energy = measured(work)
    later = Busy.now()
    others = busy.others(later) if busy and later else None
    times = {stage: [one[stage] for one in passes] for stage in passes[0]}
    return {
        "warm_up": asdict(warm),
        "stages_ms": {stage: asdict(distribution(values)) for stage, values in times.items()},
        "drift_percent": drift_percent(times["end_to_end"]),
        "peak_memory_mb": peak_memory_mb(),
        "energy": [asdict(one) for one in energy],
        "before": before,
        "after": condition(),
        "other_load_cores": others,
        "disturbed": disturbed(others),
    }


def _batches(backend: Backend, crops: Images, job: Job) -> list[dict[str, Any]]:
    """Pictures per second by batch size, without pre-processing, and the memory used."""
    from lmk.bench.measure import calls_per_second

    found = []
    sizes = job["batches"]
    seconds = (1 - LATENCY_SHARE - WARM_UP_SHARE) * job["seconds"] / len(sizes)
    for size in sizes:
        images = np.resize(crops, (size, *crops.shape[1:]))
        rate = calls_per_second(partial(backend.infer, images), seconds)
        found.append(
            {"batch": size, "images_per_s": size * rate, "peak_memory_mb": peak_memory_mb()}
        )
    return found


def _accuracy(backend: Backend, inputs: Inputs) -> dict[str, Any]:
    """How far the landmarks lie from the float32 reference's, in input pixels."""
    from lmk.exporting.parity import compare
    from lmk.system.errors import WeightsError

    samples = inputs.samples
    actual = np.concatenate([backend.infer(crop[None]).places for crop in samples.crops])
    if not np.isfinite(actual).all():
        raise WeightsError("the landmarks are NaN: export the model again")
    found = compare(actual, inputs.expected, samples)
    return {
        "reference": inputs.reference,
        "source": found.source,
        "images": found.images,
        "mean_px": found.mean_px,
        "p99_px": found.p99_px,
        "max_px": found.max_px,
    }


def peak_memory_mb() -> float | None:
    """Peak memory of this process, in 10^6 bytes; None if unknown.

    On Linux from /proc: there the value of getrusage includes the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # bytes on macOS


def _grown(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else after - before


if __name__ == "__main__":
    answer(measure_case)
