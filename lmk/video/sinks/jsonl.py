"""Results as JSON Lines."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lmk.arrays import FloatArray
from lmk.video.result import Result
from lmk.video.sinks.base import Sink
from lmk.video.sinks.lines import LineSink, whole_lines


@contextmanager
def json_sink(path: Path) -> Iterator[Sink]:
    """Write one line with one JSON object per frame, at once: others can read it during the run.

    Replaces an earlier file. However the run ends, the file holds whole lines. Raises OutputError.
    """
    with whole_lines(path) as append:
        yield LineSink(append, _line)


def _line(result: Result) -> str:
    return json.dumps(to_json(result), separators=(",", ":"), allow_nan=False) + "\n"


def to_json(result: Result) -> dict[str, Any]:
    """Return a frame's result as plain values, image pixels rounded to a thousandth.

    `opacity` is below 1 while a lost landmark keeps its last place. Only an object whose box is
    turned has an `angle`: degrees, from x towards y, about the box's centre. `points`, the places
    of the named points by name, is there for models that have some, and `confidence` for models
    that were measured for it, see `Landmarks`.
    """
    objects = [
        {
            "model": found.model,
            "id": int(number),
            "box": _rounded(box, 3),
            **({"angle": round(angle, 2)} if angle else {}),
            "landmarks": [_rounded(point, 3) for point in xy],
            "scores": _rounded(score, 4),
            "opacity": _rounded(opacity, 2),
            **({"points": _by_name(found.named.names, points)} if found.named else {}),
            **({} if math.isnan(confidence) else {"confidence": round(confidence, 4)}),
        }
        for found in result.objects
        for number, box, angle, xy, score, opacity, confidence, points in zip(
            found.ids,
            found.boxes,
            found.angles.tolist(),
            found.xy,
            found.scores,
            found.opacity,
            found.confidence.tolist(),
            found.points,
            strict=True,
        )
    ]
    frame = result.frame
    where = {"source": result.source, "frame": frame.index, "time_s": round(frame.time_s, 6)}
    return {**where, **({"name": frame.name} if frame.name else {}), "objects": objects}


def _by_name(names: Sequence[str], points: FloatArray) -> dict[str, list[float]]:
    return {name: _rounded(point, 3) for name, point in zip(names, points, strict=True)}


def _rounded(values: FloatArray, digits: int) -> list[float]:
    return [round(value, digits) for value in values.tolist()]
