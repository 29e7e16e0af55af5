"""Copy a run into models/ as a shipped model: its weights and its manifest, nothing else.

python tools/ship.py RUN NAME
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

from lmk.model.folder import find_model
from lmk.model.manifest import CoreReference

MODELS = Path(__file__).parents[1] / "models"


def ship(run: Path, name: str) -> None:
    """Copy the run's model to models/NAME; an adapter's core must be shipped already."""
    model = find_model(str(run))
    manifest = replace(model.manifest, name=name)
    if model.manifest.kind == "adapter":
        core = model.core()
        if core.folder.parent != MODELS:
            raise SystemExit(f"ship the core first: {core.folder} is not in {MODELS}")
        reference = CoreReference(core.manifest.name, core.manifest.weights_sha256)
        manifest = replace(manifest, core=reference)
    folder = MODELS / name
    folder.mkdir(exist_ok=True)
    shutil.copy(run / manifest.weights_file, folder)
    manifest.write(folder)
    print(f"{folder}: write its card.md")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    given = parser.parse_args()
    ship(given.run, given.name)
