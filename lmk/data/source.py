"""Open pictures for training: a folder of images, a COCO file or a packed set."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lmk.data.annotations import Annotations, image_paths, no_annotations, read_annotations
from lmk.data.images import list_images, load_crops
from lmk.data.packed import Crops, content_sha256, is_packed, open_packed
from lmk.system.errors import DataError
from lmk.system.progress import Reporter


@dataclass(frozen=True)
class UnlabelledSet:
    """Crops uint8 RGB (N, S, S, 3), in memory or packed, and the hash of their bytes.

    skipped: unusable files, each with its reason.
    """

    crops: Crops
    sha256: str
    skipped: list[str] = field(default_factory=list)


def open_unlabelled(source: Path, report: Reporter) -> UnlabelledSet:
    """Open pictures without their annotations; from a COCO file only the file names are read.

    A folder's and a COCO file's pictures are decoded into memory, a packed set stays on disk.
    Raises DataError, also with fewer than two pictures.
    """
    if is_packed(source):
        packed = open_packed(source)
        crops: Crops = packed.crops
        skipped = [f"{entry.file} {entry.reason}" for entry in packed.index.skipped]
    else:
        expected = "a folder of images, a COCO .json file or a packed set"
        paths = image_paths(source) if _is_coco(source, expected) else list_images(source)
        crops, _, _, bad = load_crops(paths, report)
        skipped = [str(entry) for entry in bad]
    if len(crops) < 2:
        raise DataError(f"{source} has {len(crops)} images: an adaptation needs at least 2")
    return UnlabelledSet(crops, content_sha256(crops), skipped)


def list_pictures(source: Path, report: Reporter, outside: bool = False) -> Annotations:
    """List the pictures of a folder or a COCO file, with their points, if any.

    Pictures of a COCO file outside its folder are refused, unless `outside` allows them.
    """
    if _is_coco(source, "a folder of images or a COCO .json file"):
        return read_annotations(source, report, outside)
    return no_annotations(list_images(source))


def _is_coco(source: Path, expected: str) -> bool:
    if source.is_dir():
        return False
    if source.suffix == ".json":
        return True
    found = "is of another type" if source.exists() else "does not exist"
    raise DataError(f"{source} {found}: expected {expected}")
