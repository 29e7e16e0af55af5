"""Time exported files against the plain float32 export in ONNX Runtime's default session.

python benchmarks/inference.py DIR/faces.onnx DIR/faces-int8.xml ... [--busy]

Frame by frame in turns, so that other work on the machine meets all alike; ratios are to the first
row. With --busy a second process keeps one core busy all the while.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from lmk.export.onnx_model import GraphOptions, build_onnx, save_onnx
from lmk.export.samples import drawn_samples
from lmk.model.folder import find_model
from lmk.runtime.backends.select import READERS, open_backend

Images = npt.NDArray[np.uint8]
WARM_UP = 10


def measure(calls: dict[str, Callable[[Images], object]], frames: int) -> dict[str, list[float]]:
    """Milliseconds of every call on one picture, in turns."""
    image = drawn_samples(1).crops
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(WARM_UP + frames):
        for name, call in calls.items():
            start = time.perf_counter()
            call(image)
            if turn >= WARM_UP:
                times[name].append(1000 * (time.perf_counter() - start))
    return times


def default_session(folder: Path) -> Callable[[Images], object]:
    """The plain hourglass, batch norms and all, as a user of ONNX Runtime would run it."""
    path = folder / "plain.onnx"
    save_onnx(build_onnx(find_model("faces"), GraphOptions(fold_projections=True)), path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda image: session.run(["landmarks", "scores"], {"images": image})


def spin() -> None:
    """Keep a core busy."""
    while True:
        pass


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--busy", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        calls = {"ONNX Runtime's default session, float32": default_session(Path(folder))}
        for file in given.files:
            for runtime in READERS[file.suffix]:
                backend = open_backend(str(file), runtime)
                calls[f"{file.name}: {backend.description}"] = backend.infer
        other = multiprocessing.get_context("spawn").Process(target=spin, daemon=True)
        if given.busy:
            other.start()
        times = measure(calls, given.frames)
        if given.busy:
            other.kill()
    base = next(iter(times.values()))
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print("| file | median ms | p99 ms | median ratio | p99 ratio |\n|---|---|---|---|---|")
    for name, values in times.items():
        median, p99 = np.median(values), np.percentile(values, 99)
        ratios = median / np.median(base), p99 / np.percentile(base, 99)
        print(f"| {name} | {median:.1f} | {p99:.1f} | {ratios[0]:.2f} | {ratios[1]:.2f} |")


if __name__ == "__main__":
    main()
