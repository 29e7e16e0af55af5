"""Draw what was found into a frame."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lmk.arrays import FloatArray, Image
from lmk.drawing.draw import dot_radius, draw_box, draw_object
from lmk.drawing.labels import LABEL_PX, draw_names, label_size
from lmk.drawing.text import Rows, label, paste, plate
from lmk.video.result import Objects
from lmk.video.sources.base import Frame
from lmk.video.stages import Stages
from lmk.video.trails import Trails, draw_trails

TEXT_OF_HEIGHT = 1 / 44
TEXT_PX = (11, 64)  # least and largest
SMALLER = 0.6  # dots of landmarks among those of named points
REFRESH_S = 0.5  # figures that change more often cannot be read


@dataclass(frozen=True)
class OverlayOptions:
    """What is drawn besides the landmarks, or the named points with their skeleton.

    boxes: the boxes of the objects. ids: their numbers. names: of the named points. landmarks: also
    those of a model with named points. labels: the landmarks' names, or their numbers where they
    have none. scores: of every landmark that is drawn. trails: last places. times: frames per
    second and the median milliseconds per stage, in the corner.
    """

    boxes: bool = False
    ids: bool = False
    names: bool = True
    landmarks: bool = False
    labels: bool = False
    scores: bool = False
    trails: bool = False
    times: bool = False


class Overlay:
    """Draws frames one after another.

    Only `options` and `toggle` are safe in several threads. names: the landmarks' names per model
    that has names. stages: what `times` shows.
    """

    def __init__(
        self,
        options: OverlayOptions | None = None,
        stages: Stages | None = None,
        names: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.options = options or OverlayOptions()
        self._stages, self._names = stages, names or {}
        self._trails = Trails()
        self._rows: Rows = ()
        self._rows_until = 0.0

    def toggle(self, option: str) -> bool:
        """Turn one of the options on or off, and return which."""
        self.options = replace(self.options, **{option: not getattr(self.options, option)})
        return bool(getattr(self.options, option))

    def __call__(self, frame: Frame, objects: Sequence[Objects], source: str = "") -> Image:
        """Return a copy of the frame with its objects drawn, uint8 BGR (H, W, 3).

        source: its title; every source has its own trails.
        """
        drawn: Image = frame.image_bgr.copy()
        options, size_px = self.options, text_size(drawn)
        self._trails.follow(source, frame.index, objects)
        for found in objects:
            for index, number in enumerate(found.ids.tolist()):
                radius = dot_radius(found.boxes[index])
                if options.boxes:
                    draw_box(drawn, found.boxes[index], float(found.angles[index]))
                if options.trails:
                    draw_trails(drawn, self._trails.of(source, found.model, number), radius)
                self._draw_object(drawn, found, index, size_px)
                if options.ids:
                    name = f"{found.model} {number}" if len(objects) > 1 else f"#{number}"
                    _draw_id(drawn, found.boxes[index], name, size_px)
        if options.times and self._stages:
            paste(drawn, plate(self._time_rows(self._stages), size_px), size_px, size_px)
        return drawn

    def _draw_object(self, drawn: Image, found: Objects, index: int, largest_px: int) -> None:
        """Draw one object's points with its skeleton, and its landmarks where they are shown."""
        box, options = found.boxes[index], self.options
        radius = dot_radius(box)
        if options.landmarks or not found.named:
            landmarks = found.xy[index], found.scores[index], found.opacity[index]
            draw_object(drawn, *landmarks, radius * (SMALLER if found.named else 1))
            if options.labels or options.scores:
                self._annotate(drawn, found, index, label_size(box, largest_px))
        if found.named:
            xy, scores, opacity = (values[index] for values in found.places[:3])
            draw_object(drawn, xy, scores, opacity, radius, found.named.skeleton)
            if options.names:
                draw_names(drawn, found.named.names, xy, opacity, box, largest_px)

    def _annotate(self, drawn: Image, found: Objects, index: int, size_px: int) -> None:
        """Write the landmarks' names and scores to the right of their dots."""
        radius = dot_radius(found.boxes[index])
        names = self._names.get(found.model) or ()
        for k, ((x, y), score) in enumerate(zip(found.xy[index], found.scores[index], strict=True)):
            if found.opacity[index, k] <= 0 or not (-1e4 < x < 1e5 and -1e4 < y < 1e5):
                continue
            left = round(float(x) + 1.5 * radius)
            if self.options.labels:
                text = names[k] if k < len(names) else str(k)
                left = _write(drawn, text, left, float(y), size_px)
            if self.options.scores:
                _write(drawn, f"{score:.2f}", left, float(y), max(round(0.85 * size_px), LABEL_PX))

    def _time_rows(self, stages: Stages) -> Rows:
        now = time.monotonic()
        if now >= self._rows_until:
            self._rows, self._rows_until = time_rows(stages), now + REFRESH_S
        return self._rows


def text_size(image: Image) -> int:
    """Return a readable height of letters, in pixels, for a picture of this size."""
    return int(np.clip(round(image.shape[0] * TEXT_OF_HEIGHT), *TEXT_PX))


def time_rows(stages: Stages) -> Rows:
    """Return frames per second, the median per stage and the dropped frames, line by line."""
    rows = [(stage, f"{spread.p50_ms:.1f} ms") for stage, spread in stages.spread().items()]
    dropped = [(f"dropped, {cause}", str(count)) for cause, count in sorted(stages.dropped.items())]
    rate = f"{stages.fps:.1f}" if stages.fps else "-"  # a single frame has none
    return (("frames/s", rate), *rows, *dropped)


def _write(drawn: Image, text: str, left: int, middle: float, size_px: int) -> int:
    """Write a line of text beside a point, and return where the next line may start."""
    stamp = label(text, size_px)
    width, height = stamp.size_wh
    paste(drawn, stamp, left, round(middle - height / 2))
    return left + width


def _draw_id(drawn: Image, box_xywh: FloatArray, name: str, size_px: int) -> None:
    """Write an object's name above its box, or inside where the box touches the top."""
    stamp = label(name, size_px)
    x, y = (round(float(value)) for value in np.clip(box_xywh[:2], -1e4, 1e5))
    paste(drawn, stamp, max(x, 0), max(y - stamp.size_wh[1], 0))
