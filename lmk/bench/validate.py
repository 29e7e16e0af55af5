"""Check contributed records: python -m lmk.bench.validate FILE...

Prints one line per file, and each problem below it; exit code 1 if there are any.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

from lmk.bench.record import SCHEMA_VERSION
from lmk.bench.schema import AnyRecord, BenchRecord
from lmk.system.schema import SchemaError, parse_json, read_as

MAY_BE_NEGATIVE = ("drift_percent", "temperature_c", "peak_gpu_memory_mb")
RISING = ("min", "p50", "p90", "p95", "p99")


def problems(record: Any) -> list[str]:
    """All problems of a record, in words; empty if there are none."""
    if not isinstance(record, dict):
        return ["not a JSON object"]
    if record.get("schema_version") != SCHEMA_VERSION:
        return [f"schema_version is {record.get('schema_version')}, expected {SCHEMA_VERSION}"]
    bench = record.get("kind") == "bench"
    try:
        read_as(BenchRecord if bench else AnyRecord, record if bench else _shared(record))
        wrong = []
    except SchemaError as error:
        wrong = error.problems
    wrong = list(dict.fromkeys(wrong + _bad_numbers(record.get("rows"), "rows")))
    if wrong:
        return wrong
    if not record["rows"]:
        wrong.append("rows is empty: nothing was measured")
    try:
        datetime.fromisoformat(record["date"])
    except ValueError:
        wrong.append(f"date is {record['date']}, expected one such as 2025-01-31T12:00:00+00:00")
    return wrong + (list(_contradictions(record)) if bench else [])


def _shared(record: dict[str, Any]) -> dict[str, Any]:
    """The common part of all records."""
    names = {field.name for field in fields(AnyRecord)}
    return {name: value for name, value in record.items() if name in names}


def _bad_numbers(value: Any, where: str) -> list[str]:
    """Impossible numbers: infinite, NaN, or below zero."""
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
    """Figures with the right types and impossible values."""
    if len(record["model"]["sha256"]) != 64:
        yield "model.sha256 is not a SHA-256"
    for index, row in enumerate(record["rows"]):
        where, measured = f"rows[{index}]", row["measured"]
        if (measured is None) == (row["why_not"] is None):
            yield f"{where} must have either measured or why_not"
        if measured is None:
            continue
        for stage, times in measured["stages_ms"].items():
            ordered = [times[name] for name in RISING]
            if ordered != sorted(ordered):
                yield f"{where}.measured.stages_ms.{stage}: percentiles decrease"
        stages = measured["stages_ms"]
        missing = {"pre_processing", "inference", "decode", "end_to_end"} - stages.keys()
        if missing:
            yield f"{where}.measured.stages_ms lacks {', '.join(sorted(missing))}"
        elif stages["inference"]["mean"] > stages["end_to_end"]["mean"]:
            yield f"{where}.measured: inference takes longer than end to end"
        if not measured["accuracy"]["images"]:
            yield f"{where}.measured.accuracy has 0 images"


def main(files: list[str]) -> int:
    """Print the result for each file; 0 if all are good."""
    verdicts = []
    for file in files:
        try:
            found = problems(parse_json(Path(file).read_text()))
        except (OSError, ValueError) as error:
            found = [f"cannot be read: {error}"]
        print(f"{file}: {'good' if not found else f'{len(found)} problems'}")
        for problem in found:
            print(f"  {problem}")
        verdicts.append(not found)
    return 0 if verdicts and all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
