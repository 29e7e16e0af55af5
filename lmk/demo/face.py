"""First part of the demo: the shipped faces, from weights to a video with landmarks."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np

from lmk.arrays import FloatArray, Image
from lmk.demo.clip import camera_path, write_clip
from lmk.drawing.sheet import TILE, Section
from lmk.exporting.export import export_model
from lmk.exporting.fold_on_device import fold_to_onnx
from lmk.exporting.options import ExportOptions
from lmk.exporting.samples import drawn_samples
from lmk.geometry import apply_affine, invert_affine
from lmk.inference.backends.select import open_backend
from lmk.model.folder import find_model
from lmk.system.opencv import cv2
from lmk.system.progress import Reporter
from lmk.video.context import RunContext
from lmk.video.open_models import open_models
from lmk.video.options import TrackOptions
from lmk.video.outputs import Outputs, run_into
from lmk.video.sources.open import open_source, open_sources

TEACHER, STUDENT = "faces", "faces-small"
SHEET_FRAMES = 6
TIMED = 20


def show_faces(folder: Path, report: Reporter, verify: bool) -> Section:
    """Fold, write, and run the student on a clip; with `verify`, which needs torch, check the file.

    Writes faces.onnx, clip.mp4, faces.mp4 and faces.jsonl into the folder; returns a section
    of annotated frames. Raises ParityError, OutputError.
    """
    path = _export(folder, report) if verify else _fold(folder, report)
    report.say(
        f"one face takes {_fastest_ms(str(path)):.1f} ms in {TEACHER}, and "
        f"{_fastest_ms(STUDENT):.2f} ms in its student {STUDENT}, which runs now"
    )
    clip, video, lines = folder / "clip.mp4", folder / "faces.mp4", folder / "faces.jsonl"
    write_clip(clip)
    options = TrackOptions(region="center", smoothing=None)
    models = open_models([STUDENT], options, still=False)
    with open_sources([str(clip)], report) as sources:
        summary = run_into(Outputs([video, lines]), sources, models, RunContext(report))
    runs_on = models[0].backend.description
    report.say(f"ran {summary.frames} frames at {summary.fps:.0f} frames/s with {runs_on}")
    drift = following_error(read_landmarks(lines))
    report.say(f"landmarks stay on the face within {drift:.1f} % of the distance between the eyes")
    return Section("faces: ten landmarks that nobody annotated", _frames(video))


def _fold(folder: Path, report: Reporter) -> Path:
    faces = find_model(TEACHER)
    path = fold_to_onnx(faces, faces.core(), folder)
    report.say(f"folded the adapter into its core: {path}")
    return path


def _export(folder: Path, report: Reporter) -> Path:
    faces = find_model(TEACHER)
    samples = drawn_samples(faces.architecture.input_size)
    exported = export_model(faces, folder, ExportOptions(), samples, None, report)
    assert exported.parity is not None
    report.say(f"exported {exported.path}: {exported.parity.describe()}")
    return exported.path


def _fastest_ms(model: str) -> float:
    """Time of one picture in the default runtime, the fastest of some."""
    backend = open_backend(model)
    crop, times = np.zeros((1, backend.input_size, backend.input_size, 3), np.uint8), []
    for _ in range(TIMED):
        start = time.perf_counter()
        backend.infer(crop)
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def read_landmarks(lines: Path) -> FloatArray:
    """Read the landmarks of a clip's one object from JSON Lines, (T, K, 2) in frame pixels."""
    rows = [json.loads(line)["objects"][0]["landmarks"] for line in lines.read_text().splitlines()]
    return np.array(rows, np.float32)


def following_error(xy_image: FloatArray) -> float:
    """Measure how far landmarks (T, K, 2), in frame pixels, move on the face.

    The camera's path is known, so the landmarks of every frame can be mapped to the photograph.
    Returns their mean distance there from their mean places, in percent of the distance between the
    eyes, which is 44.5 pixels.
    """
    xy_photograph = apply_affine(invert_affine(camera_path()), xy_image)
    strays = np.linalg.norm(xy_photograph - xy_photograph.mean(axis=0), axis=-1)
    return float(100 * strays.mean() / 44.5)


def _frames(video: Path) -> list[Image]:
    """Choose frames of the video with landmarks, cropped to the centred square."""
    with open_source(str(video)) as source:
        images = [frame.image_bgr for frame in source]
    places = (2 * np.arange(SHEET_FRAMES) + 1) * len(images) // (2 * SHEET_FRAMES)
    chosen = [images[place] for place in places]
    margin = (chosen[0].shape[1] - chosen[0].shape[0]) // 2
    squares = [image[:, margin : image.shape[1] - margin] for image in chosen]
    return [cv2.resize(s, (TILE, TILE), interpolation=cv2.INTER_AREA) for s in squares]
