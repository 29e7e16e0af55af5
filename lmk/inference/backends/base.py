"""The interface of all inference runtimes."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from lmk.arrays import FloatArray
from lmk.model.framing import Framing
from lmk.model.points import NamedPoints
from lmk.system.errors import UnavailableError


class Inferred(NamedTuple):
    """What a model finds in a batch.

    landmarks float32 (B, K, 2) and points float32 (B, P, 2), (x, y) in input pixels; scores of the
    landmarks float32 (B, K) in [0, 1]. P is 0 for a model without named points.
    """

    landmarks: FloatArray
    scores: FloatArray
    points: FloatArray

    @property
    def places(self) -> FloatArray:
        """Landmarks, then points (B, K + P, 2)."""
        return np.concatenate([self.landmarks, self.points], axis=1)


def inferred(landmarks: FloatArray, scores: FloatArray, *points: FloatArray) -> Inferred:
    """What a file's outputs say, of which `points` may not be there."""
    none = np.empty((len(landmarks), 0, 2), np.float32)
    return Inferred(landmarks, scores, *(points or (none,)))


def require_cpu(device: str, title: str) -> None:
    """Raise UnavailableError for any device but cpu, of the runtime with this title."""
    if device != "cpu":
        raise UnavailableError(
            f"{title} runs lmk's models on the CPU, not on {device}: choose --runtime onnxruntime "
            f"for {device}"
        )


class Transfers(Protocol):
    """One inference on a device with its own memory, in three steps.

    Each step is complete when it returns, so that it can be timed. One batch is in flight: the
    steps are for one thread, and threads that call `Backend.infer` wait for one another.
    """

    def upload(self, images: npt.NDArray[np.uint8]) -> None:
        """Copy a batch to the device; see `Backend.infer`."""

    def compute(self) -> None:
        """Run the model on the batch that was copied."""

    def download(self) -> Inferred:
        """Copy what was found back."""


class Backend(Protocol):
    """One model, loaded into one inference runtime on one device; any thread may call `infer`.

    `input_size` is the side of its input, px. `framing` is None for a model without framing.
    `points` are the P named points, maybe none.
    """

    name: str
    description: str
    num_landmarks: int
    input_size: int
    framing: Framing | None
    points: NamedPoints

    @property
    def transfers(self) -> Transfers | None:
        """The steps of an inference; None on the CPU, where nothing is copied."""

    def infer(self, images: npt.NDArray[np.uint8]) -> Inferred:
        """Find the landmarks and points of a batch.

        images uint8 RGB (B, S, S, 3), S the input size, B >= 1.
        """

    def layers(self) -> dict[str, int]:
        """Number of convolutions per precision that they are really computed in."""
