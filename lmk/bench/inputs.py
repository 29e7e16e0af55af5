"""Frames for timing, crops for comparison, and their reference landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lmk.arrays import FloatArray
from lmk.exporting.reference import NAMES, Reference, reference_places
from lmk.exporting.samples import (
    DRAWN,
    HELD_OUT,
    MAX_VERIFY,
    Samples,
    calibration_samples,
    drawn_samples,
    folder_samples,
)
from lmk.model.folder import Model

FRAMES = 4
FRAME_WH = (640, 480)
SEED = 1  # other foxes than the parity sample's


@dataclass(frozen=True, eq=False)
class Inputs:
    """uint8 BGR frames (F, 480, 640, 3); samples; their float32 landmarks (N, K, 2), input px."""

    frames: npt.NDArray[np.uint8]
    samples: Samples
    expected: FloatArray
    reference: str

    def save(self, folder: Path) -> None:
        """Write it for another process, which calls `load`."""
        np.save(folder / "frames.npy", self.frames)
        np.save(folder / "crops.npy", self.samples.crops)
        np.save(folder / "expected.npy", self.expected)
        np.save(folder / "names.npy", np.array([*self.samples.names, self.samples.source]))
        (folder / "reference.txt").write_text(self.reference)


def choose_samples(
    verify_data: Path | None, calibration_data: Path | None, input_size: int
) -> tuple[Samples, Samples]:
    """Crops to compare on, and other crops to calibrate int8 on.

    Without folders they are drawn foxes. Without `verify_data` the photographs to calibrate on are
    split for both. Raises DataError.
    """
    if calibration_data is None:
        calibration, verify = drawn_samples(input_size, 2 * DRAWN).split(2)
    else:
        calibration = calibration_samples(calibration_data, input_size)
        if verify_data is None:
            calibration, verify = calibration.split(HELD_OUT)
    if verify_data is not None:
        verify = folder_samples(verify_data, MAX_VERIFY, input_size)
    return verify, calibration


def make_inputs(model: Model, samples: Samples) -> Inputs:
    """Draw frames of a camera's size, and find the reference landmarks.

    They are those of the torch network, or without torch those of the float32 ONNX graph.
    """
    reference: Reference = "network" if find_spec("torch") else "onnx"
    expected = reference_places(model, samples.crops, reference)
    return Inputs(drawn_frames(), samples, expected, NAMES[reference])


def load_inputs(folder: Path) -> Inputs:
    """Read what `Inputs.save` wrote."""
    *names, source = np.load(folder / "names.npy").tolist()
    samples = Samples(np.load(folder / "crops.npy"), names, source)
    frames, expected = (np.load(folder / f"{name}.npy") for name in ("frames", "expected"))
    return Inputs(frames, samples, expected, (folder / "reference.txt").read_text())


def drawn_frames(count: int = FRAMES) -> npt.NDArray[np.uint8]:
    """Drawn foxes in the middle of frames of a camera's size, uint8 BGR (N, 480, 640, 3)."""
    from lmk.data.synthetic import draw

    width, height = FRAME_WH
    foxes = draw(count, SEED, height)[0][..., ::-1]
    margin = (width - height) // 2
    frames: npt.NDArray[np.uint8] = np.pad(
        foxes, ((0, 0), (0, 0), (margin, margin), (0, 0)), "edge"
    )
    return frames
