"""lmk's networks on a GPU: peaks, inference and how far its landmarks differ, training steps.

python benchmarks/gpu.py [-o FILE] [--only PATTERN] [--seconds 1] [--device cpu --quick]

A row is a figure with its repeats, median and spread (between the quartiles), or the reason why
there is none. Shares are relative to the fastest matrix product here in the same precision.
Landmarks are compared with those of the float32 network on the CPU; a row whose largest distance is
above its limit has no times. Needs torch, but neither rich nor an installed lmk: see
tools/gpu-check.sh.
"""

from __future__ import annotations

import argparse
import math
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatch
from functools import cache, partial
from itertools import count, product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.flop_counter import FlopCounterMode

from lmk.arrays import FloatArray
from lmk.bench.cases import Case, prepare
from lmk.bench.measure import repeat
from lmk.bench.products import COPY_BYTES, copy, products
from lmk.bench.record import StartState, make_record, write_record
from lmk.data.synthetic import draw
from lmk.exporting.parity import compare
from lmk.exporting.samples import Samples, drawn_samples
from lmk.inference.backends.select import open_backend
from lmk.inference.backends.tensorrt_bindings import load_bindings
from lmk.model.folder import find_model
from lmk.networks.detect import detect, find_landmarks
from lmk.networks.load import load_network
from lmk.networks.perceptual import core_features
from lmk.system.errors import UnavailableError
from lmk.system.progress import Reporter
from lmk.training.adaptation.learner import AdaptLearner
from lmk.training.adaptation.methods import start_network
from lmk.training.device import Compute, select_compute
from lmk.training.loop import step
from lmk.training.options import Method, preset

Row = dict[str, Any]
Images = npt.NDArray[np.uint8]

CORE, MODEL = "core-pose", "faces"
PEAKS = ("fp32", "tf32", "bf16", "fp16")
LIMITS_PX = {"fp32": 0.25, "tf32": 0.5, "fp16": 0.5}
RUNTIMES = {
    "cpu": (("onnxruntime", "fp32"),),
    "cuda": (
        *(("onnxruntime", "fp32"), ("onnxruntime", "fp16")),
        *(("tensorrt", "fp16"), ("tensorrt-rtx", "fp16")),
    ),
}
METHODS: tuple[Method, ...] = ("projection", "finetune")
DRAWN = 48  # foxes; larger batches repeat them
ROW_LIMIT_S = 60.0
SMI = "name,driver_version,clocks.sm,clocks.max.sm,clocks.mem,power.draw,power.limit"
SMI += ",temperature.gpu,utilization.gpu,memory.used,memory.total,mig.mode.current"


SIZE = 128  # the shipped models' input, px


class Bench:
    """Measures rows on one device, each for a minimum of seconds and calls."""

    def __init__(self, device: str, seconds: float, least: int, crops: int = 32) -> None:
        self.device, self.seconds, self.least, self.crops = device, seconds, least, crops
        self.peaks: dict[str, float | None] = {}

    def product(self, precision: str) -> Row:
        """A large matrix product in the fastest runtime."""
        self.require(precision != "fp32", precision)
        tf32 = precision == "tf32"
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        try:
            rows = [
                summary("TFLOP/s", [one.operations / ms / 1e9 for ms, _ in self.timed(one.call)])
                | {"computed_by": one.computed_by, "operations": one.operations}
                for one in products(self.device, "fp32" if tf32 else precision, None)
            ]
        finally:
            torch.set_float32_matmul_precision("highest")
            products.cache_clear()
        if not rows:
            raise UnavailableError(f"nothing installed multiplies in {precision} here")
        return max(rows, key=lambda row: float(row["median"]))

    def copy(self) -> Row:
        """A copy within the device's memory, bytes read and bytes written."""
        call = copy(self.device, None)
        assert call is not None
        moved = 2 * COPY_BYTES[self.device]
        return summary("GB/s", [moved / ms / 1e6 for ms, _ in self.timed(call)])

    def network(self, precision: str, batch: int, graphs: bool) -> Row:
        """The folded hourglass with its softargmax; pictures and landmarks stay on the device."""
        self.require(precision != "fp32", precision)
        self.require(graphs, "a CUDA graph")
        images = torch.zeros(batch, SIZE, SIZE, 3, dtype=torch.uint8).to(self.device)
        call, operations = landmarks(images, precision)
        call = captured(call) if graphs else call

        def infer(crops: Images) -> FloatArray:
            images.copy_(torch.from_numpy(crops))
            found: FloatArray = call().cpu().numpy()
            return found

        found = self.inference(infer, call, precision, batch)
        return found | self.share(operations, precision, found)

    def runtime(self, runtime: str, precision: str, batch: int, sizes: Sequence[int]) -> Row:
        """An exported model by one of lmk's backends; on a GPU without the copies."""
        if runtime == "onnxruntime":  # which says at once when it has no such device
            backend = open_backend(MODEL, runtime, self.device)
        else:  # so does its package
            load_bindings(runtime)  # type: ignore[arg-type]
        if (runtime, precision) != ("onnxruntime", "fp32"):
            case = Case(runtime, self.device, precision)
            samples = drawn(self.crops)
            file = prepare(case, find_model(MODEL), sizes, samples, samples, Reporter())
            backend = open_backend(str(file), runtime, self.device)
        crops = np.resize(drawn(self.crops).crops, (batch, SIZE, SIZE, 3))
        call: Callable[[], object] = partial(backend.infer, crops)
        if backend.transfers:
            backend.transfers.upload(crops)
            call = backend.transfers.compute
        found = self.inference(lambda part: backend.infer(part)[0].copy(), call, precision, batch)
        return found | {"description": backend.description}

    def inference(
        self,
        infer: Callable[[Images], FloatArray],
        call: Callable[[], object],
        precision: str,
        batch: int,
    ) -> Row:
        """The difference of the landmarks, and times unless it is above the limit."""
        crops, wanted = drawn(self.crops).crops, expected(self.crops)
        parts = [
            infer(np.resize(crops[start : start + batch], (batch, *crops.shape[1:])))
            for start in range(0, len(crops), batch)
        ]
        actual = np.concatenate(parts)[: len(crops)]
        if not np.isfinite(actual).all():
            return {"why_not": "the landmarks are NaN"}
        parity, limit = compare(actual, wanted, drawn(self.crops)), LIMITS_PX[precision]
        drift = {"drift_mean_px": parity.mean_px, "drift_max_px": parity.max_px}
        if parity.max_px > limit:
            return drift | {"why_not": f"differs by {parity.max_px:.2f} px, limit {limit} px"}
        clock, own = zip(*self.timed(call), strict=True)
        found = summary("ms", own if self.device == "cuda" else clock)
        rate = 1000 * batch / found["median"]
        return found | {"wall_ms": summary("ms", clock), "images_per_s": rate} | drift

    def training(self, method: Method, precision: str, batch: int, compiled: bool = False) -> Row:
        """A step of `lmk train`: drawing the views, forward, backward, update."""
        self.require(precision != "fp32", precision)
        self.require(compiled, "torch.compile")
        compute = select_compute(self.device, precision, compiled)
        eager = make_learner(method, batch, replace(compute, compiled=False))
        with FlopCounterMode(display=False) as counter:
            step(eager, 0)
        learner = make_learner(method, batch, compute) if compiled else eager
        del eager
        self.forget()
        numbers = count(1)
        losses: dict[str, torch.Tensor] = {}

        def call() -> None:
            losses.update(step(learner, next(numbers) % learner.options.steps))

        began = time.perf_counter()
        call()
        loss = float(losses["loss"])
        first_s = time.perf_counter() - began
        found = summary("ms", [ms for ms, _ in self.timed(call)])
        if not math.isfinite(loss + float(losses["loss"])):
            return {"why_not": "the loss is NaN"}
        exact = self.device == "cpu" or not torch.backends.cudnn.allow_tf32
        computed = "tf32" if precision == "fp32" and not exact else precision
        memory = torch.cuda.max_memory_allocated() / 1e9 if self.device == "cuda" else None
        return found | {
            "images_per_s": 1000 * batch / found["median"],
            "first_step_s": first_s,
            "memory_gb": memory,
            **self.share(counter.get_total_flops(), computed, found),
        }

    def require(self, gpu: bool, what: str) -> None:
        if gpu and self.device == "cpu":
            raise UnavailableError(f"{what} is only measured on a GPU")

    def timed(self, call: Callable[[], object]) -> list[tuple[float, float]]:
        """Milliseconds of each call by the clock and by the GPU, after some that do not count."""
        cuda = self.device == "cuda"

        def once() -> tuple[float, float]:
            start = time.perf_counter()
            if not cuda:
                call()
                return (1000 * (time.perf_counter() - start),) * 2
            first = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            last = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            first.record()
            call()
            last.record()
            torch.cuda.synchronize()
            clock = 1000 * (time.perf_counter() - start)
            return clock, first.elapsed_time(last)

        repeat(once, 0, self.least - 1)
        return repeat(once, self.seconds, self.least)

    def share(self, operations: int, precision: str, found: Row) -> Row:
        """Operations per second of the median call, and their share of the peak."""
        if "median" not in found:
            return {}
        if precision not in self.peaks:
            try:
                self.peaks[precision] = self.product(precision)["max"]
            except UnavailableError:
                self.peaks[precision] = None
        rate, peak = operations / found["median"] / 1e9, self.peaks[precision]
        share = {} if peak is None else {"share_of_peak": rate / peak, "peak": precision}
        return {"gflop": operations / 1e9, "tflop_per_s": rate, **share}

    def forget(self) -> None:
        """Free memory of earlier rows on the GPU."""
        if self.device == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()


@cache
def drawn(number: int) -> Samples:
    return drawn_samples(SIZE, number)


@cache
def expected(number: int) -> FloatArray:
    return detect(*load_network(MODEL), drawn(number).crops)[0]


@cache
def foxes(number: int) -> Images:
    return draw(number, seed=0)[0]


def landmarks(images: torch.Tensor, precision: str) -> tuple[Callable[[], torch.Tensor], int]:
    """A function that finds the landmarks of uint8 pictures (B, 128, 128, 3); its operations."""
    network, beta = load_network(MODEL)
    dtype = torch.float16 if precision == "fp16" else torch.float32
    network.to(images.device, dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def call() -> torch.Tensor:
        # cuDNN's convolutions are float32 only without TF32, which is torch's default.
        factors = torch.backends.cudnn.flags(enabled=True, allow_tf32=precision == "tf32")
        with torch.inference_mode(), factors:
            return find_landmarks(network, beta, images)[0]

    with FlopCounterMode(display=False) as counter:
        call()
    return call, counter.get_total_flops()


def captured(call: Callable[[], torch.Tensor]) -> Callable[[], torch.Tensor]:
    """The same as a CUDA graph, which is started at once rather than kernel by kernel."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            call()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = call()

    def replay() -> torch.Tensor:
        graph.replay()
        return found

    return replay


def make_learner(method: Method, batch: int, compute: Compute) -> AdaptLearner:
    options = replace(preset("fast", method), batch_size=batch)
    core = load_network(CORE)[0]
    detector = start_network(method, core, options.keypoints)
    some = foxes(min(batch, DRAWN))
    crops = np.resize(some, (batch, *some.shape[1:]))
    return AdaptLearner(crops, detector, core_features(core), options, compute)


def summary(unit: str, values: Sequence[float]) -> Row:
    low, median, high = np.percentile(values, (25, 50, 75)).tolist()
    found = {"unit": unit, "repeats": len(values), "median": median, "spread": high - low}
    return found | {"min": float(min(values)), "max": float(max(values))}


def rows_of(bench: Bench, quick: bool) -> dict[str, Callable[[], Row]]:
    """All rows by name; the longest ones are last."""
    batches, sizes = ((2,), (1, 4)) if quick else ((16, 48, 256), (1, 64))
    rows: dict[str, Callable[[], Row]] = {f"product {p}": partial(bench.product, p) for p in PEAKS}
    rows["copy"] = bench.copy
    for precision, size, graphs in product(LIMITS_PX, sizes, (False, True)):
        name = f"network {precision} batch {size} {'graph' if graphs else 'eager'}"
        rows[name] = partial(bench.network, precision, size, graphs)
    for (runtime, precision), size in product(RUNTIMES[bench.device], sizes):
        name = f"{runtime} {precision} batch {size}"
        rows[name] = partial(bench.runtime, runtime, precision, size, sizes)
    for method, batch, precision in product(METHODS, batches, ("fp32", "bf16")):
        name = f"train {method} {precision} batch {batch}"
        rows[name] = partial(bench.training, method, precision, batch)
    batch = min(batches[-1], 48)
    name = f"train projection bf16 batch {batch} compiled"
    rows[name] = partial(bench.training, "projection", "bf16", batch, compiled=True)
    return rows


def measure(work: Callable[[], Row], seconds: float) -> Row:
    """A row, or the reason why there is none."""
    if seconds <= 0:
        return {"why_not": "no time was left"}
    began = time.perf_counter()
    try:
        with at_most(seconds):
            found = work()
    except Exception as error:  # whatever a driver, compiler or runtime raises is the finding
        found = {"why_not": " ".join(f"{type(error).__name__}: {error}".split())[:400]}
    return found | {"took_s": time.perf_counter() - began}


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError(f"took over {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def smi() -> dict[str, str] | None:
    """The state of the first GPU from nvidia-smi; None without it."""
    command = ["nvidia-smi", "--id=0", f"--query-gpu={SMI}", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return dict(zip(SMI.split(","), done.stdout.strip().split(", "), strict=False))


def about_torch() -> dict[str, Any]:
    here = torch.cuda.is_available()
    cudnn = torch.backends.cudnn.version() if here else None  # type: ignore[no-untyped-call]
    name = torch.cuda.get_device_name() if here else None
    return {"torch": torch.__version__, "cuda": torch.version.cuda, "cudnn": cudnn, "gpu": name}


def told(row: Row) -> str:
    if "median" not in row:
        return f"{row['name']}: none, {row['why_not']}"
    more = {key: row.get(key) for key in ("images_per_s", "share_of_peak", "drift_max_px")}
    text = "".join(f"  {key} {value:.3g}" for key, value in more.items() if value is not None)
    return f"{row['name']}: {row['median']:.4g} {row['unit']} ± {row['spread']:.2g}{text}"


def main() -> None:
    """Measure row by row; the record is written after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--json", type=Path, help="JSON file for the figures and the record")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--only", default="*", help="rows by name; * stands for anything")
    parser.add_argument("--seconds", type=float, default=1.0, help="measuring time per row")
    parser.add_argument("--limit", type=float, default=150, help="seconds of the complete run")
    parser.add_argument("--quick", action="store_true", help="small batches, few repeats: a test")
    given = parser.parse_args()
    began, start, before = time.perf_counter(), StartState(), smi()
    bench = Bench(given.device, *((0, 1, 8) if given.quick else (given.seconds, 5)))
    if given.quick:
        torch.set_num_threads(1)  # several wait for one another where other programs take cores
    if given.device == "cuda" and not torch.cuda.is_available():
        parser.exit(
            4, f"torch {torch.__version__} finds no CUDA device: try --device cpu --quick\n"
        )
    command = ["python", "benchmarks/gpu.py", "--device", given.device]
    command += ["--quick"] if given.quick else ["--seconds", f"{given.seconds:g}"]
    settings = {"device": given.device, "seconds": bench.seconds, "quick": given.quick}
    rows: list[Row] = []
    for name, work in rows_of(bench, given.quick).items():
        if not fnmatch(name, given.only):
            continue
        bench.forget()
        left = given.limit - (time.perf_counter() - began)
        row = measure(work, min(left, ROW_LIMIT_S))
        row = {"name": name, "command": shlex.join([*command, "--only", name]), **row}
        if name.startswith("product") and "max" in row:
            bench.peaks[name.split()[1]] = row["max"]
        rows.append(row)
        print(told(row), flush=True)
        if given.json:
            more = {"torch": about_torch(), "nvidia_smi": {"before": before, "after": smi()}}
            write_record(make_record("gpu", start, settings, rows, **more), given.json)


if __name__ == "__main__":
    main()
