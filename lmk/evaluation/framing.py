"""Measure a model's framing on crops like those of training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lmk.arrays import FloatArray, Image
from lmk.data.packed import Crops
from lmk.inference.backends.base import Backend
from lmk.inference.regions.landmarks import candidates
from lmk.inference.rounds import in_rounds
from lmk.model.framing import Framing
from lmk.system.errors import DataError
from lmk.system.opencv import cv2
from lmk.system.progress import Reporter

LOW, HIGH = 1.0, 99.0  # percentiles that bound what is usual
TILES, TILE_PX = 6, 64
CROPS_A_PICTURE = 4  # fewer crops make pictures that are too much alike
PART = 1 / 4  # of a crop's side, that of its part in a tile: a third has whole eyes and mouths
LEAST_DEVIATION = 1e-3  # scores that are all alike say nothing of others
MARGIN = 0.25  # of the side, added around a crop: detectors miss objects that fill the picture
FOUND_AT_LEAST = 0.5


def measure_framing(xy_input: FloatArray, scores: FloatArray, input_size: int) -> Framing:
    """Describe the landmarks (N, K, 2), input pixels, and scores (N, K) of training crops."""
    mean = xy_input.mean(0)
    places = tuple((round(float(x), 2), round(float(y), 2)) for x, y in mean)
    unmeasured = Framing(places, spread_px=0.0, score=0.0, input_size=input_size)
    spread = float(np.percentile(unmeasured.fit(xy_input, scores)[1], HIGH))
    score = float(np.percentile(scores.mean(1), LOW))
    return replace(unmeasured, spread_px=round(spread, 2), score=round(score, 3))


def measure_finder(
    find: Callable[[Image], FloatArray], crops: Image
) -> tuple[float, float, float, float]:
    """Where a detector's box lies in training crops: x, y, width, height as shares of the side.

    crops uint8 RGB (N, S, S, 3); `find` as that of a region. Returns the median over the crops of
    each crop's largest box. Raises DataError when fewer than half of the crops have a box.
    """
    boxes = []
    side = crops.shape[1]
    border = round(MARGIN * side)
    for crop in crops:
        wide = cv2.copyMakeBorder(crop, border, border, border, border, cv2.BORDER_REPLICATE)
        found = find(np.asarray(cv2.cvtColor(wide, cv2.COLOR_RGB2BGR), np.uint8))
        if len(found):
            x, y, width, height = max(found, key=lambda box: box[2] * box[3])[:4]
            boxes.append(np.array([x - border, y - border, width, height]) / side)
    if len(boxes) < FOUND_AT_LEAST * len(crops):
        raise DataError(
            f"the detector finds {len(boxes)} of {len(crops)} objects: choose another detector for "
            "this model"
        )
    x, y, width, height = (round(float(value), 3) for value in np.median(boxes, axis=0))
    return x, y, width, height


def measure_find_scores(
    backend: Backend, framing: Framing, crops: Crops, most: int, report: Reporter
) -> tuple[float, float]:
    """Median of the best score in pictures without an object, and its deviation upwards.

    The deviation is the root mean square of the scores above the median: the lower tail, which is
    longer, says nothing of objects. At most `most` pictures are made of parts of training crops
    (N, S, S, 3), a quarter of a side each: what is seen beside objects, and parts of them.
    """
    random = np.random.default_rng(0)
    best, count = [], min(max(len(crops) // CROPS_A_PICTURE, 2), most)
    with report.bar("learning to find: pictures without objects", count) as bar:
        for _ in range(count):
            picture = shuffled(crops, random)
            (found,) = in_rounds(backend, [(picture, candidates(picture, framing))])
            best.append(found[1].max(initial=0))
            bar.advance()
    median = float(np.median(best))
    above = np.array([score - median for score in best if score > median] or [0.0])
    deviation = max(float(np.sqrt(np.mean(above**2))), LEAST_DEVIATION)
    return round(median, 4), round(deviation, 4)


def shuffled(crops: Crops, random: np.random.Generator) -> Image:
    """A picture, uint8 BGR, of tiles from random parts of random crops."""
    side = crops.shape[1]
    part = round(side * PART)
    picture = np.empty((TILES, TILE_PX, TILES, TILE_PX, 3), np.uint8)
    for row, column in np.ndindex(TILES, TILES):
        number, (y, x) = int(random.integers(len(crops))), random.integers(0, side - part + 1, 2)
        (crop,) = np.asarray(crops[number : number + 1])
        tile = crop[y : y + part, x : x + part, ::-1]
        picture[row, :, column] = cv2.resize(tile, (TILE_PX, TILE_PX))
    return picture.reshape(TILES * TILE_PX, TILES * TILE_PX, 3)
