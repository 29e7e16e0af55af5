"""Landmarks of a model on many crops."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from lmk.data.packed import Crops
from lmk.geometry import INPUT_SIZE, heatmap_to_input
from lmk.networks.hourglass import Hourglass
from lmk.networks.softargmax import softargmax
from lmk.opencv import cv2

Images = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
BATCH = 64


def detect(network: Hourglass, beta: float, images: Images) -> tuple[Floats, Floats]:
    """Find landmarks (B, K, 2), in input pixels, and their scores (B, K) in (0, 1].

    images uint8 RGB (B, 128, 128, 3). The network is used where it is and in evaluation mode, in
    float32.
    """
    device = network.head.weight.device
    network.eval()
    found = []
    for start in range(0, len(images), BATCH):
        part = torch.from_numpy(images[start : start + BATCH]).to(device)
        with torch.no_grad():
            heatmaps = network(part.permute(0, 3, 1, 2).float() / 255)
            found.append(softargmax(heatmaps, beta))
    xy_heatmap, scores = (torch.cat(parts) for parts in zip(*found, strict=True))
    return heatmap_to_input(xy_heatmap).cpu().numpy(), scores.cpu().numpy()


def crops_to_input(crops: Crops) -> Images:
    """Resize square crops (N, S, S, 3) to the network's input, (N, 128, 128, 3)."""
    images, size = np.asarray(crops), (INPUT_SIZE, INPUT_SIZE)
    if images.shape[1] == INPUT_SIZE:
        return images
    return np.stack([cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in images])
