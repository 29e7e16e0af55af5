"""`run_bench`: measure every runtime and precision of a model, each in its own process."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lmk.artifact.onnx_model import GraphOptions, build_onnx
from lmk.bench.cases import Case, list_cases, prepare
from lmk.bench.inputs import FRAME_WH, make_inputs
from lmk.bench.operations import Cost, count
from lmk.bench.peaks import Limits
from lmk.bench.process import ProcessError, run_fresh
from lmk.bench.record import Record, StartState, make_record
from lmk.bench.roofline import roofline
from lmk.exporting.samples import Samples
from lmk.model.folder import Model
from lmk.system.errors import LmkError
from lmk.system.progress import Reporter

PEAK_S = 0.2  # for each matrix product, after each row


@dataclass(frozen=True)
class BenchOptions:
    """What to measure, and how long; empty choices mean all, `threads` None the runtime's default.

    `seconds` is the measuring time per row: a tenth to warm up, half for single frames, the rest
    for the batches.
    """

    runtimes: tuple[str, ...] = ()
    precisions: tuple[str, ...] = ()
    batches: tuple[int, ...] = (1, 8, 64)
    threads: tuple[int | None, ...] = (None,)
    seconds: float = 6.0
    device: str | None = None


@dataclass(frozen=True)
class Bench:
    """The record, and the file that each measured case ran.

    A file is None for a runtime that reads the model folder.
    """

    record: Record
    files: dict[Case, Path | None]


def run_bench(
    model: Model, options: BenchOptions, samples: Samples, calibration: Samples, report: Reporter
) -> Bench:
    """Measure; a case that cannot run here becomes a row with the reason.

    Files are exported to the user's cache first. samples: crops to compare landmarks on.
    calibration: crops to measure int8 ranges on. Raises UsageError, WeightsError, OutputError.
    """
    start = StartState()
    cases = list_cases(options.runtimes, options.precisions, options.threads, options.device)
    inputs = make_inputs(model, samples)
    files, why_not = _prepare(cases, model, options, samples, calibration, report)
    rows = {case: _row(case, None, why) for case, why in why_not.items()}
    with tempfile.TemporaryDirectory(prefix="lmk-") as folder, Limits(PEAK_S) as limits:
        inputs.save(Path(folder))
        with report.bar("measuring", len(files)) as bar:
            for case, file in files.items():
                row = rows[case] = _measure(case, file, model, Path(folder), options)
                _measure_limits(row, limits, report)
                bar.advance(note=f"{case.runtime} {case.precision}")
    measured = {case: row for case, row in rows.items() if row["measured"]}
    cost = count(build_onnx(model, GraphOptions(batch=1)))
    for row in measured.values():
        row["roofline"] = _hold(row, cost, limits)
    record = make_record(
        "bench",
        start,
        _settings(options, samples, calibration),
        [rows[case] for case in cases],
        model={
            "name": model.manifest.name,
            "sha256": model.sha256,
            "landmarks": model.manifest.num_landmarks,
        },
        graph=asdict(cost),
        peaks=[asdict(peak) for peak in limits.peaks],
        bandwidths=[asdict(bandwidth) for bandwidth in limits.bandwidths],
    )
    return Bench(record, {case: files[case] for case in measured})


def _prepare(
    cases: list[Case],
    model: Model,
    options: BenchOptions,
    samples: Samples,
    calibration: Samples,
    report: Reporter,
) -> tuple[dict[Case, Path | None], dict[Case, str]]:
    """Files of the cases that can run, and the reasons for the others."""
    files: dict[Case, Path | None] = {}
    why_not: dict[Case, str] = {}
    for case in cases:
        try:
            files[case] = prepare(case, model, options.batches, samples, calibration, report)
        except LmkError as error:
            why_not[case] = str(error)
    return files, why_not


def _measure(
    case: Case, file: Path | None, model: Model, inputs: Path, options: BenchOptions
) -> dict[str, Any]:
    job = {
        "model": str(file or model.reference),
        "runtime": case.runtime,
        "device": case.device,
        "threads": case.threads,
        "inputs": str(inputs),
        "batches": options.batches,
        "seconds": options.seconds,
    }
    try:
        return _row(case, run_fresh("lmk.bench.worker", job), None)
    except ProcessError as error:
        return _row(case, None, str(error))


def _row(case: Case, measured: dict[str, Any] | None, why_not: str | None) -> dict[str, Any]:
    why_not = why_not and why_not.replace(str(Path.home()), "~")  # records name no user
    return asdict(case) | {"why_not": why_not, "measured": measured, "roofline": None}


def computed_precision(measured: dict[str, Any]) -> str:
    """The precision that most convolutions of a measured row were really computed in."""
    layers: dict[str, int] = measured["layers"]
    return max(layers, key=lambda name: layers[name])


def _measure_limits(row: dict[str, Any], limits: Limits, report: Reporter) -> None:
    """Measure the peak of the row's device in the precision that the row is computed in."""
    if row["measured"] is None:
        return
    try:
        limits.measure(row["device"], row["threads"], computed_precision(row["measured"]))
    except ProcessError as error:
        report.say(f"no share of the peak: {error}")


def _hold(row: dict[str, Any], cost: Cost, limits: Limits) -> dict[str, Any] | None:
    """Compare a row with the limits of its device, in the precision that it is computed in."""
    device, threads, measured = row["device"], row["threads"], row["measured"]
    precision = computed_precision(measured)
    peak = limits.peak(device, threads, precision)
    if peak is None:
        return None
    rates = [entry["images_per_s"] for entry in measured["throughput"]]
    fastest_ms = measured["stages_ms"]["inference"]["min"]
    bandwidth = limits.bandwidth(device, threads)
    return asdict(roofline(cost, precision, fastest_ms, rates, peak, bandwidth))


def _settings(options: BenchOptions, samples: Samples, calibration: Samples) -> dict[str, Any]:
    return {
        "seconds": options.seconds,
        "batches": list(options.batches),
        "frame_wh": list(FRAME_WH),
        "compared_on": samples.source,
        "calibrated_on": calibration.source,
    }
