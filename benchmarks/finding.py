"""How well are objects found in scenes: by the landmarks themselves, and by a detector?

python benchmarks/finding.py --objects data/aflw/test.json --others data/cats/train.json
    [--model faces-small] [--detector cascade:face] [--scenes 100] [--json FILE] [--plot FILE]

A scene is a collage of the other pictures, 640 x 480, into which one crop of an object is pasted
with soft borders, at a random place and size. An object is found if a box overlaps its crop by
half. Boxes in the same scene without the object are false. In the row "landmarks, tilted" objects
are turned by up to 90 degrees, and the search tries the angles -60, 0 and 60.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from output import bar_rows, finish, parse, print_rows

from lmk.arrays import FloatArray, Image
from lmk.bench.record import StartState, make_record
from lmk.data.source import open_unlabelled
from lmk.inference.boxes import overlap
from lmk.inference.landmarker import Landmarker
from lmk.inference.regions.landmarks import Finding
from lmk.system.progress import Reporter

SIZE_WH = (640, 480)
SMALLEST, LARGEST = 0.15, 0.9  # side of an object's crop, as shares of the frame's shorter side
BANDS = ((0.15, 0.3), (0.3, 0.5), (0.5, 0.9))
FOUND = 0.5
SOFT = 0.15  # width of a soft border, as a share of half the side
TILT, ANGLES = 90.0, (-60.0, 0.0, 60.0)
Random = np.random.Generator


def paste(scene: Image, picture: Image, x: int, y: int) -> None:
    """Blend a square picture into a scene, in which it may lie partly outside."""
    side = len(picture)
    inside = (1 - np.abs((np.arange(side) + 0.5) / side * 2 - 1)) / SOFT
    opacity = np.minimum(np.minimum(inside[:, None], inside), 1)[..., None].clip(0)
    rows, columns = (
        slice(max(start, 0), max(min(start + side, end), 0))
        for start, end in ((y, len(scene)), (x, scene.shape[1]))
    )
    own = slice(rows.start - y, rows.stop - y), slice(columns.start - x, columns.stop - x)
    part = scene[rows, columns]
    part[:] = part * (1 - opacity[own]) + picture[own] * opacity[own]


def resized(crops: npt.NDArray[np.uint8], number: int, size_wh: tuple[int, int]) -> Image:
    """A crop, uint8 BGR, at another size."""
    return np.asarray(cv2.resize(crops[number][..., ::-1], size_wh), np.uint8)


def turned(picture: Image, degrees: float) -> Image:
    """A square picture, turned about its centre; beyond it its edge is repeated."""
    middle = (len(picture) - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), -degrees, 1)
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.warpAffine(picture, matrix, picture.shape[1::-1], borderMode=border))


def scenes(
    objects: npt.NDArray[np.uint8],
    others: npt.NDArray[np.uint8],
    count: int,
    random: Random,
    tilt: float = 0.0,
) -> Iterator[tuple[Image, Image, FloatArray]]:
    """Yield scenes without and with an object, and the box (4,) of its crop."""
    height = SIZE_WH[1]
    for _ in range(count):
        empty = resized(others, int(random.integers(len(others))), SIZE_WH)
        for _ in range(random.integers(3, 9)):
            side = int(random.uniform(0.15, 0.7) * height)
            picture = resized(others, int(random.integers(len(others))), (side, side))
            x, y = (int(random.integers(-side // 2, room - side // 2)) for room in SIZE_WH)
            paste(empty, picture, x, y)
        side = int(height * np.exp(random.uniform(np.log(SMALLEST), np.log(LARGEST))))
        x, y = (int(random.integers(0, room - side + 1)) for room in SIZE_WH)
        scene = empty.copy()
        picture = resized(objects, int(random.integers(len(objects))), (side, side))
        paste(scene, turned(picture, random.uniform(-tilt, tilt)) if tilt else picture, x, y)
        yield empty, scene, np.array([x, y, side, side], np.float32)


def measure(
    landmarker: Landmarker,
    given: argparse.Namespace,
    objects: Any,
    others: Any,
    tilt: float = 0.0,
) -> dict[str, Any]:
    """Recall, also by size, false boxes per scene without the object, and the time of a search."""
    sides, found, false, times = [], [], [], []
    random = np.random.default_rng(0)
    for empty, scene, box in scenes(objects, others, given.scenes, random, tilt):
        false.append(len(landmarker(empty).boxes))
        began = time.perf_counter()
        boxes = landmarker(scene).boxes
        times.append(1000 * (time.perf_counter() - began))
        found.append(bool((overlap(box, boxes) > FOUND).any()))
        sides.append(box[2] / SIZE_WH[1])
    size, hit = np.array(sides), np.array(found)
    recalls = {
        f"recall {low:g}-{high:g}": float(hit[(size >= low) & (size < high)].mean())
        for low, high in BANDS
    }
    row = {"recall": float(hit.mean()), **recalls, "false per scene": float(np.mean(false))}
    return row | {"median ms": float(np.median(times))}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="faces-small")
    parser.add_argument("--objects", type=Path, required=True, help="crops of the category")
    parser.add_argument("--others", type=Path, required=True, help="pictures without it")
    parser.add_argument("--detector", default="", help="another region, such as cascade:face")
    parser.add_argument("--scenes", type=int, default=100)
    given = parse(parser)
    start, report = StartState(), Reporter()
    objects, others = (
        open_unlabelled(path, report).crops for path in (given.objects, given.others)
    )
    rows: list[dict[str, Any]] = []
    regions = [("landmarks", Finding(), 0.0), ("landmarks", Finding(angles=ANGLES), TILT)]
    regions += [(given.detector, Finding(), 0.0)] if given.detector else []
    for region, finding, tilt in regions:
        landmarker = Landmarker(given.model, region=region, finding=finding)
        name = f"{region}, tilted" if tilt else region
        rows.append({"region": name} | measure(landmarker, given, objects, others, tilt))
    print_rows(rows, {key: key for key in rows[0]})
    settings = {"model": given.model, "scenes": given.scenes}
    bars = [(f"{row['region']}, recall in %", 100 * row["recall"]) for row in rows]
    bars += [
        (f"{row['region']}, false in 100 scenes", 100 * row["false per scene"]) for row in rows
    ]
    chart = bar_rows(bars, "objects found, and false ones")
    finish(make_record("finding", start, settings, rows), chart, given)


if __name__ == "__main__":
    main()
