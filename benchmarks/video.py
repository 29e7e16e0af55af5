"""Time a complete run on a 1080p file with one tracked object, and check that memory does not grow.

python benchmarks/video.py --model faces [--frames 300] [--long 100000] [--json FILE] [--plot FILE]

The model alone runs repeatedly on one crop; the complete run reads, tracks, crops, infers, smooths
and writes JSON Lines; decoding reads the same file and does nothing with it. They alternate in one
process, so that other load affects all. CPU time is that of all threads, minus the model's. The
long run has a model that needs no time, so that only lmk is measured.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from output import bar_rows, finish, parse, print_rows

from lmk.bench.record import StartState, make_record
from lmk.data.photograph import FACE_XY, photograph
from lmk.inference.backends.base import Backend, Inferred, Transfers, inferred
from lmk.inference.backends.select import open_backend
from lmk.model.framing import Framing
from lmk.model.points import NO_POINTS
from lmk.system.progress import Reporter
from lmk.video.context import RunContext
from lmk.video.open_models import prepare_model
from lmk.video.options import TrackOptions
from lmk.video.outputs import Outputs, run_into
from lmk.video.sources.base import Frame, Source
from lmk.video.sources.open import open_source
from lmk.video.stages import Stages

SIZE_WH = (1920, 1080)
FPS = 25.0
TURNS = 3
WARM_UP = 20


@dataclass(frozen=True)
class Figures:
    """The measurements; rates in frames per second, times in ms per frame, memory in 10^6 bytes."""

    backend: str
    cores: int
    bare_fps: float
    run_fps: float
    share: float
    decoding_fps: float
    share_of_decoding: float
    outside_cpu_ms: float
    of_it_reading_cpu_ms: float
    first_landmark_s: float
    peak_memory_mb: float
    long_frames: int
    long_growth_mb: float


def write_clip(path: Path, frames: int, size_wh: tuple[int, int] = SIZE_WH) -> None:
    """Write a face that moves through a frame, grows, shrinks and rotates."""
    image, unit = photograph(), size_wh[1] / SIZE_WH[1]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FPS, size_wh)
    for turn in np.linspace(0, 2 * np.pi, frames, endpoint=False):
        scale, angle = 2.2 * unit * np.exp(0.25 * np.sin(2 * turn)), np.radians(12 * np.sin(turn))
        cos, sin = scale * np.cos(angle), scale * np.sin(angle)
        linear = np.array([[cos, -sin], [sin, cos]])
        centre = unit * np.array([960 + 500 * np.sin(turn), 540 + 150 * np.sin(2 * turn)])
        matrix = np.column_stack([linear, centre - linear @ np.array(FACE_XY)])
        writer.write(
            cv2.warpAffine(
                image, matrix, size_wh, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
            )
        )
    writer.release()


@dataclass(frozen=True)
class Cost:
    """Seconds of the clock, and of all threads of this process together, for a number of frames."""

    frames: int
    wall_s: float
    cpu_s: float


class Meter:
    """Measures the block; `cost(frames)` after it."""

    def __enter__(self) -> Meter:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self._wall = time.perf_counter() - self._wall
        self._cpu = time.process_time() - self._cpu

    def cost(self, frames: int) -> Cost:
        """The cost of the block."""
        return Cost(frames, self._wall, self._cpu)


def bare(backend: Backend, crop: npt.NDArray[np.uint8], count: int) -> Cost:
    """The model alone, on one crop."""
    with Meter() as meter:
        for _ in range(count):
            backend.infer(crop)
    return meter.cost(count)


def reading(clip: Path) -> Cost:
    """Decoding the clip alone."""
    with Meter() as meter, open_source(str(clip)) as source:
        count = sum(1 for _ in source)
    return meter.cost(count)


def whole(backend: Backend, clip: Path, folder: Path, stages: Stages) -> Cost:
    """A run like `lmk run CLIP -o lines.jsonl`, without its start; adds to the stages."""
    if not (backend.framing and backend.framing.finder):
        raise SystemExit("this model names no detector: choose one that can be tracked")
    model = prepare_model("model", backend, TrackOptions(), still=False)
    outputs, context = Outputs([folder / "out.jsonl"]), RunContext(Reporter(), stages=stages)
    before = stages.frames
    with Meter() as meter, open_source(str(clip)) as source:
        run_into(outputs, [source], [model], context)
    return meter.cost(stages.frames - before)


def start(model: str, runtime: str, clip: Path, folder: Path) -> tuple[float, float]:
    """Seconds from the command to the first landmark on disk, and peak memory in MB."""
    lines = folder / "start.jsonl"
    command = [sys.executable, "-m", "lmk", "run", str(clip), "-m", model, "--runtime", runtime]
    began = time.perf_counter()
    process = subprocess.Popen([*command, "-o", str(lines), "--no-show"])
    while process.poll() is None and not (lines.exists() and lines.stat().st_size):
        time.sleep(0.005)
    first_s, peak_mb = time.perf_counter() - began, 0.0
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        for line in status.read_text().splitlines() if status.exists() else ():
            if line.startswith("VmHWM"):
                peak_mb = max(peak_mb, int(line.split()[1]) * 1024 / 1e6)
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return first_s, peak_mb


class Endless(Source):
    """Synthetic frames, as fast as they are consumed."""

    title, fps, size_wh, live, still = "synthetic", FPS, (320, 240), False, False

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.frame_count: int | None = None
        self.dropped = Counter[str]()
        self._frames = frames
        self._image = np.zeros((240, 320, 3), np.uint8)

    def __iter__(self) -> Iterator[Frame]:
        for index in range(self._frames):
            yield Frame(index, index / FPS, self._image.copy())

    def close(self) -> None:
        """Nothing is open."""


class Instant:
    """A model of ten landmarks in a ring that needs no time."""

    name = description = "instant"
    num_landmarks = 10
    input_size = 128
    framing: Framing | None = None
    points = NO_POINTS
    transfers: Transfers | None = None
    turns = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    ring = (64 + 30 * np.stack([np.cos(turns), np.sin(turns)], axis=1)).astype(np.float32)

    def infer(self, images: npt.NDArray[np.uint8]) -> Inferred:
        """See `Backend.infer`."""
        count = len(images)
        return inferred(self.ring[None].repeat(count, 0), np.full((count, 10), 0.9, np.float32))

    def layers(self) -> dict[str, int]:
        """It has none."""
        return {}


def growth_mb(frames: int, folder: Path) -> float:
    """Growth of resident memory between a tenth of a long run and its end."""
    model = prepare_model("instant", Instant(), TrackOptions("center"), still=False)
    outputs, stages, seen = Outputs([folder / "long.jsonl"]), Stages(), list[tuple[int, int]]()
    over = threading.Event()

    def look() -> None:
        seen.append((stages.frames, _resident_bytes()))

    def watch() -> None:
        while not over.wait(0.2):
            look()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        run_into(outputs, [Endless(frames)], [model], RunContext(Reporter(), stages=stages))
    finally:
        over.set()
        watcher.join()
    look()
    warm = [size for done, size in seen if done >= frames / 10]
    return (max(warm[len(warm) // 2 :]) - warm[0]) / 1e6


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def measure(
    model: str, runtime: str, frames: int, long: int, folder: Path, stages: Stages
) -> Figures:
    """Measure everything; the stages are those of the measured runs."""
    clip = folder / "clip.mp4"
    write_clip(clip, frames)
    backend = open_backend(model, runtime)
    crop = cv2.resize(photograph(), (128, 128))[None]
    bare(backend, crop, WARM_UP)
    whole(backend, clip, folder, Stages())
    alone, runs, decoding = [], [], []
    for _ in range(TURNS):
        alone.append(bare(backend, crop, frames))
        runs.append(whole(backend, clip, folder, stages))
        decoding.append(reading(clip))
    model_cost, run_cost, decode = (
        min(costs, key=lambda cost: cost.wall_s) for costs in (alone, runs, decoding)
    )
    first_s, peak_mb = start(model, runtime, clip, folder)
    bare_fps, run_fps, decoding_fps = (
        cost.frames / cost.wall_s for cost in (model_cost, run_cost, decode)
    )
    per_frame = [1000 * cost.cpu_s / cost.frames for cost in (model_cost, run_cost, decode)]
    return Figures(
        backend=backend.description,
        cores=os.cpu_count() or 0,
        bare_fps=round(bare_fps, 1),
        run_fps=round(run_fps, 1),
        share=round(run_fps / bare_fps, 2),
        decoding_fps=round(decoding_fps, 1),
        share_of_decoding=round(run_fps / decoding_fps, 2),
        outside_cpu_ms=round(per_frame[1] - per_frame[0], 2),
        of_it_reading_cpu_ms=round(per_frame[2], 2),
        first_landmark_s=round(first_s, 2),
        peak_memory_mb=round(peak_mb),
        long_frames=long,
        long_growth_mb=round(growth_mb(long, folder), 1) if long else 0.0,
    )


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="faces")
    parser.add_argument("--runtime", default="auto")
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument(
        "--long", type=int, default=100_000, help="frames of the long run; 0 for no long run"
    )
    given = parse(parser)
    start, stages = StartState(), Stages()
    options = given.model, given.runtime, given.frames, given.long
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(*options, Path(folder), stages)
    values = asdict(figures)
    rows = [{"figure": name.replace("_", " "), "value": value} for name, value in values.items()]
    print_rows(rows, {"figure": "", "value": ""})
    times = [{"stage": stage} | asdict(spread) for stage, spread in stages.spread().items()]
    heads = {"stage": "", "p50_ms": "p50 ms", "p95_ms": "p95 ms", "p99_ms": "p99 ms"}
    print_rows(times, heads, "Stages of a frame; reading runs in parallel with the others")
    settings = {"model": given.model, "runtime": given.runtime, "frames": given.frames}
    record = make_record("video", start, settings, [values], stages=times)
    bars = [(str(row["stage"]), float(row["p50_ms"])) for row in times]
    finish(record, bar_rows(bars, "median ms of each stage of a 1080p frame"), given)


if __name__ == "__main__":
    main()
