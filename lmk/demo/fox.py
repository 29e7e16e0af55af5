"""Second part of the demo: adapt the shipped core to a drawn category, without labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from lmk.arrays import FloatArray
from lmk.data.packed import content_sha256
from lmk.data.resize import resize_crops
from lmk.data.source import UnlabelledSet
from lmk.data.synthetic import draw
from lmk.drawing.sheet import Section, tile
from lmk.evaluation.formulas.spread import spread
from lmk.model.folder import Model, find_model
from lmk.networks.detect import detect
from lmk.networks.load import load_network
from lmk.networks.projection import project
from lmk.system.progress import Reporter
from lmk.training.adaptation.job import adapt
from lmk.training.device import select_compute
from lmk.training.loop import Run
from lmk.training.options import AdaptOptions, RunOptions

TRAINING_IMAGES = 800
SHOWN = 6
# A demo is short: small batches and high rates.
OPTIONS = AdaptOptions(
    steps=150,
    batch_size=8,
    rate_body=5e-4,
    rate_head=3e-3,
    perceptual_factor=6.0,
    color=0.0,
)
MAX_MINUTES = 3.0


def show_foxes(folder: Path, report: Reporter) -> list[Section]:
    """Adapt for about two minutes; return sections of foxes with landmarks before and after.

    The run folder is `folder/fox`. The points of the drawings are not used. Raises TrainingError,
    OutputError.
    """
    core = find_model("core-pose")
    report.say(f"drawing {TRAINING_IMAGES} foxes; their points are not used")
    crops = draw(TRAINING_IMAGES, seed=1)[0]
    run = Run(folder / "fox", select_compute(), report, RunOptions(max_minutes=MAX_MINUTES))
    adapted = adapt(UnlabelledSet(crops, content_sha256(crops)), core, OPTIONS, run)
    images = resize_crops(draw(SHOWN, seed=2)[0], core.architecture.input_size)
    before = _untrained_landmarks(core, images)
    after = detect(*load_network(adapted), images)[0]
    report.say(
        f"landmarks of a fox lie {spread(before).nearest_px:.1f} px apart before and "
        f"{spread(after).nearest_px:.1f} px after (nearest neighbours, 128 px input)"
    )
    return [
        _section("foxes before adaptation", images, before),
        _section("foxes after adaptation without labels", images, after),
    ]


def _untrained_landmarks(core: Model, images: npt.NDArray[np.uint8]) -> FloatArray:
    """Landmarks of the core with the new head that adaptation starts from."""
    network = project(load_network(core)[0], OPTIONS.keypoints)
    return detect(network, OPTIONS.beta, images)[0]


def _section(title: str, images: npt.NDArray[np.uint8], xy_input: FloatArray) -> Section:
    pairs = zip(images, xy_input, strict=True)
    return Section(
        title, [tile(np.ascontiguousarray(image[:, :, ::-1]), xy) for image, xy in pairs]
    )
