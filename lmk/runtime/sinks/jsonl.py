"""Results as JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from lmk.errors import OutputError
from lmk.files import replacing
from lmk.geometry import FloatArray
from lmk.runtime.result import Result
from lmk.runtime.sinks.base import REMEDY, Sink


class _JsonSink:
    draws = False

    def __init__(self, file: TextIO, path: Path) -> None:
        self._file, self._path = file, path

    def write(self, result: Result) -> None:
        line = json.dumps(to_json(result), separators=(",", ":"))
        try:
            self._file.write(line + "\n")
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror}. {REMEDY}") from error


@contextmanager
def json_sink(path: Path) -> Iterator[Sink]:
    """Write one JSON object a frame, a line each; the file appears when it is complete."""
    if path.is_dir():
        raise OutputError(f"cannot write {path}: it is a folder. Name a file")
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        yield _JsonSink(file, path)


def to_json(result: Result) -> dict[str, Any]:
    """Return a frame's result as plain values, image pixels rounded to a thousandth."""
    objects = [
        {
            "model": found.model,
            "id": int(number),
            "box": _rounded(box, 3),
            "landmarks": [_rounded(point, 3) for point in xy],
            "scores": _rounded(score, 4),
        }
        for found in result.objects
        for number, box, xy, score in zip(
            found.ids, found.boxes, found.xy, found.scores, strict=True
        )
    ]
    frame = result.frame
    where = {"frame": frame.index, "time_s": round(frame.time_s, 6)}
    return {**where, **({"name": frame.name} if frame.name else {}), "objects": objects}


def _rounded(values: FloatArray, digits: int) -> list[float]:
    return [round(float(value), digits) for value in values]
