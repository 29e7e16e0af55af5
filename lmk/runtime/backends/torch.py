"""Inference by PyTorch in float32, for checking the other runtimes against the network itself."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lmk.errors import UnavailableError, missing_extra
from lmk.geometry import FloatArray, heatmap_to_input


class TorchBackend:
    """A model folder as a torch network. Raises WeightsError, UnavailableError."""

    name = "torch"

    def __init__(self, model: str, device: str) -> None:
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

        network, self._beta = load_network(model)
        self._network, self._device = network.to(device), device
        self.num_landmarks: int = network.head.out_channels
        self.framing = find_model(model).manifest.framing
        self.description = f"PyTorch {torch.__version__} on {device}, float32"

    def infer(self, images: npt.NDArray[np.uint8]) -> tuple[FloatArray, FloatArray]:
        """See `Backend.infer`."""
        import torch

        from lmk.networks.softargmax import softargmax

        # cuDNN's convolutions are float32 only without TF32, which rounds the factors to 10 bits.
        exact = torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
        with torch.inference_mode(), exact:
            batch = torch.from_numpy(images).to(self._device).permute(0, 3, 1, 2) / 255
            xy_heatmap, scores = softargmax(self._network(batch), self._beta)
            return heatmap_to_input(xy_heatmap).cpu().numpy(), scores.cpu().numpy()
