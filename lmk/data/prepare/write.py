"""Write the crops and COCO keypoint files of a public set as one folder."""

from __future__ import annotations

import importlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmk.data.decode import read_image
from lmk.data.images import CROP_SIZE, MAX_BAD_SHARE
from lmk.data.parallel import map_in_order
from lmk.data.prepare.catalogue import find_set
from lmk.data.prepare.crop import cut_square, whole_square
from lmk.data.prepare.keypoint_file import Crop, coco_content
from lmk.data.prepare.record import Annotations, Record
from lmk.data.prepare.source import Source
from lmk.system.errors import DataError
from lmk.system.files import new_folder
from lmk.system.opencv import cv2
from lmk.system.progress import Reporter

JPEG_QUALITY = 95
SKIPPED_LIST = "skipped.txt"


@dataclass(frozen=True)
class Prepared:
    """What was written: images per split's COCO file, and why records were skipped."""

    images: dict[str, int]
    skipped: list[str]
    note: str


def prepare(
    name: str, root: Path, output: Path, report: Reporter, size: int = CROP_SIZE
) -> Prepared:
    """Turn the download of a public set, in `root`, into crops and COCO keypoint files.

    `output` gets images/ with JPEG crops of size x size pixels, one COCO file per split with points
    in crop pixels, and skipped.txt if records were skipped, each with the reason. It appears when
    everything is written. Raises UsageError if it exists, OutputError, and DataError if files of
    the set are missing or malformed, or more than a tenth of the pictures cannot be used.
    """
    source = Source(root, find_set(name))
    with new_folder(output) as folder:
        report.say(f"reading the annotations of {source.about.title}")
        annotations = _read(source)
        crops, unusable = _write_crops(annotations, source, folder / "images", size, report)
        skipped = annotations.skipped + unusable
        if skipped:
            (folder / SKIPPED_LIST).write_text("\n".join(skipped) + "\n")
            report.warn(
                f"skipped {len(skipped)} of {len(crops) + len(skipped)} objects, listed in "
                f"{output / SKIPPED_LIST}, the first: {skipped[0]}"
            )
        images = _write_splits(annotations, crops, source, folder, size)
    return Prepared(images, skipped, annotations.note)


def _read(source: Source) -> Annotations:
    if not source.root.is_dir():
        raise DataError(
            f"{source.root} is not a folder: unpack {source.about.title} from {source.about.page} "
            "there"
        )
    reader = importlib.import_module(f"lmk.data.prepare.readers.{source.about.module}")
    try:
        annotations: Annotations = reader.read(source)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise DataError(
            f"{source.root} has annotations of another form than {source.about.title}: "
            f"{type(error).__name__}: {error}. Get the set from {source.about.page}"
        ) from error
    if not annotations.records:
        first = f", the first: {annotations.skipped[0]}" if annotations.skipped else ""
        raise DataError(
            f"{source.root} has no picture of {source.about.title} with its annotation{first}. Get "
            f"the set from {source.about.page}"
        )
    return annotations


def _write_crops(
    annotations: Annotations, source: Source, folder: Path, size: int, report: Reporter
) -> tuple[list[Crop], list[str]]:
    """Crop and write in parallel; returns the crops in the records' order, and the failures."""
    records = annotations.records
    folder.mkdir()

    def write(number: int) -> Crop | str:
        name = os.path.relpath(records[number].image, source.root)
        if Path(name).parts[:1] == (os.pardir,):
            return f"{name}: outside {source.root}"
        name = Path(name).as_posix()
        try:
            crop, pixels = _cut(records[number], number, name, annotations.white_border, size)
        except DataError as error:
            return f"{name}: {error}"
        (folder / crop.file_name).write_bytes(_encode(pixels))
        return crop

    results = []
    with report.bar("writing crops", len(records)) as bar:
        for result in map_in_order(write, range(len(records))):
            results.append(result)
            bar.advance()
    unusable = [result for result in results if isinstance(result, str)]
    if len(unusable) > MAX_BAD_SHARE * len(records):
        raise DataError(
            f"{len(unusable)} of {len(records)} pictures of {source.about.title} cannot be used, "
            f"the first: {unusable[0]}. Get the set from {source.about.page}"
        )
    return [result for result in results if isinstance(result, Crop)], unusable


def _cut(record: Record, number: int, name: str, white_border: bool, size: int) -> tuple[Crop, Any]:
    # Not turned upright: MATLAB and the annotators' tools show pictures as they are stored.
    image = read_image(record.image, upright=False)
    square = record.square or whole_square(*image.shape[1::-1])
    pixels, to_crop = cut_square(image, square, size, white_border)
    return Crop(record, number, name, to_crop, square.side), pixels


def _write_splits(
    annotations: Annotations, crops: list[Crop], source: Source, folder: Path, size: int
) -> dict[str, int]:
    """Write one COCO file per split; returns the number of images of each."""
    about = source.about
    info = {"description": about.title, "url": about.page, "note": annotations.note}
    images = {}
    for split in sorted({split for crop in crops for split in crop.record.splits}):
        chosen = [crop for crop in crops if split in crop.record.splits]
        content = {"info": info, **coco_content(annotations, chosen, size)}
        (folder / f"{split}.json").write_text(json.dumps(content))
        images[split] = len(chosen)
    return images


def _encode(crop: Any) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    return bytes(cv2.imencode(".jpg", crop[:, :, ::-1], options)[1])
