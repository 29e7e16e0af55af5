"""The interface of all inference runtimes."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from lmk.arrays import FloatArray
from lmk.model.framing import Framing


class Transfers(Protocol):
    """One inference on a device with its own memory, in three steps.

    Each step is complete when it returns, so that it can be timed. One batch is in flight: the
    steps are for one thread, and threads that call `Backend.infer` wait for one another.
    """

    def upload(self, images: npt.NDArray[np.uint8]) -> None:
        """Copy a batch to the device; see `Backend.infer`."""

    def compute(self) -> None:
        """Run the model on the batch that was copied."""

    def download(self) -> tuple[FloatArray, FloatArray]:
        """Copy landmarks and scores back; see `Backend.infer`."""


class Backend(Protocol):
    """One model, loaded into one inference runtime on one device; any thread may call `infer`.

    `input_size` is the side of its input, px. `framing` is None for a model without framing.
    """

    name: str
    description: str
    num_landmarks: int
    input_size: int
    framing: Framing | None

    @property
    def transfers(self) -> Transfers | None:
        """The steps of an inference; None on the CPU, where nothing is copied."""

    def infer(self, images: npt.NDArray[np.uint8]) -> tuple[FloatArray, FloatArray]:
        """Find the landmarks of a batch.

        images uint8 RGB (B, S, S, 3), S the input size, B >= 1. Returns landmarks float32
        (B, K, 2), (x, y) in input pixels, and scores float32 (B, K) in [0, 1].
        """

    def layers(self) -> dict[str, int]:
        """Number of convolutions per precision that they are really computed in."""
