"""How much memory do ten categories need on a device: ten adapters and their core, or ten networks?

python benchmarks/categories.py [--json FILE] [--plot FILE]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from output import bar_rows, finish, parse, print_rows

from lmk.bench.record import StartState, make_record
from lmk.exporting.fold_on_device import fold_to_onnx
from lmk.model import bundle
from lmk.model.folder import find_model

CATEGORIES = 10
FOLD = """
import resource, sys, time
start = time.perf_counter()
sys.argv = ["lmk", "fold", "core-pose", sys.argv[1], "-o", sys.argv[2]]
from lmk.cli import app
app(standalone_mode=False)
usage = resource.getrusage(resource.RUSAGE_SELF)
print(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)
"""


def main() -> None:
    """Measure, print, write."""
    given = parse(argparse.ArgumentParser(description=__doc__))
    start, faces = StartState(), find_model("faces")
    core = faces.core()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        adapter = folder / "faces.adapter"
        bundle.pack(faces.manifest, faces.arrays(), core.manifest, adapter)
        exported = fold_to_onnx(faces, core, folder)
        command = [sys.executable, "-c", FOLD, str(adapter), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds, processor, memory = map(float, done.stdout.splitlines()[-1].split())
        one, network = adapter.stat().st_size / 1e6, exported.stat().st_size / 1e6
    base = (core.folder / core.manifest.weights_file).stat().st_size / 1e6
    rows = [
        {"on_the_device": "core and adapters", "all_mb": base + CATEGORIES * one, "each_mb": one},
        {"on_the_device": "exported networks", "all_mb": CATEGORIES * network, "each_mb": network},
    ]
    heads = {"on_the_device": "on the device", "all_mb": "ten categories, MB"}
    print_rows(rows, heads | {"each_mb": "download per further category, MB"})
    print(
        f"\nlmk fold of one: {seconds:.2f} s, {processor:.2f} s of CPU time, with its imports; "
        f"at most {memory:.0f} MB"
    )
    settings = {"categories": CATEGORIES, "model": "faces"}
    folding = {"seconds": seconds, "processor_s": processor, "memory_mb": memory}
    record = make_record("categories", start, settings, rows, folding=folding)
    bars = [(str(row["on_the_device"]), float(str(row["all_mb"]))) for row in rows]
    finish(record, bar_rows(bars, "MB of ten categories on the device"), given)


if __name__ == "__main__":
    main()
