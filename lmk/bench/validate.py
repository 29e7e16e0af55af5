"""Check records that were sent in: python -m lmk.bench.validate FILE...

Prints one line a file, and each thing that is wrong below it; exit code 1 if anything is.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from lmk.bench.record import SCHEMA_VERSION

# What a value must be: a type, a tuple of possibilities, [what each entry is], {name: what it is},
# or {str: what each is}. A float may be written as an integer; None stands for itself.
Shape = Any

MAYBE_FLOAT = (float, None)
CONDITION: Shape = {
    "load_average": MAYBE_FLOAT,
    "free_memory_mb": (int, None),
    "governor": (str, None),
    "clock_mhz": MAYBE_FLOAT,
    "power_mode": (str, None),
    "temperature_c": MAYBE_FLOAT,
    "gpu": (dict, None),
}
ENVIRONMENT: Shape = {
    "chip": str,
    "features": [str],
    "cores": int,
    "usable_cores": [int],
    "processor_quota": MAYBE_FLOAT,
    "memory_mb": (int, None),
    "system": str,
    "virtual_machine": bool,
    "gpu": (dict, None),
    "variables": {str: str},
    "versions": {str: str},
}
RECORD: Shape = {
    "schema_version": int,
    "kind": str,
    "command": str,
    "date": str,
    "environment": ENVIRONMENT,
    "before": CONDITION,
    "after": CONDITION,
    "other_load_cores": MAYBE_FLOAT,
    "disturbed": (bool, None),
    "settings": dict,
    "rows": [dict],
}
TIMES: Shape = {
    "min": float,
    "p50": float,
    "p90": float,
    "p95": float,
    "p99": float,
    "mean": float,
    "std": float,
    "count": int,
}
MEASURED: Shape = {
    "description": str,
    "landmarks": int,
    "threads": (int, None),
    "cold_start": {
        "imports_s": float,
        "load_s": float,
        "first_inference_s": float,
        "total_s": float,
    },
    "warm_up": {"calls": int, "seconds": float, "slowest_ms": float, "last_ms": float},
    "stages_ms": {str: TIMES},
    "drift_percent": float,
    "peak_memory_mb": MAYBE_FLOAT,
    "energy": [{"meter": str, "joules": float, "watts": float, "millijoules_a_frame": float}],
    "before": CONDITION,
    "after": CONDITION,
    "other_load_cores": MAYBE_FLOAT,
    "disturbed": (bool, None),
    "throughput": [{"batch": int, "images_per_s": float, "peak_memory_mb": MAYBE_FLOAT}],
    "peak_gpu_memory_mb": (int, None),
    "accuracy": {
        "reference": str,
        "source": str,
        "images": int,
        "mean_px": float,
        "p99_px": float,
        "max_px": float,
    },
    "layers": {str: int},
}
ROOFLINE: Shape = {
    "operations": int,
    "bytes": int,
    "operations_per_s": float,
    "peak_operations_per_s": float,
    "share_of_peak": float,
    "share_of_peak_in_batches": float,
    "bound_per_s": float,
    "bound_by": str,
    "share_of_bound": float,
}
BENCH: Shape = RECORD | {
    "model": {"name": str, "sha256": str, "landmarks": int},
    "graph": {"macs": int, "other_operations": int, "weights": int, "activations": int},
    "peaks": [
        {
            "device": str,
            "precision": str,
            "threads": (int, None),
            "operations_per_s": float,
            "computed_by": str,
        }
    ],
    "bandwidths": [{"device": str, "threads": (int, None), "bytes_per_s": float}],
    "rows": [
        {
            "runtime": str,
            "device": str,
            "precision": str,
            "threads": (int, None),
            "why_not": (str, None),
            "measured": (MEASURED, None),
            "roofline": (ROOFLINE, None),
        }
    ],
}
MAY_BE_NEGATIVE = ("drift_percent", "temperature_c", "peak_gpu_memory_mb")
RISING = ("min", "p50", "p90", "p95", "p99")


def problems(record: Any) -> list[str]:
    """All that is wrong with a record, in words; empty if nothing is."""
    if not isinstance(record, dict):
        return ["no JSON object"]
    if record.get("schema_version") != SCHEMA_VERSION:
        return [f"schema_version is {record.get('schema_version')}, expected {SCHEMA_VERSION}"]
    bench = record.get("kind") == "bench"
    wrong = list(_misshapen(record, BENCH if bench else RECORD, "", closed=bench))
    wrong += _bad_numbers(record.get("rows"), "rows")
    if wrong:
        return wrong
    if not record["rows"]:
        wrong.append("rows is empty: nothing was measured")
    try:
        datetime.fromisoformat(record["date"])
    except ValueError:
        wrong.append(f"date is {record['date']}, expected one such as 2025-01-31T12:00:00+00:00")
    return wrong + (list(_contradictions(record)) if bench else [])


def _misshapen(value: Any, shape: Shape, where: str, closed: bool = True) -> Iterator[str]:
    """What does not have its shape; a closed one has no other names than those that are listed."""
    if isinstance(shape, tuple):
        if value is None and None in shape:
            return
        shape = shape[0]
    if isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{where} is no list"
            return
        for index, entry in enumerate(value):
            yield from _misshapen(entry, shape[0], f"{where}[{index}]")
    elif isinstance(shape, dict):
        yield from _misnamed(value, shape, where, closed)
    elif not _is(value, shape):
        yield f"{where} is {json.dumps(value)[:60]}, expected {shape.__name__}"


def _misnamed(value: Any, shape: dict[Any, Shape], where: str, closed: bool) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where or 'it'} is no object"
        return
    any_name = str in shape
    for name in () if any_name else shape.keys() - value.keys():
        yield f"{where}.{name} is missing".lstrip(".")
    for name, entry in value.items():
        inner = f"{where}.{name}".lstrip(".")
        if any_name or name in shape:
            yield from _misshapen(entry, shape[str if any_name else name], inner)
        elif closed:
            yield f"{inner} is unknown"


def _is(value: Any, kind: type) -> bool:
    if kind in (int, float) and isinstance(value, bool):
        return False
    return isinstance(value, (int, float) if kind is float else kind)


def _bad_numbers(value: Any, where: str) -> list[str]:
    """Numbers that no measurement gives: infinite, none, or below zero."""
    if isinstance(value, dict):
        return [w for name, entry in value.items() for w in _bad_numbers(entry, f"{where}.{name}")]
    if isinstance(value, list):
        return [w for i, entry in enumerate(value) for w in _bad_numbers(entry, f"{where}[{i}]")]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return []
    if not math.isfinite(value):
        return [f"{where} is {value}"]
    if value < 0 and not where.endswith(MAY_BE_NEGATIVE):
        return [f"{where} is {value}, below 0"]
    return []


def _contradictions(record: dict[str, Any]) -> Iterator[str]:
    """Figures that have the right types and cannot be true."""
    if len(record["model"]["sha256"]) != 64:
        yield "model.sha256 is no SHA-256"
    for index, row in enumerate(record["rows"]):
        where, measured = f"rows[{index}]", row["measured"]
        if (measured is None) == (row["why_not"] is None):
            yield f"{where} has neither or both of figures and a reason why there are none"
        if measured is None:
            continue
        for stage, times in measured["stages_ms"].items():
            ordered = [times[name] for name in RISING]
            if ordered != sorted(ordered):
                yield f"{where}.measured.stages_ms.{stage}: percentiles fall"
        stages = measured["stages_ms"]
        missing = {"pre_processing", "inference", "decode", "end_to_end"} - stages.keys()
        if missing:
            yield f"{where}.measured.stages_ms lacks {', '.join(sorted(missing))}"
        elif stages["inference"]["mean"] > stages["end_to_end"]["mean"]:
            yield f"{where}.measured: inference takes longer than the whole"
        if not measured["accuracy"]["images"]:
            yield f"{where}.measured.accuracy is of no images"


def main(files: list[str]) -> int:
    """Print the verdict on each file; 0 if all are good."""
    verdicts = []
    for file in files:
        try:
            found = problems(json.loads(Path(file).read_text()))
        except (OSError, ValueError) as error:
            found = [f"cannot be read: {error}"]
        print(f"{file}: {'good' if not found else f'{len(found)} problems'}")
        for problem in found:
            print(f"  {problem}")
        verdicts.append(not found)
    return 0 if verdicts and all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
