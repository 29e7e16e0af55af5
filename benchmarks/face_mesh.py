"""How long does a tracked 720p frame take, beside MediaPipe Face Mesh? All alternate.

python benchmarks/face_mesh.py [--models faces,faces-small,faces-tiny] [--runtime onnxruntime]
    [--seconds 10] [--json FILE] [--plot FILE]

One face moves through the frames, which are decoded before. lmk's time is that of region, crop,
network and filter; Face Mesh's that of `process` for one face in a video, from RGB. Needs
`pip install mediapipe==0.10.14` beside lmk, best in an environment of its own.
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import count
from pathlib import Path

import cv2
from output import bar_rows, finish, parse, print_rows
from turns import Call, Contender, in_turns, relative
from video import FPS, write_clip

from lmk.arrays import Image
from lmk.bench.record import StartState, make_record
from lmk.inference.backends.select import open_backend
from lmk.system.progress import Reporter
from lmk.video.context import RunContext
from lmk.video.open_models import prepare_model
from lmk.video.options import TrackOptions
from lmk.video.run_model import ModelStep
from lmk.video.sources.base import Frame
from lmk.video.sources.open import open_source

SIZE_WH = (1280, 720)
FRAMES = 100
FACE_MESH = "MediaPipe Face Mesh"
FINDING = 3  # frames at the beginning, in which a face need not be found; they are not measured


def frames() -> list[Image]:
    """The frames of a clip with one face, uint8 BGR; played repeatedly it has no jump."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        write_clip(clip, FRAMES, SIZE_WH)
        with open_source(str(clip)) as source:
            return [frame.image_bgr for frame in source]


def in_lmk(name: str, runtime: str) -> Call:
    """A function that tracks in the next frame, as `lmk run` does."""
    model = prepare_model(name, open_backend(name, runtime), TrackOptions(), still=False)
    step, numbers = ModelStep(model, 1, RunContext(Reporter())), count()

    def track(image_bgr: Image) -> None:
        number = next(numbers)
        (found,) = step({0: Frame(number, number / FPS, image_bgr)})
        if number >= FINDING and len(found.ids) != 1:
            raise RuntimeError(f"found {len(found.ids)} faces in frame {number}, expected 1")

    return track


def in_face_mesh() -> Call:
    """A function that tracks in the next frame; the conversion to RGB is part of its time."""
    from mediapipe.python.solutions.face_mesh import FaceMesh

    mesh, numbers = FaceMesh(static_image_mode=False, max_num_faces=1), count()

    def track(image_bgr: Image) -> None:
        found = mesh.process(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB)).multi_face_landmarks
        if next(numbers) >= FINDING and not found:
            raise RuntimeError("found no face")

    return track


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="faces,faces-small,faces-tiny", help="with commas")
    parser.add_argument("--runtime", default="onnxruntime")
    parser.add_argument("--seconds", type=float, default=10, help="measuring time per row")
    given = parse(parser)
    start = StartState()
    contenders: dict[str, Contender] = {FACE_MESH: (in_face_mesh, ())}
    contenders |= {name: (in_lmk, (name, given.runtime)) for name in given.models.split(",")}
    measured = in_turns(contenders, given.seconds, frames)
    rows = relative(measured, FACE_MESH, "to_mesh")
    heads = {"way": "", "p50": "p50 ms", "mean": "mean ms", "p99": "p99 ms", "to_mesh": "to mesh"}
    print_rows(rows, heads | ({"why_not": "why not"} if any("why_not" in r for r in rows) else {}))
    bars = [(name, figures["p50"]) for name, figures in measured.items() if "p50" in figures]
    settings = {"models": given.models, "runtime": given.runtime, "seconds": given.seconds}
    chart = bar_rows(bars, "median time of a tracked 720p frame, ms")
    finish(make_record("face_mesh", start, settings, rows), chart, given)


if __name__ == "__main__":
    main()
