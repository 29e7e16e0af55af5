"""What a port of the runtime computes, compared with the Python runtime.

A port is a program that takes words on standard input, the framing of faces-small and then calls,
and answers each call with a line of numbers.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runtime_cases import CROPS, fits, framing, textured

from lmk.arrays import DoubleArray, FloatArray, Image
from lmk.geometry import apply_affine, input_to_image_of
from lmk.inference.boxes import overlap
from lmk.inference.crops import cut_crops
from lmk.inference.regions.landmarks import Finding, LandmarkSearch
from lmk.inference.rounds import Located
from lmk.model.framing import Framing
from lmk.video.filters.base import Smoothing
from lmk.video.filters.one_euro import OneEuro
from lmk.video.result import Objects
from lmk.video.smoothing import Smoother
from lmk.video.tracker import Tracker, Tracking

EXAMPLES = Path(__file__).parents[2] / "tools" / "examples"


def words(*values: Any) -> str:
    return " ".join(str(value) for one in values for value in np.ravel(one).tolist())


def run(*command: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, input=given, capture_output=True, timeout=900, check=False)


def skip_or_fail(reason: str) -> None:
    if os.environ.get("LMK_REQUIRE_EXAMPLES"):
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass(frozen=True)
class Port:
    """command: of the program."""

    command: Sequence[str]

    def ask(self, *calls: str) -> list[DoubleArray]:
        one = framing()
        told = words(one.spread_px, one.score, one.input_size, one.find_scores)
        given = [f"{len(one.landmarks_input)} {words(one.landmarks_input)} {told}", *calls]
        done = run(*self.command, given="\n".join(given).encode())
        assert done.returncode == 0, done.stderr.decode()
        return [np.array(line.split(), np.float64) for line in done.stdout.splitlines()]


def check_crops(port: Port, folder: Path) -> None:
    calls, images = [], []
    for number, (size_wh, box, size) in enumerate(CROPS):
        images.append(textured(*size_wh))
        path = folder / f"{number}.rgb"
        path.write_bytes(images[-1][:, :, ::-1].tobytes())
        calls.append(f"crop {path} {words(size_wh, size, box)}")
    for found, image, (_, box, size) in zip(port.ask(*calls), images, CROPS, strict=True):
        expected = cut_crops(image, np.array([box], np.float32), size)[0][0].astype(int)
        apart = np.abs(found.reshape(expected.shape) - expected)
        # OpenCV rounds places to 1/32 pixel, and the samples of a pixel before their mean.
        assert apart.mean() < 0.6, box
        assert np.percentile(apart, 99.9) <= 4, box


def check_fits(port: Port) -> None:
    calls, expected = [], []
    for xy, scores, turned, box, misfit_px in fits():
        calls.append(f"fit {int(turned)} {words(np.c_[xy, scores])}")
        expected.append([*box, misfit_px])
    assert np.allclose(port.ask(*calls), expected, atol=0.02)


def check_smoothing(port: Port) -> None:
    """Uneven steps of time, objects that come and go, scores above and below the limit."""
    rng, smoother, time_s = np.random.default_rng(5), Smoother(Smoothing()), 0.0
    boxes = rng.uniform([-40, -30, 60, 60, -90], [90, 90, 200, 200, 90], (3, 5)).astype(np.float32)
    places, frames, expected = rng.uniform(0, 300, (3, 4, 2)).astype(np.float32), [], []
    for index in range(30):
        time_s += (0.033, 0.008, 0.21, 0.04)[index % 4]
        keys = [key for key in range(3) if (index + 5 * key) % 11 > 2]
        places = places + rng.normal(0, 3, places.shape).astype(np.float32)
        scores = rng.uniform(0, 1, (3, 4)).astype(np.float32)
        boxes = boxes + np.array([2, 1, 0.5, 0.5, 1], np.float32)
        objects = [
            words(key, boxes[key], 4, np.c_[places[key], scores[key, :, None]]) for key in keys
        ]
        frames.append(f"{time_s} {len(keys)} {' '.join(objects)}")
        found = smoother(time_s, keys, places[keys], scores[keys], boxes[keys])
        expected += [part for row in zip(*found, strict=True) for part in row]
    (answer,) = port.ask(f"smooth {len(frames)} {' '.join(frames)}")
    assert np.allclose(answer, np.concatenate([part.ravel() for part in expected]), atol=0.02)


def check_filter(port: Port) -> None:
    """The points of one object, with uneven steps of time, of which some are none or back."""
    rng, filter_, time_s = np.random.default_rng(6), OneEuro(Smoothing()), 0.0
    places, frames, expected = rng.uniform(0, 300, (1, 4, 2)).astype(np.float32), [], []
    filter_.follow(np.array([-1]), places)
    for index in range(40):
        time_s += (0.033, 0.008, 0.21, 0.0, -0.01, 0.05)[index % 6]
        places = places + rng.normal(0, 3, places.shape).astype(np.float32) * (index != 0)
        side_px = 90 + 4 * index
        frames.append(words(time_s, side_px, 4, places))
        expected.append(filter_(time_s, places, np.full((1, 1, 1), side_px, np.float32)))
    (answer,) = port.ask(f"filter {len(frames)} {' '.join(frames)}")
    assert np.allclose(answer, np.ravel(expected), atol=0.01)


def clip_of_two() -> list[tuple[float, int, DoubleArray]]:
    """Times, scenes and objects of frames in which one is hidden at times, with two cuts."""
    frames = []
    for index in range(140):
        one = [100 + 2 * index, 80 + 10 * np.sin(index / 5), 150, 150, 30 * np.sin(index / 12)]
        two = [380 - index, 250 + 2 * np.cos(index), 120, 120, 0]
        objects = [one] * (index not in range(20, 26)) + [two] * (index not in range(33, 66))
        scene = 101 if 45 <= index < 60 else 37
        frames.append((round(0.04 * index, 3), scene, np.reshape(objects, (-1, 5))))
    return frames


@cache
def frame_of(scene: int) -> Image:
    """A frame whose bytes, in RGBA, are multiples of a number."""
    rgba = (np.arange(480 * 640 * 4) * scene % 251).astype(np.uint8).reshape(480, 640, 4)
    return np.ascontiguousarray(rgba[:, :, 2::-1])


def find(one: Framing, objects: DoubleArray, box: FloatArray) -> tuple[FloatArray, float]:
    """What a model would find in a box, computed from where the objects are."""
    near = [o for o in objects if overlap(o, box) > 0.15]
    x, y, width, height = (float(value) for value in box[:4])
    place = near[0] if near else [x, y, width / 3, height / 3, 0]
    mean = np.array(one.landmarks_input, np.float32)
    if not near:
        mean[:, 0] += 40 * (np.arange(len(mean)) % 3)  # not the shape of an object
    matrix = input_to_image_of(np.array([place]), one.input_size)
    return apply_affine(matrix, mean)[0], 0.9 if near else 0.2


def tracked(
    frames: Sequence[tuple[float, int, DoubleArray]], min_size: float = 0.14
) -> Iterator[Objects]:
    """What the Python runtime finds in each frame."""
    one, finder = framing(), LandmarkSearch(Finding(min_size=min_size))
    tracker = Tracker("m", finder, one, Tracking(follow=True), Smoothing())
    for time_s, scene, boxes in frames:
        search = tracker.track(frame_of(scene), time_s, smooth=True)
        asked = next(search)
        try:
            while True:
                found = [find(one, boxes, box) for box in asked]
                shape = len(found), len(one.landmarks_input), 2
                xy = np.array([xy for xy, _ in found], np.float32).reshape(shape)
                scores = np.repeat([score for _, score in found], xy.shape[1])
                scores = scores.astype(np.float32).reshape(xy.shape[:2])
                asked = search.send(Located(xy, scores, xy[:, :0]))
        except StopIteration as end:
            yield end.value


def check_tracks(port: Port) -> None:
    frames, expected, numbers = clip_of_two(), [], set[int]()
    for found in tracked(frames):
        numbers |= set(found.ids.tolist())
        boxes = np.c_[found.ids, found.boxes, found.angles]
        rows = np.c_[boxes, found.xy.reshape(len(boxes), 20)]
        expected += [np.array([len(rows)]), rows.ravel()]
    sent = [f"{time_s} {scene} {len(boxes)} {words(boxes)}" for time_s, scene, boxes in frames]
    (answer,) = port.ask(f"follow {len(frames)} {' '.join(sent)}")
    assert np.allclose(answer, np.concatenate(expected), atol=0.06)
    assert len(numbers) > 2  # objects were lost for good, and found anew


def check_tracks_of_one(port: Port) -> None:
    """An object that moves, turns, is hidden for a while, and is then elsewhere."""
    frames, expected, counts = [], [], []
    for index in range(120):
        x = 100 + 3 * index if index < 60 else 60
        box = [x, 120 + 30 * np.sin(index / 9), 210, 210, 35 * np.sin(index / 12)]
        seen = index not in range(40, 75)
        frames.append((round(0.04 * index, 3), 37, np.reshape([box] * seen, (-1, 5))))
    for found in tracked(frames, min_size=0.3):
        counts.append(len(found.ids))
        rows = np.c_[found.boxes, found.angles, found.xy.reshape(len(found.ids), 20)]
        expected += [np.array([len(rows)]), rows.ravel()]
    sent = [f"{time_s} {len(boxes)} {words(boxes)}" for time_s, _, boxes in frames]
    (answer,) = port.ask(f"follow {len(frames)} {' '.join(sent)}")
    assert np.allclose(answer, np.concatenate(expected), atol=0.06)
    assert counts[:40] == [1] * 40
    assert 0 in counts
    assert counts[-1] == 1


def check_constants(text: str) -> None:
    """Constants NAME = VALUE are those of the Python module that the last comment before names."""
    module, checked = None, set[str]()
    for line in text.splitlines():
        if found := re.search(r"// (lmk/[\w/]+)\.py", line):
            module = import_module(found[1].replace("/", "."))
        for name, value in re.findall(r"\b([A-Z][A-Z_]+) = (-?[\d.]+)", line.split("//")[0]):
            assert module, line
            assert float(value) == getattr(module, name), f"{module.__name__}.{name}"
            checked.add(name)
    assert {"SAMPLES_APART", "LOST_SCORE", "ACCELERATION", "SPEED_CUTOFF_HZ"} <= checked
