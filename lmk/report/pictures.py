"""Pictures with landmarks for a page, as embedded JPEG data."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np

from lmk.arrays import Image, Indices, Points
from lmk.drawing.draw import draw_object
from lmk.evaluation import views
from lmk.evaluation.annotated import EVALUATION_SIZE
from lmk.evaluation.formulas.consistency import random_turns
from lmk.evaluation.metrics.base import Evaluation
from lmk.evaluation.metrics.consistency import CONSISTENCY
from lmk.evaluation.metrics.nme import NME
from lmk.evaluation.metrics.regression import FORWARD
from lmk.geometry import apply_affine, resize_xy
from lmk.report.results import Results
from lmk.system.opencv import cv2
from lmk.system.progress import Reporter

TILE = 240
DOT_RADIUS_PX, RING_RADIUS_PX = 3.0, 7.3
SHEET_COLUMNS = 6
TURNED_IMAGES = 3
TURNS = 5
TURNS_SEED = 1
JPEG_QUALITY = 88
WHITE_BGR, DARK_BGR = (255, 255, 255), (32, 32, 32)


@dataclass(frozen=True)
class Picture:
    """An image as a data URI, with its caption below it."""

    uri: str
    caption: str = ""


@dataclass(frozen=True)
class Row:
    """Pictures side by side, with their title above them."""

    title: str
    pictures: list[Picture]


def turned_rows(results: Results, report: Reporter) -> list[list[Row]]:
    """Show images under the same random rotations: one list per image, one row per model."""
    total = len(results.benchmark.test.images)
    rng = np.random.default_rng(results.benchmark.protocol.seed)
    chosen = rng.choice(total, min(TURNED_IMAGES, total), replace=False)
    by_model = [_turned(results, evaluation, chosen, report) for evaluation in results.evaluations]
    return [list(rows) for rows in zip(*by_model, strict=True)]


def _turned(
    results: Results, evaluation: Evaluation, chosen: Indices, report: Reporter
) -> list[Row]:
    """Draw the landmarks of rotated images, in rings that were rotated with the image."""
    images, found = results.benchmark.test.images[chosen], evaluation.found[chosen]
    copies = np.repeat(images, TURNS, axis=0)
    view = views.turned(len(copies), TURNS_SEED)
    matrices = random_turns(len(copies), TURNS_SEED)
    found_turned = evaluation.model.find(copies, report, view)
    expected = apply_affine(matrices, np.repeat(found, TURNS, axis=0))
    drawn = [
        draw_tile(picture, xy, rings)
        for picture, xy, rings in zip(
            view.change(copies, range(len(copies))), found_turned, expected, strict=True
        )
    ]
    rows = []
    for number, (image, xy) in enumerate(zip(images, found, strict=True)):
        tiles = [draw_tile(image, xy), *drawn[number * TURNS : (number + 1) * TURNS]]
        rows.append(Row(evaluation.model.name, [Picture(data_uri(tile)) for tile in tiles]))
    return rows


def sheet_rows(results: Results, evaluation: Evaluation) -> list[Row]:
    """Show the images with the smallest, the median and the largest error.

    The error is that of named points, else the forward error if it was measured, else the
    consistency.
    """
    test = results.benchmark.test
    predicted: Points | None = None
    annotated: Points | None = None
    if named := evaluation.get(NME):
        index = np.flatnonzero(np.isfinite(named.per_image))
        values, unit = named.per_image[index], "%"
        predicted, annotated = named.found[index], test.xy_input[index]
    elif curve := evaluation.get(FORWARD):
        errors = curve[None]
        index = np.flatnonzero(results.benchmark.test_usable)
        percent, predicted = errors.percent[0], errors.predicted[0]
        annotated = test.xy_input[index]
        values, unit = percent, "%"
    elif turned := evaluation.get(CONSISTENCY):
        index = np.arange(len(test.images))
        values, unit = turned.distance_px.mean(axis=1), "px"
    else:
        return []
    order = np.argsort(values)
    columns = min(SHEET_COLUMNS, len(order))
    middle = (len(order) - columns) // 2
    starts = {"best": 0, "typical": middle, "worst": len(order) - columns}
    rows = []
    for title, start in starts.items():
        pictures = []
        for place in order[start : start + columns]:
            drawn = draw_tile(test.images[index[place]], evaluation.found[index[place]])
            if annotated is not None and predicted is not None:
                _draw_errors(drawn, annotated[place], predicted[place])
            pictures.append(Picture(data_uri(drawn), f"{values[place]:.1f} {unit}"))
        rows.append(Row(title, pictures))
    return rows


def draw_tile(image: Image, xy_input: Points, rings: Points | None = None) -> Image:
    """Enlarge an evaluation picture RGB (S, S, 3) and draw landmarks and rings (K, 2) on it.

    Returns BGR.
    """
    large: Image = cv2.resize(image[:, :, ::-1], (TILE, TILE), interpolation=cv2.INTER_CUBIC)
    scale, ones = TILE / len(image), np.ones(len(xy_input), np.float32)
    if rings is not None:
        draw_object(large, resize_xy(rings, scale), 0 * ones, ones, RING_RADIUS_PX)
    draw_object(large, resize_xy(xy_input, scale), ones, ones, DOT_RADIUS_PX)
    return large


def data_uri(image_bgr: Image) -> str:
    """Encode a picture as a JPEG data URI."""
    encoded = cv2.imencode(".jpg", image_bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()


def _draw_errors(tile_bgr: Image, annotated: Points, predicted: Points) -> None:
    """Draw a line from each annotated point to its prediction, a cross."""
    scale = TILE / EVALUATION_SIZE
    for start, end in zip(resize_xy(annotated, scale), resize_xy(predicted, scale), strict=True):
        if not (np.isfinite(start).all() and np.isfinite(end).all()):
            continue  # not annotated, or not a point of the model
        first, last = _pixel(start), _pixel(end)
        for color, thickness in ((DARK_BGR, 3), (WHITE_BGR, 1)):
            cv2.line(tile_bgr, first, last, color, thickness, cv2.LINE_AA)
            cv2.drawMarker(tile_bgr, last, color, cv2.MARKER_CROSS, 9, thickness, cv2.LINE_AA)


def _pixel(xy: Points) -> tuple[int, int]:
    x, y = (round(float(value)) for value in xy)
    return x, y
