"""How does the speed grow with batch size and threads?

python benchmarks/scaling.py [MODEL] [--precision fp32] [--threads 1,2] [--seconds 12]
    [--json FILE] [--plot FILE]

The figures and the record are those of `lmk bench`.
"""

from __future__ import annotations

import argparse
from typing import Any

from output import finish, parse

from lmk.bench.bench import BenchOptions, run_bench
from lmk.bench.inputs import choose_samples
from lmk.bench.table import count_threads, print_record, table_console
from lmk.model.folder import find_model
from lmk.report.charts import Axis, Line, line_chart, round_axis
from lmk.system.machine import usable_cores
from lmk.system.progress import Reporter

BATCHES = (1, 2, 4, 8, 16, 32, 64)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="faces")
    parser.add_argument("--runtime", default="onnxruntime,openvino")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--threads", help="such as 1,2,4; default: powers of two, and all cores")
    parser.add_argument("--seconds", type=float, default=12, help="measuring time per row")
    given = parse(parser)
    options = BenchOptions(
        tuple(given.runtime.split(",")),
        tuple(given.precision.split(",")),
        BATCHES,
        tuple(map(int, given.threads.split(","))) if given.threads else doubled(),
        given.seconds,
        "cpu",
    )
    model = find_model(given.model)
    samples, calibration = choose_samples(None, None, model.architecture.input_size)
    record = run_bench(model, options, samples, calibration, Reporter()).record
    print_record(record, table_console())
    finish(record, chart([row for row in record["rows"] if row["measured"]]), given)


def doubled() -> tuple[int, ...]:
    """1, 2, 4 and so on, and all usable cores."""
    cores = len(usable_cores())
    return tuple(sorted({2**n for n in range(cores.bit_length()) if 2**n <= cores} | {cores}))


def chart(rows: list[dict[str, Any]]) -> str:
    """Pictures per second over the batch size, one line per runtime and number of threads."""
    lines = [
        Line(
            f"{row['runtime']} {row['precision']}, {count_threads(row['threads'])}",
            [(entry["batch"], entry["images_per_s"]) for entry in row["measured"]["throughput"]],
        )
        for row in rows
    ]
    highest = max(rate for line in lines for _, rate in line.xy)
    batch = Axis("batch", BATCHES[-1], BATCHES[3:])
    return line_chart(lines, batch, round_axis("pictures per second", highest))


if __name__ == "__main__":
    main()
