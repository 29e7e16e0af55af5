"""Results as rows of a table, one per landmark or named point, for CSV and Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lmk.video.result import Result


class Row(NamedTuple):
    """One named point of one object in one frame; one landmark, of a model without named points.

    source: title. frame, time_s: number and time since the first frame of the source. name: of a
    picture, else empty. model, id: the model, and the ID of the object. landmark: the number
    of the landmark or point. x, y: image pixels. score in [0, 1], of a named point the mean of the
    landmarks. opacity: below 1 while a lost landmark keeps its last place.
    angle: of the object's crop, degrees, from x towards y; 0 is upright. point: its
    name, else empty.
    """

    source: str
    frame: int
    time_s: float
    name: str
    model: str
    id: int
    landmark: int
    x: float
    y: float
    score: float
    opacity: float
    angle: float
    point: str


def rows(result: Result) -> Iterator[Row]:
    """Yield the rows of a frame, object by object; none for a frame without objects."""
    frame = result.frame
    where = result.source, frame.index, round(frame.time_s, 6), frame.name
    for found in result.objects:
        xy, scores, opacity, names = found.places
        names = names or [""] * xy.shape[1]
        lists = (found.ids, found.angles, xy, scores, opacity)
        for number, angle, *of_places in zip(*(a.tolist() for a in lists), strict=True):
            for k, ((x, y), score, seen, name) in enumerate(zip(*of_places, names, strict=True)):
                yield Row(*where, found.model, number, k, x, y, score, seen, angle, name)
