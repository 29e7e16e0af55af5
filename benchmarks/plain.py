"""Is lmk faster than the usual ways to run the same network? All alternate.

python benchmarks/plain.py [--seconds 10] [--busy] [--json FILE] [--plot FILE]

The first row, the reference of the ratios, is a plain `torch.onnx.export` in ONNX Runtime's default
session. All compute landmarks from one uint8 picture. OpenVINO's benchmark_app runs separately
after the others. With --busy another process keeps one core busy during the measurement.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from output import bar_rows, finish, parse, print_rows
from turns import Call, Contender, in_turns

from lmk.arrays import Images
from lmk.bench.cases import Case, prepare
from lmk.bench.inputs import choose_samples
from lmk.bench.record import StartState, make_record
from lmk.inference.backends.select import open_backend
from lmk.model.folder import Model, find_model
from lmk.system.errors import LmkError
from lmk.system.progress import Reporter

PLAIN = "torch.onnx.export, ONNX Runtime"
LMK = (
    Case("onnxruntime", "cpu", "fp32"),
    Case("openvino", "cpu", "fp32"),
    Case("openvino", "cpu", "bf16"),
    Case("onnxruntime", "cpu", "int8"),
    Case("openvino", "cpu", "int8"),
)


def torch_module(model: str) -> Any:
    """The network as a module from uint8 pictures to landmarks and scores."""
    import torch

    from lmk.networks.detect import find_landmarks
    from lmk.networks.load import load_network

    network, beta = load_network(model)

    class Detector(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return find_landmarks(self.network, beta, images)

    return Detector().eval()


def plain_export(model: str) -> Call:
    """Exactly as on the first page of the documentation."""
    import onnxruntime
    import torch

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "plain.onnx")
        images = torch.zeros(1, 128, 128, 3, dtype=torch.uint8)
        torch.onnx.export(
            torch_module(model), (images,), path, input_names=["images"], verbose=False
        )
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"images": images})


def in_torch(model: str, compiled: bool) -> Call:
    import torch

    module = torch_module(model)
    network = torch.compile(module) if compiled else module

    def call(images: Images) -> object:
        with torch.inference_mode():
            return network(torch.from_numpy(images))

    return call


def in_lmk(file: str, runtime: str) -> Call:
    return open_backend(file, runtime).infer


def prepared(model: Model, calibration_data: Path | None) -> dict[str, Contender | str]:
    """The files of lmk's rows, or the reason why there is none."""
    samples, calibration = choose_samples(None, calibration_data, model.architecture.input_size)
    found: dict[str, Contender | str] = {}
    for case in LMK:
        name = f"lmk, {case.runtime} {case.precision}"
        try:
            file = prepare(case, model, (1,), samples, calibration, Reporter())
            found[name] = (in_lmk, (str(file), case.runtime))
        except LmkError as error:
            found[name] = str(error)
    return found


def benchmark_app(file: str, seconds: float) -> dict[str, Any]:
    """Median latency that OpenVINO's own program finds for a file, without its silent bf16."""
    program = Path(sys.executable).with_name("benchmark_app")
    if not program.is_file():
        return {"why_not": "benchmark_app is not installed: pip install openvino"}
    with tempfile.TemporaryDirectory() as folder:
        command = [str(program), "-m", file, "-hint", "latency", "-api", "sync"]
        command += ["-data_shape", "images[1,128,128,3]", "-infer_precision", "f32"]
        command += ["-t", str(max(round(seconds), 1)), "-json_stats", "-report_folder", folder]
        command += ["-report_type", "no_counters"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        reports = list(Path(folder).glob("*.json"))
        if done.returncode or not reports:
            return {"why_not": (done.stderr or done.stdout).strip().splitlines()[-1]}
        results = json.loads(reports[0].read_text())["execution_results"]
    return {"p50": float(results["latency (ms)"])}  # the median, unless another is asked for


def spin() -> None:
    """Keep a core busy."""
    while True:
        pass


def measure(model: Model, given: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """All rows, by name; one that cannot run here has a `why_not`."""
    name = model.reference
    rows = prepared(model, given.calibration_data)
    contenders: dict[str, Contender] = {PLAIN: (plain_export, (name,))}
    contenders |= {row: entry for row, entry in rows.items() if not isinstance(entry, str)}
    contenders |= {
        "torch, eager": (in_torch, (name, False)),
        "torch.compile": (in_torch, (name, True)),
    }
    found = in_turns(contenders, given.seconds)
    found |= {row: {"why_not": entry} for row, entry in rows.items() if isinstance(entry, str)}
    for precision in ("fp32", "int8"):
        entry = rows[f"lmk, openvino {precision}"]
        if not isinstance(entry, str):
            app = benchmark_app(entry[1][0], given.seconds)
            found[f"benchmark_app, openvino {precision}"] = app
    return found


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="faces")
    parser.add_argument("--seconds", type=float, default=10, help="measuring time per row")
    parser.add_argument("--calibration-data", type=Path, help="photographs, for int8")
    parser.add_argument(
        "--busy", action="store_true", help="keep one core busy during the measurement"
    )
    given = parse(parser)
    start = StartState()
    other = multiprocessing.get_context("spawn").Process(target=spin, daemon=True)
    if given.busy:
        other.start()
    measured = measure(find_model(given.model), given)
    if given.busy:
        other.kill()
        other.join()
    base = measured[PLAIN].get("p50")
    rows = [
        {"way": name, "times_as_fast": base / figures["p50"] if base and "p50" in figures else None}
        | figures
        for name, figures in measured.items()
    ]
    heads = {"way": "", "p50": "p50 ms", "p99": "p99 ms", "times_as_fast": "times as fast"}
    print_rows(rows, heads | ({"why_not": "why not"} if any("why_not" in r for r in rows) else {}))
    settings = {"model": given.model, "seconds": given.seconds, "busy": given.busy}
    bars = [(name, figures["p50"]) for name, figures in measured.items() if "p50" in figures]
    chart = bar_rows(bars, "median time of one picture, ms")
    finish(make_record("plain", start, settings, rows), chart, given)


if __name__ == "__main__":
    main()
