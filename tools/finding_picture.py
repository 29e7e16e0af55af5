"""Draw foxes into a photograph, find them by their landmarks, and write the picture.

python tools/finding_picture.py MODEL OUT.jpg [--seed 1]

MODEL is one of foxes: lmk data draw -o foxes --count 600, then `lmk train` or `lmk distill`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from lmk.arrays import Image
from lmk.data.photograph import photograph
from lmk.data.synthetic import draw
from lmk.drawing.draw import draw_landmarks
from lmk.geometry import input_to_image_of
from lmk.inference.regions.landmarks import Finding
from lmk.inference.rounds import in_rounds
from lmk.system.files import replacing
from lmk.video.open_models import open_models
from lmk.video.options import TrackOptions

SIZE_WH = (960, 540)
# Boxes and angles of the foxes.
PLACES = [
    (30, 170, 330, 330, 0),
    (420, 40, 180, 180, 0),
    (640, 20, 120, 120, 0),
    (690, 250, 260, 260, 75),
    (410, 330, 170, 170, -60),
    (830, 60, 95, 95, 0),
]


def scene(seed: int) -> Image:
    """A photograph with foxes at PLACES, uint8 BGR."""
    image = np.ascontiguousarray(cv2.resize(photograph()[200:488], SIZE_WH), np.uint8)
    foxes, _ = draw(len(PLACES), seed=seed, size=320)
    for fox, to_image in zip(foxes, input_to_image_of(PLACES, 320), strict=True):
        cv2.warpAffine(fox[..., ::-1], to_image, SIZE_WH, image, borderMode=cv2.BORDER_TRANSPARENT)
    return image


def main() -> None:
    """Draw, find, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    finding = Finding(angles=(-60.0, 0.0, 60.0), min_size=0.1)
    options = TrackOptions("landmarks", smoothing=None, finding=finding)
    (model,) = open_models([given.model], options, still=True)
    image = scene(given.seed)
    (found,) = in_rounds(model.backend, [(image, model.new_tracker().track(image, 0.0, False))])
    drawn = draw_landmarks(image, found.xy, found.scores, found.boxes, True, found.angles)
    with replacing(given.output) as temporary:
        temporary.write_bytes(cv2.imencode(given.output.suffix, drawn)[1].tobytes())
    print(f"{given.output}: {len(found.ids)} of {len(PLACES)} foxes")


if __name__ == "__main__":
    main()
