"""Inference by PyTorch in float32, to check the other runtimes against the network itself."""

from __future__ import annotations

from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lmk.arrays import Images
from lmk.inference.backends.base import Inferred, inferred
from lmk.inference.backends.sharing import in_turns, not_in_forks
from lmk.system.errors import UnavailableError, missing_extra

if TYPE_CHECKING:
    from torch import Tensor

    from lmk.architectures.network import LandmarkNetwork
    from lmk.model.points import PointMap

_CUDNN_FLAGS = Lock()  # they are those of the process


class TorchBackend:
    """A model folder as a torch network. Raises WeightsError, UnavailableError."""

    name = "torch"

    def __init__(self, model: str, device: str, threads: int | None = None) -> None:
        try:
            import torch
        except ImportError as error:
            raise missing_extra("torch", "train") from error
        if device == "cuda" and not torch.cuda.is_available():
            raise UnavailableError(
                f"PyTorch {torch.__version__} finds no cuda device: choose --device cpu"
            )
        from lmk.model.folder import find_model
        from lmk.networks.load import load_network

        if threads:
            torch.set_num_threads(threads)  # of the complete process
        found = find_model(model)
        network, self._beta = load_network(found)
        self._network, self._device = network.to(device), device
        self.transfers = self if device == "cuda" else None
        self._point_map = found.point_map()
        on_cpu = partial(run_network, network, self._beta, self._point_map)
        self._run = not_in_forks(in_turns(self) if device == "cuda" else on_cpu)
        self.num_landmarks = network.num_landmarks
        self.input_size = network.architecture.input_size
        self.framing, self.points = found.manifest.framing, found.points
        self.description = f"PyTorch {torch.__version__} on {device}, float32"

    def infer(self, images: npt.NDArray[np.uint8]) -> Inferred:
        """See `Backend.infer`."""
        return self._run(images)

    def layers(self) -> dict[str, int]:
        """See `Backend.layers`; the network is float32, and TF32 is ruled out in `compute`."""
        import torch

        convolutions = [m for m in self._network.modules() if isinstance(m, torch.nn.Conv2d)]
        return {"fp32": sum(conv.weight.dtype == torch.float32 for conv in convolutions)}

    def upload(self, images: npt.NDArray[np.uint8]) -> None:
        """See `Transfers.upload`."""
        import torch

        self._images = torch.from_numpy(images).to(self._device)

    def compute(self) -> None:
        """See `Transfers.compute`."""
        import torch

        # cuDNN's convolutions are float32 only without TF32, which rounds the factors to 10 bits.
        exact = torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
        with _CUDNN_FLAGS, exact:
            self._found = _find(self._network, self._beta, self._point_map, self._images)
        torch.cuda.synchronize()

    def download(self) -> Inferred:
        """See `Transfers.download`."""
        return _inferred(self._found, self._point_map)


def run_network(
    network: LandmarkNetwork, beta: float, point_map: PointMap | None, images: Images
) -> Inferred:
    """What a network on the CPU, in evaluation mode, finds in images (B, S, S, 3)."""
    import torch

    return _inferred(_find(network, beta, point_map, torch.from_numpy(images)), point_map)


def _find(
    network: LandmarkNetwork, beta: float, point_map: PointMap | None, images: Tensor
) -> tuple[Tensor, ...]:
    """Landmarks and scores, and features if points are searched for in them."""
    import torch

    from lmk.networks.detect import find_landmarks, find_with_features

    with torch.inference_mode():
        if point_map and point_map.search:
            return find_with_features(network, beta, images)
        return find_landmarks(network, beta, images)


def _inferred(found: tuple[Tensor, ...], point_map: PointMap | None) -> Inferred:
    xy_input, scores, *features = (values.cpu().numpy() for values in found)
    points = [point_map(xy_input, *features)] if point_map else []
    return inferred(xy_input, scores, *points)
