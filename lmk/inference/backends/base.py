"""What every inference runtime offers the rest of lmk."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from lmk.arrays import FloatArray
from lmk.model.framing import Framing


class Transfers(Protocol):
    """One inference on a device with memory of its own, in three steps.

    Each step is done when it returns, so that it can be timed.
    """

    def upload(self, images: npt.NDArray[np.uint8]) -> None:
        """Copy a batch to the device; see `Backend.infer`."""

    def compute(self) -> None:
        """Run the model on the batch that was copied."""

    def download(self) -> tuple[FloatArray, FloatArray]:
        """Copy landmarks and scores back; see `Backend.infer`."""


class Backend(Protocol):
    """One model, loaded into one inference runtime on one device.

    `input_size` is the side of its input, px. `framing` is None for a model that does not say how
    its objects are framed.
    """

    name: str
    description: str
    num_landmarks: int
    input_size: int
    framing: Framing | None

    @property
    def transfers(self) -> Transfers | None:
        """An inference taken apart; None on the processor, where nothing is copied."""

    def infer(self, images: npt.NDArray[np.uint8]) -> tuple[FloatArray, FloatArray]:
        """Find the landmarks of a batch.

        images uint8 RGB (B, S, S, 3), S the input size, B >= 1. Returns landmarks float32
        (B, K, 2), (x, y) in input pixels, and scores float32 (B, K) in [0, 1].
        """

    def layers(self) -> dict[str, int]:
        """Number of convolutions that are really computed in each precision."""
