"""What ten categories cost a device: ten adapters and their core, or ten exported networks.

python benchmarks/categories.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from lmk.export.fold import fold_to_onnx
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
    """Measure and print one table."""
    faces = find_model("faces")
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
    print("| on the device | ten categories | each one more, over the air |\n|---|---|---|")
    print(f"| core and adapters | {base + CATEGORIES * one:.1f} MB | {one:.1f} MB |")
    print(f"| exported networks | {CATEGORIES * network:.1f} MB | {network:.1f} MB |")
    print(
        f"\nfolding one: {seconds:.2f} s, of which {processor:.2f} s of processor time, the whole "
        f"process with its imports; {memory:.0f} MB at most"
    )


if __name__ == "__main__":
    main()
