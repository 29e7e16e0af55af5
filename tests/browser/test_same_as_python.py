"""The page's library computes what the Python runtime computes."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runtime_cases import CROPS, fits, framing, textured

from lmk.arrays import FloatArray, Image
from lmk.artifact.onnx_model import build_onnx
from lmk.geometry import apply_affine, crops_of_boxes, input_to_image_of, invert_affine
from lmk.inference.boxes import apart, overlap
from lmk.inference.crops import cut_crops
from lmk.inference.regions.landmarks import Finding, LandmarkSearch, grid
from lmk.inference.rounds import Located
from lmk.model.folder import find_model
from lmk.model.framing import Framing
from lmk.video.filters.base import Smoothing
from lmk.video.motion import Motion
from lmk.video.scene import glance, same_scene
from lmk.video.smoothing import Smoother
from lmk.video.tracker import Tracker, Tracking, best_pairs

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(
    not NODE and not os.environ.get("LMK_REQUIRE_BROWSER"),
    reason="needs Node.js, which is not here",
)
pytestmark = needs_node
HERE = Path(__file__).parent
RNG = np.random.default_rng(26)


def ask(*calls: list[Any]) -> list[Any]:
    """The answers of the library to calls [name, argument, ...]."""
    assert NODE, "no Node.js on this machine (Debian: apt-get install nodejs)"
    done = subprocess.run(
        [NODE, str(HERE / "answer.mjs")],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def random_boxes(count: int, angle: bool = True) -> FloatArray:
    boxes = RNG.uniform([-40, -30, 20, 30, -170], [300, 200, 260, 240, 170], (count, 5))
    boxes[:, 4] *= angle
    return boxes.astype(np.float32)


def as_frame(image_bgr: Image) -> dict[str, Any]:
    height, width = image_bgr.shape[:2]
    rgba = np.dstack([image_bgr[:, :, ::-1], np.full((height, width), 255, np.uint8)])
    return {"width": width, "height": height, "data": base64.b64encode(rgba.tobytes()).decode()}


def test_boxes_and_frames_of_reference() -> None:
    boxes = random_boxes(12)
    boxes[::3, 4] = 0
    crops, matrices, inverses = (
        ask(*([name, *more] for more in given))
        for name, given in (
            ("cropOfBox", [(b,) for b in boxes.tolist()]),
            ("inputToImage", [(b, 96) for b in boxes.tolist()]),
            ("invertAffine", [(m,) for m in input_to_image_of(boxes, 96).tolist()]),
        )
    )
    assert np.allclose(crops, crops_of_boxes(boxes), atol=1e-3)
    assert np.allclose(matrices, input_to_image_of(boxes, 96), atol=1e-3)
    assert np.allclose(inverses, invert_affine(input_to_image_of(boxes, 96)), atol=1e-3)
    (found,) = ask(["apart", boxes.tolist(), 0.2])
    assert found == apart(boxes, np.arange(12), 0.2)
    shares = ask(*(["overlap", boxes[0].tolist(), other] for other in boxes.tolist()))
    assert np.allclose(shares, overlap(boxes[0], boxes), atol=1e-5)


@pytest.mark.parametrize(
    ("size_wh", "box", "size"),
    CROPS,
)
def test_crops(size_wh: tuple[int, int], box: tuple[float, ...], size: int) -> None:
    image = textured(*size_wh)
    (sent,) = ask(["cutCrop", as_frame(image), list(box), size])
    found = np.frombuffer(base64.b64decode(sent), np.uint8).reshape(size, size, 3).astype(int)
    expected = cut_crops(image, np.array([box], np.float32), size)[0][0].astype(int)
    apart = np.abs(found - expected)
    # OpenCV rounds places to 1/32 pixel, and the samples of a pixel before their mean.
    assert apart.mean() < 0.6
    assert np.percentile(apart, 99.9) <= 4


def as_json(one: Framing) -> dict[str, Any]:
    return json.loads(one.to_json())


def test_framing_fits_scales_shifts_and_angles() -> None:
    one, calls, expected = framing(), [], []
    for xy, scores, turned, box, misfit_px in fits():
        calls.append(["fit", as_json(one), xy.tolist(), scores.tolist(), turned])
        expected.append((box, misfit_px))
    for found, (box, misfit_px) in zip(ask(*calls), expected, strict=True):
        assert np.allclose(found["box"], box, atol=0.02)
        assert found["misfitPx"] == pytest.approx(misfit_px, abs=1e-3)


def test_confidence_and_the_least_score() -> None:
    one = framing()
    assert one.find_scores
    shares, scores = [0.001, 0.3, 0.95, 0.9999], np.linspace(0.3, 0.99, 9)
    found = ask(*(["quantile", share, *one.find_scores] for share in shares))
    assert np.allclose(found, [one.least_score(share) for share in shares], atol=1e-9)
    found = ask(*(["cumulative", score, *one.find_scores] for score in scores.tolist()))
    assert np.allclose(found, one.confidence(scores[:, None].astype(np.float32)), atol=1e-6)


@pytest.mark.parametrize("size_wh", [(640, 480), (300, 777), (15, 200)])
@pytest.mark.parametrize("angles", [(0.0,), (-60.0, 0.0, 45.0)])
def test_the_grid_of_a_search(size_wh: tuple[int, int], angles: tuple[float, ...]) -> None:
    (found,) = ask(["grid", *size_wh, {"minSize": 0.1, "angles": list(angles)}])
    expected = grid(*size_wh, Finding(min_size=0.1, angles=angles))
    assert np.allclose(np.array(found).reshape(-1, 5), expected, atol=1e-3)


def test_motion_and_pairs() -> None:
    steps, time_s = [], 0.0
    for index in range(20):
        time_s += (0.04, 0.04, 0.3, 0.02)[index % 4]
        box = [10 + 6 * index + RNG.normal(), 40 - 3 * index, 80 + index, 80 + index, 2 * index]
        steps.append({"timeS": time_s, "box": [float(value) for value in box]})
    motion = Motion(np.array(steps[0]["box"], np.float32), steps[0]["timeS"])
    expected = []
    for step in steps[1:]:
        expected.append(motion.predict(step["timeS"]))
        motion.observe(np.array(step["box"], np.float32), step["timeS"])
    boxes, places = random_boxes(9), random_boxes(12).reshape(6, 2, 5)
    predicted, pairs = ask(["motion", steps], ["bestPairs", boxes.tolist(), places.tolist()])
    assert np.allclose(predicted, expected, atol=0.01)
    assert dict(pairs) == best_pairs(boxes, places)


def test_smoothing_of_objects_that_come_and_go() -> None:
    smoother, calls, expected = Smoother(Smoothing()), [], []
    boxes = random_boxes(3)
    places = RNG.uniform(0, 300, (3, 4, 2)).astype(np.float32)
    for index in range(30):
        time_s = 0.033 * index if index != 12 else 0.033 * 11  # one time repeats
        keys = [key for key in range(3) if (index + 5 * key) % 11 > 2]
        places = places + RNG.normal(0, 3, places.shape).astype(np.float32)
        scores = RNG.uniform(0, 1, (3, 4)).astype(np.float32)
        boxes = boxes + np.array([2, 1, 0.5, 0.5, 1], np.float32)
        objects = [
            {
                "key": key,
                "xy": places[key].tolist(),
                "scores": scores[key].tolist(),
                "box": boxes[key].tolist(),
            }
            for key in keys
        ]
        calls.append({"timeS": time_s, "objects": objects})
        expected.append(smoother(time_s, keys, places[keys], scores[keys], boxes[keys]))
    (found,) = ask(["smooth", calls])
    for frame, (xy, opacity) in zip(found, expected, strict=True):
        assert np.allclose([one["xy"] for one in frame], xy, atol=0.02)
        assert np.allclose([one["opacity"] for one in frame], opacity, atol=1e-4)


def test_scenes() -> None:
    one, other = textured(320, 240), textured(320, 240)[::-1].copy()
    brighter, moved = np.clip(one.astype(int) + 25, 0, 255).astype(np.uint8), np.roll(one, 1, 1)
    pairs = [(one, other), (one, brighter), (one, moved), (one, one)]
    found = ask(*(["sameScene", as_frame(a), as_frame(b)] for a, b in pairs))
    assert found == [same_scene(glance(a), glance(b)) for a, b in pairs]
    assert True in found
    assert False in found


def test_metadata_of_an_exported_file() -> None:
    model = find_model("cats-small")
    proto = build_onnx(model)
    (found,) = ask(["metadata", base64.b64encode(proto.SerializeToString()).decode()])
    known = model.manifest
    assert (found["name"], found["numLandmarks"]) == (known.name, known.num_landmarks)
    assert found["inputSize"] == 128
    assert known.framing
    assert np.allclose(found["framing"]["mean"], known.framing.landmarks_input)
    assert found["framing"]["findScores"] == list(known.framing.find_scores or ())


def clip() -> list[dict[str, Any]]:
    """Frames with two squares that move, of which one is hidden twice, and a cut."""
    frames = []
    for index in range(140):
        one = [100 + 2 * index, 80 + 10 * np.sin(index / 5), 150, 150, 30 * np.sin(index / 12)]
        two = [380 - index, 250 + 2 * np.cos(index), 120, 120, 0]
        objects = [one] * (index not in range(20, 26)) + [two] * (index not in range(33, 66))
        scene = 101 if 45 <= index < 60 else 37
        objects = [[float(value) for value in box] for box in objects]
        frames.append({"timeS": round(0.04 * index, 3), "scene": scene, "objects": objects})
    return frames


@cache
def frame_of(scene: int) -> Image:
    """As in answer.mjs: the bytes of RGBA are multiples of a number."""
    rgba = (np.arange(480 * 640 * 4) * scene % 251).astype(np.uint8).reshape(480, 640, 4)
    return np.ascontiguousarray(rgba[:, :, 2::-1])


def find(one: Framing, objects: list[list[float]], box: FloatArray) -> tuple[FloatArray, float]:
    """As in answer.mjs: what a model would find in a box."""
    near = [o for o in objects if overlap(np.array(o), box) > 0.15]
    x, y, width, height = (float(value) for value in box[:4])
    place = near[0] if near else [x, y, width / 3, height / 3, 0]
    mean = np.array(one.landmarks_input, np.float64)
    if not near:
        mean[:, 0] += 40 * (np.arange(len(mean)) % 3)
    matrix = input_to_image_of(np.array([place]), one.input_size)
    return apply_affine(matrix, mean.astype(np.float32))[0], 0.9 if near else 0.2


@pytest.mark.parametrize("follow", [True, False])
def test_tracks_are_those_of_the_python_tracker(follow: bool) -> None:
    one, frames = framing(), clip()
    options = {"follow": follow, "searchS": 2, "searchMs": None, "smoothing": {}}
    (found,) = ask(["follow", as_json(one), frames, options])
    tracker = Tracker("m", LandmarkSearch(), one, Tracking(follow=follow), Smoothing())
    numbers = set()
    for sent, frame in zip(found, frames, strict=True):
        search = tracker.track(frame_of(frame["scene"]), frame["timeS"], smooth=True)
        boxes = next(search)
        try:
            while True:
                located = [find(one, frame["objects"], box) for box in boxes]
                shape = (len(boxes), len(one.landmarks_input))
                xy = np.array([xy for xy, _ in located], np.float32).reshape(*shape, 2)
                scores = np.repeat(
                    [[score] for _, score in located] or np.empty((0, 1)), shape[1], 1
                )
                points = np.empty((len(boxes), 0, 2), np.float32)
                boxes = search.send(Located(xy, scores.astype(np.float32), points))
        except StopIteration as end:
            expected = end.value
        assert [each["id"] for each in sent] == expected.ids.tolist(), frame["timeS"]
        numbers |= set(expected.ids.tolist())
        for row, each in enumerate(sent):
            assert np.allclose(each["box"][:4], expected.boxes[row], atol=0.05)
            assert each["box"][4] == pytest.approx(expected.angles[row], abs=0.02)
            assert np.allclose(each["places"], expected.xy[row], atol=0.05)
    assert len(numbers) > 2  # objects were lost for good, and found anew
