"""Crops with their annotated points, from a COCO keypoint file or a packed set."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lmk.data.annotations import read_annotations
from lmk.data.images import load_crops
from lmk.data.mirror_names import mirror_partner
from lmk.data.packed import Crops, content_sha256, is_packed, open_packed
from lmk.geometry import apply_affine
from lmk.system.errors import DataError
from lmk.system.progress import Reporter


@dataclass(frozen=True)
class KeypointSet:
    """Crops with their annotated points.

    crops uint8 RGB (N, S, S, 3), in memory or packed; xy_crop float32 (N, K, 2) in crop pixels;
    labelled bool (N, K), False where a point was not annotated and its coordinates are undefined;
    names of the K points.
    """

    crops: Crops
    xy_crop: npt.NDArray[np.float32]
    labelled: npt.NDArray[np.bool_]
    names: list[str]

    @property
    def sha256(self) -> str:
        """Hash of the crops' bytes, the same in memory and packed."""
        return content_sha256(self.crops)

    @property
    def annotation_sha256(self) -> str:
        """Hash of the points, which of them are labelled, and their names."""
        arrays = (self.xy_crop.astype("<f4"), self.labelled)
        parts = (json.dumps(self.names).encode(), *(array.tobytes() for array in arrays))
        return hashlib.sha256(b"".join(parts)).hexdigest()

    def mirrored_order(self) -> list[int]:
        """For each point the index of its mirror partner, by the rules of `mirror_partner`.

        Raises DataError when a point has no partner.
        """
        swapped = [mirror_partner(name, self.names) for name in self.names]
        missing = sorted(set(swapped) - set(self.names))
        if missing:
            raise DataError(
                f"points without a left/right partner: expected also {', '.join(missing)}"
            )
        return [self.names.index(name) for name in swapped]


def load_keypoints(source: Path, report: Reporter) -> KeypointSet:
    """Read a COCO keypoint file and its pictures, or open a packed set that has keypoints.

    Pictures of a COCO file without annotation are skipped; in a packed set they have no labelled
    point. Raises DataError as `read_annotations` and `open_packed` do, and if there are no
    annotated keypoints.
    """
    if is_packed(source):
        packed = open_packed(source)
        if packed.keypoints is None:
            raise DataError(f"{source} was packed without keypoints: pack a COCO keypoint file")
        _, names, xy_crop, labelled = packed.keypoints
        return KeypointSet(packed.crops, xy_crop, labelled, names)
    if source.is_dir():
        raise DataError(
            f"{source} is a folder: expected a COCO keypoint file, or a packed set with keypoints"
        )
    given = read_annotations(source, report)
    rows = np.flatnonzero(given.annotated)
    if not len(rows):
        raise DataError(f"{source} has no annotated keypoints")
    paths, sizes_wh = [given.paths[row] for row in rows], given.sizes_wh[rows]
    crops, to_crop, kept, _ = load_crops(paths, report, sizes_wh=sizes_wh)
    rows = rows[kept]
    xy_crop = apply_affine(to_crop, given.xy_image[rows]).astype(np.float32)
    return KeypointSet(crops, xy_crop, given.labelled[rows], given.names)
