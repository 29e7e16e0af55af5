"""Cut the objects of photographs out, into a folder of crops for training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lmk.arrays import FloatArray, Image
from lmk.cropping.cropped import Cropped, Row, counted, write_skipped, write_table
from lmk.cropping.names import Names
from lmk.cropping.objects import ObjectFinder
from lmk.cropping.sheet import write_crop_sheet
from lmk.data.decode import large_pictures, read_image
from lmk.data.images import CROP_SIZE, Skipped
from lmk.data.listing import list_images
from lmk.geometry import boxes_of_crops
from lmk.inference.crops import cut_crops
from lmk.system.errors import DataError, UsageError
from lmk.system.files import new_folder
from lmk.system.opencv import cv2
from lmk.system.progress import Reporter

IMAGES, TABLE, SHEET, SKIPPED_LIST = "images", "crops.csv", "sheet.png", "skipped.txt"
JPEG_QUALITY = 95


def crop_objects(
    photos: Path,
    output: Path,
    finder: ObjectFinder,
    report: Reporter,
    size: int = CROP_SIZE,
    lossless: bool = False,
) -> Cropped:
    """Cut every object of a picture, or of the pictures below a folder, into the folder `output`.

    It gets images/ with crops of size x size pixels, JPEG or, if `lossless`, PNG; crops.csv, see
    `Row`; sheet.png, a contact sheet; and skipped.txt, if pictures have no crop, with the reasons.
    Beyond a picture its edge pixels are repeated. The folder appears completely or not at all. One
    picture at a time is in memory. Raises UsageError if `output` exists or lies in `photos`,
    OutputError, and DataError if no object was found.
    """
    if output.resolve().is_relative_to(photos.resolve()):
        raise UsageError(
            f"{output} lies in {photos}, so that its crops would be photographs of the next run: "
            "choose another output"
        )
    root, paths = _list_pictures(photos, report)
    done, names, suffix = Cropped(len(paths)), Names(), ".png" if lossless else ".jpg"
    with new_folder(output) as folder:
        (folder / IMAGES).mkdir()
        for source, image in _pictures(paths, root, done, report):
            found, name = finder.find(image), names.name(source)
            done.left_out.update(found.left_out)
            for number, (square, score) in enumerate(zip(found.squares, found.scores, strict=True)):
                file = f"{IMAGES}/{name}-{number + 1}{suffix}"
                (folder / file).write_bytes(_encode(_cut(image, square, size), suffix))
                x, y, width, height = (round(float(value), 2) for value in square)
                row = Row(file, source, x, y, width, height, round(float(score), 4))
                done.rows.append(row)
            if not len(found.squares):
                reason = f"shows no object: {counted(found.left_out) or 'nothing was found'}"
                done.empty.append(Skipped(Path(source), reason))
        if not done.rows:
            raise DataError(_nothing(photos, done))
        write_table(folder / TABLE, done.rows)
        write_crop_sheet(folder / SHEET, folder, done.rows, photos.resolve().name)
        if done.unreadable or done.empty:
            write_skipped(folder / SKIPPED_LIST, done.unreadable + done.empty)
    return done


def _list_pictures(photos: Path, report: Reporter) -> tuple[Path, list[Path]]:
    """The pictures, and the folder below which they are."""
    if photos.is_file():
        return photos.parent, [photos]
    if not photos.exists():
        raise DataError(f"{photos} does not exist: expected a folder of pictures, or a picture")
    return photos, list_images(photos, report)


def _pictures(
    paths: Sequence[Path], root: Path, done: Cropped, report: Reporter
) -> Iterator[tuple[str, Image]]:
    """Yield each usable picture's path below the root, and its pixels, uint8 BGR, upright."""
    with large_pictures(), report.bar("cropping", len(paths)) as bar:
        for path in paths:
            source = path.relative_to(root).as_posix()
            try:
                image = np.ascontiguousarray(read_image(path)[..., ::-1])
            except DataError as error:
                reason = str(error).removeprefix(f"{path} ")
                done.unreadable.append(Skipped(Path(source), reason))
            else:
                yield source, image
            bar.advance(note=f"{len(done.rows):,} crops")


def _cut(image_bgr: Image, square_xywh: FloatArray, size: int) -> Image:
    """The crop of a square (4,), uint8 RGB (size, size, 3)."""
    crops, _ = cut_crops(image_bgr, boxes_of_crops(square_xywh), size)
    return np.asarray(crops[0])


def _encode(crop_rgb: Image, suffix: str) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if suffix == ".jpg" else []
    return bytes(cv2.imencode(suffix, crop_rgb[..., ::-1], options)[1])


def _nothing(photos: Path, done: Cropped) -> str:
    if len(done.unreadable) == done.pictures:
        return f"no picture of {photos} can be used: {done.unreadable[0]}"
    return (
        f"no object was found in {photos}: {'; '.join(done.rest())}. Try another --region, such as "
        "landmarks or center, a lower --score, or another --model"
    )
