"""How exact are landmarks of objects that tilt, once they are tracked?

python benchmarks/tilted.py --data data/aflw/test.json [--model faces-small] [--pictures 200]
    [--json FILE] [--plot FILE]

Each picture turns by 6 degrees a frame, up to 90, about its centre. The landmarks of the tracked
object are turned back, and predict the annotated points by regressors of the landmarks of the
upright pictures, five-fold. Beside it the same in crops that stay upright. Pictures in which the
object was lost are left out and counted.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from output import bar_rows, finish, parse, print_rows

from lmk.arrays import FloatArray, Image
from lmk.bench.record import StartState, make_record
from lmk.evaluation.annotated import AnnotatedSet, default_normalizer, load_annotated, normalizer_px
from lmk.evaluation.formulas.regression import FOLDS, assign_folds, fit_ridge, point_errors
from lmk.geometry import apply_affine, invert_affine, turn_about
from lmk.inference.backends.base import Backend
from lmk.inference.backends.select import open_backend
from lmk.inference.regions.base import Detector
from lmk.inference.regions.places import fixed
from lmk.inference.rounds import in_rounds
from lmk.system.progress import Reporter
from lmk.video.tracker import Tracker, Tracking

SIDE, SCALE, STEP, LAST, FPS = 320, 1.5, 6, 90, 25
SHOWN = (0, 30, 60, 90)


def turned(size: int, degrees: float) -> FloatArray:
    """The matrix (2, 3) from a picture to a frame in which it is turned."""
    middle, centre = np.full(2, (size - 1) / 2), np.full(2, (SIDE - 1) / 2)
    turns = turn_about(middle, centre, np.deg2rad([degrees]), np.array([SCALE]))
    return np.asarray(turns[0], np.float32)


def frame(picture_rgb: Image, degrees: float) -> Image:
    """A frame, uint8 BGR, in which the picture is turned; beyond it its edge is repeated."""
    matrix = turned(len(picture_rgb), degrees)
    border = cv2.BORDER_REPLICATE
    drawn = cv2.warpAffine(picture_rgb[..., ::-1], matrix, (SIDE, SIDE), borderMode=border)
    return np.asarray(drawn, np.uint8)


def follow(backend: Backend, name: str, picture: Image, tracked: bool) -> dict[int, FloatArray]:
    """The landmarks (K, 2), turned back into the picture, by the angle; none where it was lost."""
    side = SCALE * len(picture)
    box = fixed(((SIDE - side) / 2, (SIDE - side) / 2, side, side))
    tracker = Tracker(name, Detector(box, True), backend.framing, Tracking(tracked, 1e9), None)
    found = {}
    for number, degrees in enumerate(range(0, LAST + 1, STEP)):
        image = frame(picture, degrees)
        (objects,) = in_rounds(backend, [(image, tracker.track(image, number / FPS, False))])
        if len(objects.ids) and objects.ids[0] == 1:
            back = invert_affine(turned(len(picture), degrees))
            found[degrees] = apply_affine(back, objects.xy[0])
    return found


def measure(backend: Backend, name: str, data: AnnotatedSet, tracked: bool) -> list[dict[str, Any]]:
    """A row for each angle."""
    rows: list[dict[str, Any]] = []
    lengths = normalizer_px(data, default_normalizer(data))
    found = [follow(backend, name, picture, tracked) for picture in data.images]
    upright = np.array([each[0] for each in found])
    folds = assign_folds(len(found), FOLDS, 0)
    for degrees in SHOWN:
        errors = []
        for fold in range(FOLDS):
            rest = folds != fold
            regressor = fit_ridge(upright[rest], data.xy_input[rest])
            kept = [i for i in np.flatnonzero(~rest) if degrees in found[i]]
            xy = np.array([found[i][degrees] for i in kept])
            errors += point_errors(regressor(xy), data.xy_input[kept], lengths[kept]).tolist()
        row = {"crop": "turns with it" if tracked else "stays upright", "degrees": degrees}
        rows.append(row | {"error %": float(np.mean(errors)), "lost": len(found) - len(errors)})
    return [row | {"ratio": row["error %"] / rows[0]["error %"]} for row in rows]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="faces-small")
    parser.add_argument("--data", type=Path, required=True, help="annotated crops")
    parser.add_argument("--pictures", type=int, default=200)
    given = parse(parser)
    start, backend = StartState(), open_backend(given.model)
    data = load_annotated(given.data, Reporter())
    chosen = np.random.default_rng(0).permutation(np.flatnonzero(data.complete))[: given.pictures]
    some = data.only(chosen)
    rows = [
        row for tracked in (True, False) for row in measure(backend, given.model, some, tracked)
    ]
    print_rows(rows, {key: key for key in rows[0]})
    bars = [(f"{row['crop']}, {row['degrees']} degrees", row["error %"]) for row in rows]
    record = make_record("tilted", start, {"model": given.model, "pictures": len(chosen)}, rows)
    finish(record, bar_rows(bars, "forward error, %"), given)


if __name__ == "__main__":
    main()
