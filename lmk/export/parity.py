"""The parity check: an exported file against the torch network it was made from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from lmk.data.synthetic import draw
from lmk.errors import ParityError
from lmk.export.onnx_session import run_onnx
from lmk.geometry import INPUT_SIZE, heatmap_to_input
from lmk.model.folder import Model
from lmk.networks.load import load_network
from lmk.networks.softargmax import softargmax

LIMIT_PX = {"fp32": 0.05}
IMAGES = 32


@dataclass(frozen=True)
class Parity:
    """Distances between landmarks of two implementations, in pixels of the 128 x 128 input."""

    mean_px: float
    max_px: float
    images: int

    def describe(self) -> str:
        """One phrase for a person."""
        return (
            f"landmarks within {self.max_px:.1e} px of the network's "
            f"(mean {self.mean_px:.1e}, {self.images} images)"
        )

    def metadata(self) -> str:
        """Text for an exported file's `verify` entry."""
        return f"mean_px={self.mean_px:.2e} max_px={self.max_px:.2e} n={self.images}"


def measure_parity(model: Model, onnx_file: Path) -> Parity:
    """Compare landmarks of the network as it was trained, projections apart, with the file's.

    The pictures are drawn: objects on textured grounds, turned and scaled. Raises UnavailableError
    when ONNX Runtime is not installed.
    """
    images = draw(IMAGES, seed=0, size=INPUT_SIZE)[0]
    expected = _torch_landmarks(model, images)
    actual = run_onnx(onnx_file, images)
    distance = np.linalg.norm(actual - expected, axis=-1)
    return Parity(float(distance.mean()), float(distance.max()), len(images))


def require_parity(parity: Parity, precision: str = "fp32") -> None:
    """Raise ParityError when the largest distance is above the precision's limit, or NaN."""
    limit = LIMIT_PX[precision]
    if not parity.max_px <= limit:
        raise ParityError(
            f"exported landmarks differ from the network's by up to {parity.max_px:.3f} px "
            f"(mean {parity.mean_px:.3f}); the limit for {precision} is {limit} px. "
            "The file was not kept; --no-verify keeps it all the same"
        )


def _torch_landmarks(model: Model, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    network, beta = load_network(model, folded=False)
    with torch.no_grad():
        heatmaps = network(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255)
        xy_heatmap = softargmax(heatmaps, beta)[0]
    return heatmap_to_input(xy_heatmap).numpy()  # type: ignore[no-any-return]
