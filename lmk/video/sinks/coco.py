"""Results as a COCO keypoint file, which annotation tools and `lmk` itself read."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from lmk.arrays import FloatArray
from lmk.system.files import beside, check_file, replacing, scratch_folder, writing
from lmk.system.lock import held
from lmk.video.result import Objects, Places, Result
from lmk.video.sinks.base import Sink
from lmk.video.sinks.lines import whole_lines
from lmk.video.sinks.split import file_stems

UNSEEN, HELD, SEEN = 0, 1, 2  # flags of a keypoint: not labelled, not visible, visible

Append: TypeAlias = Callable[[str], None]


@contextmanager
def coco_sink(path: Path) -> Iterator[Sink]:
    """Write a COCO keypoint file: an image per frame, an annotation per object.

    Its keypoints are the named points with their skeleton, or the landmarks, named by their
    numbers, of a model without; each model is a category. A picture is named by its path below the
    file's folder where it is there, else as below its source; a frame by source and number. The
    file replaces an earlier one at the end, also of a run that fails. Raises OutputError.
    """
    check_file(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with (
        held(beside(path, "lock"), path),
        scratch_folder(beside(path, "partial")) as parts,
        whole_lines(parts / "images") as add_image,
        whole_lines(parts / "annotations") as add_annotations,
    ):
        sink = _CocoSink(path, add_image, add_annotations)
        try:
            yield sink
        finally:
            _join(parts, sink.categories, path)


class _CocoSink:
    """Appends to the two lists, which grow with the run, and keeps the categories."""

    draws = False

    def __init__(self, path: Path, add_image: Append, add_annotations: Append) -> None:
        self._add_image, self._add_annotations = add_image, add_annotations
        self._folder = path.parent.resolve()
        self._images = self._annotations = 0
        self._stems: dict[str, str] = {}  # file names that stand for the sources, by title
        self._sources: dict[str, Path] = {}  # their folders
        self.categories: dict[str, dict[str, Any]] = {}  # by model

    def write(self, result: Result) -> None:
        self._images += 1
        height, width = result.frame.image_bgr.shape[:2]
        image = {"id": self._images, "file_name": self._file_name(result)}
        self._add_image(_entry(image | {"width": width, "height": height}))
        lines = []
        for found in result.objects:
            category = self._category(found)
            for annotation in _annotations(found):
                self._annotations += 1
                ids = {"id": self._annotations, "image_id": self._images}
                lines.append(_entry(ids | {"category_id": category} | annotation))
        self._add_annotations("".join(lines))

    def _file_name(self, result: Result) -> str:
        title, name = result.source, result.frame.name
        if title not in self._stems:
            self._stems = file_stems([*self._stems, title])
            source = Path(title)
            self._sources[title] = (source.parent if source.is_file() else source).resolve()
        if not name:
            return f"{self._stems[title]}-{result.frame.index:06}.png"
        picture = self._sources[title] / name
        if picture.is_relative_to(self._folder):
            return picture.relative_to(self._folder).as_posix()
        # Of sources elsewhere, all but the first are told apart by their own names.
        return name if title == next(iter(self._stems)) else f"{self._stems[title]}/{name}"

    def _category(self, found: Objects) -> int:
        if found.model not in self.categories:
            self.categories[found.model] = {
                "id": len(self.categories) + 1,
                "name": found.model,
                "keypoints": list(found.places.names) or [str(k) for k in range(found.xy.shape[1])],
                "skeleton": [[one + 1, other + 1] for one, other in found.named.skeleton],
            }
        return int(self.categories[found.model]["id"])


def _entry(entry: dict[str, Any]) -> str:
    """An entry of a list on a line of its own; all but the first begin with a comma."""
    comma = "," if entry["id"] > 1 else ""
    return f"{comma}{json.dumps(entry, separators=(',', ':'), allow_nan=False)}\n"


def _join(parts: Path, categories: dict[str, dict[str, Any]], path: Path) -> None:
    """Make one file of the two lists and the categories."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        for before, name in (("{", "images"), (",", "annotations")):
            file.write(f'{before}"{name}":[\n'.encode())
            with (parts / name).open("rb") as part:
                shutil.copyfileobj(part, file)
            file.write(b"]\n")
        file.write(f',"categories":{json.dumps(list(categories.values()))}}}\n'.encode())


def _annotations(found: Objects) -> Iterator[dict[str, Any]]:
    places = found.places
    for index, number in enumerate(found.ids.tolist()):
        box = _upright(found.boxes[index], float(found.angles[index]))
        points = _keypoints(places, index)
        yield {
            "keypoints": points,
            "num_keypoints": sum(flag > UNSEEN for flag in points[2::3]),
            "bbox": [round(value, 3) for value in box],
            "area": round(box[2] * box[3], 3),
            "iscrowd": 0,
            "score": round(float(found.scores[index].mean()), 4),
            "track_id": number,
        }


def _keypoints(places: Places, index: int) -> list[float]:
    """x, y and flag of each point, 0, 0, 0 for one that is not shown."""
    flat: list[float] = []
    for (x, y), seen in zip(places.xy[index].tolist(), places.opacity[index].tolist(), strict=True):
        shown = [round(x, 3), round(y, 3), SEEN if seen >= 1 else HELD]
        flat += shown if seen > 0 else [0, 0, UNSEEN]
    return flat


def _upright(box_xywh: FloatArray, angle: float) -> list[float]:
    """The upright box round a box (4,) that is turned about its centre by an angle in degrees."""
    x, y, width, height = (float(value) for value in box_xywh)
    cos, sin = (abs(f(math.radians(angle))) for f in (math.cos, math.sin))
    wide, high = width * cos + height * sin, width * sin + height * cos
    return [x + (width - wide) / 2, y + (height - high) / 2, wide, high]
