"""Unlabelled crops, from wherever they lie."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lmk.data.coco import image_paths
from lmk.data.images import list_images, load_crops
from lmk.progress import Reporter

Crops = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class UnlabelledSet:
    """Crops uint8 RGB (N, S, S, 3) and the hash of their content."""

    crops: Crops
    sha256: str


def open_unlabelled(source: Path, report: Reporter) -> UnlabelledSet:
    """Decode a folder's pictures, or those a COCO file names. Raises DataError."""
    paths = image_paths(source) if source.suffix == ".json" else list_images(source)
    crops = load_crops(paths, report)[0]
    return UnlabelledSet(crops, digest(crops))


def digest(crops: Crops) -> str:
    """Hash the content of crops (N, S, S, 3)."""
    return hashlib.sha256(np.ascontiguousarray(crops).data).hexdigest()
