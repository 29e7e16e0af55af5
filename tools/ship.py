"""Copy a run into models/ as a shipped model: only its weights and its manifest.

python tools/ship.py RUN NAME [--finder cascade:face --crops TRAIN.json]

--finder is the model's detector, as for `lmk run --region`. Where its boxes lie in the training
crops is measured on the first 300 crops.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from lmk.data.source import open_unlabelled
from lmk.evaluation.framing import measure_finder
from lmk.inference.regions.base import Detector
from lmk.inference.regions.open import open_finder
from lmk.model.folder import find_model
from lmk.model.manifest import CoreReference, Manifest
from lmk.system.progress import Reporter

MODELS = Path(__file__).parents[1] / "models"
FINDER_CROPS = 300


def ship(run: Path, name: str, finder: str | None, crops: Path | None) -> None:
    """Copy the run's model to models/NAME; an adapter's core must already be shipped."""
    model = find_model(str(run))
    manifest = replace(model.manifest, name=name)
    if model.manifest.kind == "adapter":
        core = model.core()
        if core.folder.parent != MODELS:
            raise SystemExit(f"ship the core first: {core.folder} is not in {MODELS}")
        reference = CoreReference(core.manifest.name, core.manifest.weights_sha256)
        manifest = replace(manifest, core=reference)
    if finder and crops:
        manifest = with_finder(manifest, finder, crops)
    folder = MODELS / name
    folder.mkdir(exist_ok=True)
    shutil.copy(run / manifest.weights_file, folder)
    manifest.write(folder)
    print(f"{folder}: write its card.md")


def with_finder(manifest: Manifest, finder: str, crops: Path) -> Manifest:
    """Add the model's detector, and where its boxes lie in training crops."""
    if manifest.framing is None:
        raise SystemExit(f"{manifest.name} has no framing: train it again with this version of lmk")
    pictures = np.asarray(open_unlabelled(crops, Reporter()).crops[:FINDER_CROPS])
    detector = open_finder(finder)
    if not isinstance(detector, Detector):
        raise SystemExit(f"--finder {finder} is no detector")
    box = measure_finder(detector.find, pictures)
    print(f"{finder} finds boxes at {box} of a crop")
    return replace(manifest, framing=replace(manifest.framing, finder=finder, finder_box=box))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("--finder", help="detector of the model's objects, as for lmk run --region")
    parser.add_argument("--crops", type=Path, help="COCO file that the run was trained on")
    given = parser.parse_args()
    if bool(given.finder) != bool(given.crops):
        parser.error("--finder and --crops go together")
    ship(given.run, given.name, given.finder, given.crops)
