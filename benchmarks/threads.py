"""How many more pictures per second does one Landmarker serve when several threads call it?

python benchmarks/threads.py [--model faces] [--runtime onnxruntime,openvino,torch]
    [--threads 1,2,4] [--seconds 6] [--json FILE] [--plot FILE]

Pictures are the demo's portrait. With a box each call is a crop and an inference; with a detector
the model's own detector searches the picture first. The numbers of threads alternate, and ratios
are to the first of them. Each runtime has its default number of threads inside, so that
one call may already use all cores.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from output import bar_rows, finish, parse, print_rows

from lmk import Landmarker
from lmk.bench.record import StartState, make_record
from lmk.data.photograph import photograph
from lmk.system.errors import LmkError

ROUNDS = 4
FACE_XYWH = (165.5, 62.0, 118.0, 118.0)


def rates(
    landmarker: Landmarker, box: tuple[float, ...] | None, counts: list[int], seconds: float
) -> dict[int, float]:
    """Calls per second by number of threads, measured in turns."""
    image = photograph()
    calls, elapsed_s = dict.fromkeys(counts, 0), dict.fromkeys(counts, 0.0)

    def work(end_s: float) -> int:
        count = 0
        while time.perf_counter() < end_s:
            landmarker(image, box)
            count += 1
        return count

    for turn in range(ROUNDS + 1):
        for threads in counts:
            with ThreadPoolExecutor(threads) as pool:
                start_s = time.perf_counter()
                ends = [start_s + seconds / ROUNDS] * threads
                done = sum(pool.map(work, ends))
                took_s = time.perf_counter() - start_s
            if turn:  # the first one is warm-up
                calls[threads] += done
                elapsed_s[threads] += took_s
    return {threads: calls[threads] / elapsed_s[threads] for threads in counts}


def measure(given: argparse.Namespace) -> list[dict[str, Any]]:
    """One row per runtime, way of finding the object, and number of threads."""
    counts, rows = list(map(int, given.threads.split(","))), list[dict[str, Any]]()
    for runtime in given.runtime.split(","):
        landmarker = Landmarker(given.model, runtime)
        for boxes, box in (("given", FACE_XYWH), ("detector", None)):
            found = rates(landmarker, box, counts, given.seconds)
            rows += [
                {
                    "runtime": runtime,
                    "boxes": boxes,
                    "threads": threads,
                    "calls_per_s": rate,
                    "ratio": rate / found[counts[0]],
                }
                for threads, rate in found.items()
            ]
    return rows


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="faces")
    parser.add_argument("--runtime", default="onnxruntime,openvino,torch")
    parser.add_argument("--threads", default="1,2,4", help="ratios are to the first one")
    parser.add_argument("--seconds", type=float, default=6, help="measuring time per row")
    given = parse(parser)
    start = StartState()
    rows = measure(given)
    heads = {"runtime": "", "boxes": "boxes", "threads": "threads"}
    print_rows(rows, heads | {"calls_per_s": "calls per s", "ratio": "times as many"})
    settings = {"model": given.model, "seconds": given.seconds, "threads": given.threads}
    record = make_record("threads", start, settings, rows)
    bars = [(f"{r['runtime']}, {r['boxes']}, {r['threads']}", float(r["ratio"])) for r in rows]
    finish(record, bar_rows(bars, "calls per second, relative to one thread"), given)


if __name__ == "__main__":
    try:
        main()
    except LmkError as error:
        sys.exit(f"error: {error}")
