"""Which runtime and precision is fastest here, and how exact is it? `lmk bench`, with a chart.

python benchmarks/runtimes.py [MODEL] [--seconds 6] [--json FILE] [--plot FILE]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from output import bar_rows, finish, parse

from lmk.bench.bench import BenchOptions, run_bench
from lmk.bench.inputs import choose_samples
from lmk.bench.table import print_record, table_console
from lmk.model.folder import find_model
from lmk.system.errors import LmkError
from lmk.system.progress import Reporter


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="faces")
    parser.add_argument("--seconds", type=float, default=6, help="measuring time per row")
    parser.add_argument("--calibration-data", type=Path, help="photographs, for int8")
    given = parse(parser)
    model = find_model(given.model)
    size = model.architecture.input_size
    samples, calibration = choose_samples(None, given.calibration_data, size)
    options = BenchOptions(seconds=given.seconds)
    record = run_bench(model, options, samples, calibration, Reporter()).record
    print_record(record, table_console())
    bars = [
        (f"{row['runtime']} {row['device']} {row['precision']}", _p50(row))
        for row in record["rows"]
        if row["measured"]
    ]
    finish(record, bar_rows(bars, "median inference of one picture, ms"), given)


def _p50(row: dict[str, object]) -> float:
    measured = row["measured"]
    assert isinstance(measured, dict)
    return float(measured["stages_ms"]["inference"]["p50"])


if __name__ == "__main__":
    try:
        main()
    except LmkError as error:
        sys.exit(f"error: {error}")
