"""Records of `lmk bench` as they are, without measuring anything."""

from __future__ import annotations

from typing import Any

from lmk.bench.bench import _row
from lmk.bench.cases import Case
from lmk.bench.measure import distribution
from lmk.bench.operations import Cost
from lmk.bench.peaks import Peak
from lmk.bench.record import StartState, make_record
from lmk.bench.roofline import roofline
from lmk.bench.validate import problems

COST = Cost(2_051_751_936, 12_601_128, 6_219_786, 6_577_408)


def measured(
    case: Case, p50_ms: float, mean_px: float, layers: dict[str, int], batches=(1, 8, 64)
) -> dict[str, Any]:
    def times(scale: float) -> dict[str, Any]:
        return vars(distribution([scale * p50_ms * x for x in (0.9, 1, 1, 1, 1.5)]))

    stages = {"pre_processing": times(0.1), "inference": times(1), "decode": times(0.01)}
    if case.device == "cuda":
        stages |= {"host_to_device": times(0.05), "device_to_host": times(0.05)}
    condition = StartState().condition
    return {
        "description": "Some runtime",
        "landmarks": 10,
        "threads": case.threads,
        "cold_start": dict.fromkeys(
            ("imports_s", "load_s", "first_inference_s", "total_s"), 12.3456
        ),
        "warm_up": {"calls": 10, "seconds": 1.0, "slowest_ms": 99.0, "last_ms": 9.0},
        "stages_ms": stages | {"end_to_end": times(1.3)},
        "drift_percent": -12.5,
        "peak_memory_mb": 1234.5,
        "energy": [{"meter": "RAPL", "joules": 9.0, "watts": 15.0, "millijoules_a_frame": 4567.0}],
        "before": condition,
        "after": condition,
        "other_load_cores": 0.01,
        "disturbed": False,
        "throughput": [
            {"batch": n, "images_per_s": 12345.6, "peak_memory_mb": 1234.5} for n in batches
        ],
        "peak_gpu_memory_mb": 2345 if case.device == "cuda" else None,
        "accuracy": {
            "reference": "the torch network",
            "source": "drawn foxes",
            "images": 32,
            "mean_px": mean_px,
            "p99_px": 3 * mean_px,
            "max_px": 5 * mean_px,
        },
        "layers": layers,
    }


def row(
    case: Case, p50_ms: float = 20.0, mean_px: float = 1e-5, computed: str = "", batches=(1, 8, 64)
) -> dict[str, Any]:
    found = measured(case, p50_ms, mean_px, {computed or case.precision: 54, "fp32": 2}, batches)
    if (computed or case.precision) == "fp32":
        found["layers"] = {"fp32": 56}
    peak = Peak(case.device, computed or case.precision, case.threads, 2e11, "openvino")
    limit = roofline(COST, peak.precision, p50_ms, [12.0], peak, None)
    return _row(case, found, None) | {"roofline": vars(limit)}


def absent(case: Case, why: str) -> dict[str, Any]:
    return _row(case, None, why)


def bench_record(rows: list[dict[str, Any]], sha256: str = "ab" * 32) -> dict[str, Any]:
    peaks = [vars(Peak("cpu", p, None, 123.4e9, "openvino")) for p in ("fp32", "bf16", "int8")]
    record = make_record(
        "bench",
        StartState(),
        {
            "seconds": 1.0,
            "batches": [1, 8, 64],
            "frame_wh": [640, 480],
            "compared_on": "drawn foxes",
            "calibrated_on": "drawn foxes",
        },
        rows,
        model={"name": "faces", "sha256": sha256, "landmarks": 10},
        graph=vars(COST),
        peaks=peaks,
        bandwidths=[{"device": "cpu", "threads": None, "bytes_per_s": 2e10}],
    )
    assert problems(record) == []
    return record
