"""The pictures that a model is measured on, with their annotated points, if any."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lmk.arrays import FloatArray, Images, Indices
from lmk.data.images import load_crops
from lmk.data.packed import is_packed
from lmk.data.source import list_pictures
from lmk.geometry import apply_affine
from lmk.system.errors import DataError, UsageError
from lmk.system.progress import Reporter

EYES = ("left_eye", "right_eye")
EVALUATION_SIZE = 128
"""Side of an evaluation picture, px: the same for networks of every input size."""


@dataclass(frozen=True, eq=False)
class AnnotatedSet:
    """N evaluation pictures, and A annotated points of each.

    name: that of the folder; paths of the pictures; images uint8 RGB (N, 128, 128, 3); xy_input
    float32 (N, A, 2) in pixels of these, NaN where a point is not labelled; names of the A points;
    diagonal_px float32 (N,), of the annotated box in the same pixels, NaN without box; sha256 of
    images and points.
    """

    name: str
    file: Path
    paths: list[Path]
    images: Images
    xy_input: FloatArray
    names: list[str]
    diagonal_px: FloatArray
    sha256: str

    @property
    def labelled(self) -> npt.NDArray[np.bool_]:
        """Whether each point is labelled, (N, A)."""
        return np.asarray(np.isfinite(self.xy_input).all(axis=2))

    @property
    def complete(self) -> npt.NDArray[np.bool_]:
        """Whether all points of an image are labelled, (N,)."""
        return np.asarray(self.labelled.all(axis=1))

    def only(self, rows: Indices) -> AnnotatedSet:
        """Some of the pictures, by number."""
        return replace(
            self,
            paths=[self.paths[row] for row in rows],
            images=self.images[rows],
            xy_input=self.xy_input[rows],
            diagonal_px=self.diagonal_px[rows],
        )


def load_annotated(file: Path, report: Reporter, only_annotated: bool = False) -> AnnotatedSet:
    """Read a COCO keypoint file or a folder of pictures, and crop each to its centred square.

    Pictures without annotation are kept, for metrics that need none, unless `only_annotated` is
    set. Raises DataError.
    """
    if is_packed(file):
        raise DataError(
            f"{file} is a packed set, which is only for training: give the COCO file or folder "
            "that it was packed from"
        )
    known = list_pictures(file, report)
    rows = np.flatnonzero(known.annotated | (not only_annotated))
    paths = [known.paths[row] for row in rows]
    images, image_to_input, used, _ = load_crops(
        paths, report, EVALUATION_SIZE, known.sizes_wh[rows]
    )
    kept = rows[used]
    boxes = known.boxes_xywh[kept]
    xy_input = apply_affine(image_to_input, known.xy_image[kept]).astype(np.float32)
    xy_input[~known.labelled[kept]] = np.nan
    scale = np.hypot(*image_to_input[:, :, 0].T)  # also of pictures turned by a quarter
    diagonal_px = np.hypot(*boxes[:, 2:].T) * scale
    digest = hashlib.sha256()
    for array in (images, xy_input, diagonal_px):
        digest.update(array.tobytes())
    return AnnotatedSet(
        name=(file if file.is_dir() else file.parent).resolve().name,
        file=file,
        paths=[known.paths[row] for row in kept],
        images=images,
        xy_input=xy_input,
        names=known.names,
        diagonal_px=diagonal_px,
        sha256=digest.hexdigest(),
    )


def default_normalizer(data: AnnotatedSet) -> str:
    """Choose "eyes" where annotated, else "box" if every annotated image has one, else "image"."""
    if set(EYES) <= set(data.names):
        return "eyes"
    boxes = np.isfinite(data.diagonal_px[data.labelled.any(axis=1)])
    return "box" if len(boxes) and boxes.all() else "image"


def normalizer_px(data: AnnotatedSet, normalize: str) -> FloatArray:
    """Lengths to divide errors by, float32 (N,) in pixels of the pictures; NaN or 0 if unknown.

    normalize: "eyes", the distance between left_eye and right_eye; two names of points with a comma
    between them; "box", the annotated box's diagonal; "image", the side of the picture's centred
    square. Raises UsageError for another word.
    """
    if normalize == "image":
        return np.full(len(data.images), EVALUATION_SIZE, np.float32)
    if normalize == "box":
        lengths = data.diagonal_px
    else:
        first, second = _endpoints(data, normalize)
        lengths = np.linalg.norm(data.xy_input[:, first] - data.xy_input[:, second], axis=-1)
    return np.asarray(lengths, np.float32)


def describe_normalizer(normalize: str) -> str:
    """Describe the length that errors are divided by."""
    words = {
        "eyes": "the distance between the eyes",
        "box": "the diagonal of the annotated box",
        "image": "the side of the image",
    }
    return words.get(normalize, f"the distance {normalize.replace(',', ' to ')}")


def _endpoints(data: AnnotatedSet, normalize: str) -> list[int]:
    names = EYES if normalize == "eyes" else tuple(normalize.split(","))
    if len(names) != 2:
        raise UsageError(
            f"--normalize {normalize}: expected eyes, box, image or two points such as "
            "left_eye,right_eye"
        )
    missing = [name for name in names if name not in data.names]
    if missing:
        raise UsageError(
            f"--normalize {normalize}: {data.file} has no points {', '.join(missing)}, only "
            f"{', '.join(data.names) or 'none'}"
        )
    return [data.names.index(name) for name in names]
