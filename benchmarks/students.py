"""How much faster are students than a plain export of their teacher? All alternate.

python benchmarks/students.py [--teacher faces] [--students faces-small,faces-tiny] [--seconds 10]
    [--calibration-data PHOTOGRAPHS] [--json FILE] [--plot FILE]

The first row, the reference of the ratios, is a plain `torch.onnx.export` of the folded teacher in
ONNX Runtime's default session. All compute landmarks from one uint8 picture.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from output import bar_rows, finish, parse, print_rows
from plain import PLAIN, plain_export, prepared
from turns import Contender, in_turns, relative

from lmk.bench.record import StartState, make_record
from lmk.model.folder import find_model


def measure(given: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """All rows, by name; one that cannot run here has a `why_not`."""
    rows: dict[str, Contender | str] = {}
    for student in given.students.split(","):
        ways = prepared(find_model(student), given.calibration_data)
        rows |= {name.replace("lmk", student): entry for name, entry in ways.items()}
    run = {name: entry for name, entry in rows.items() if not isinstance(entry, str)}
    found = in_turns({PLAIN: (plain_export, (given.teacher,)), **run}, given.seconds)
    return found | {name: {"why_not": why} for name, why in rows.items() if isinstance(why, str)}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher", default="faces", help="the model that the students learned")
    parser.add_argument("--students", default="faces-small,faces-tiny", help="with commas")
    parser.add_argument("--seconds", type=float, default=10, help="measuring time per row")
    parser.add_argument("--calibration-data", type=Path, help="pictures to calibrate int8 on")
    given = parse(parser)
    start = StartState()
    measured = measure(given)
    rows = relative(measured, PLAIN, "to_plain")
    heads = {"way": "", "p50": "p50 ms", "p99": "p99 ms", "to_plain": "to plain"}
    print_rows(rows, heads | ({"why_not": "why not"} if any("why_not" in r for r in rows) else {}))
    bars = [(name, figures["p50"]) for name, figures in measured.items() if "p50" in figures]
    settings = {"teacher": given.teacher, "students": given.students, "seconds": given.seconds}
    chart = bar_rows(bars, "median time of one picture, ms")
    finish(make_record("students", start, settings, rows), chart, given)


if __name__ == "__main__":
    main()
