"""Landmarks of a torch network on pictures."""

from __future__ import annotations

import torch
from torch import Tensor

from lmk.architectures.network import LandmarkNetwork
from lmk.arrays import FloatArray, Images
from lmk.geometry import heatmap_to_input
from lmk.networks.softargmax import softargmax

BATCH = 64


def find_landmarks(network: LandmarkNetwork, beta: float, images: Tensor) -> tuple[Tensor, Tensor]:
    """Find landmarks (B, K, 2), float32, in input pixels, and their scores (B, K) in (0, 1].

    images uint8 RGB (B, S, S, 3), on the network's device.
    """
    heatmaps = network(_planar(network, images))
    xy_heatmap, scores = softargmax(heatmaps, beta)
    return heatmap_to_input(xy_heatmap, network.architecture.stride), scores


def find_with_features(
    network: LandmarkNetwork, beta: float, images: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """As `find_landmarks`, with the features (B, C, H * H) that named points are searched in."""
    heatmaps, features = network.describe(_planar(network, images))
    xy_heatmap, scores = softargmax(heatmaps, beta)
    flat = torch.cat([feature.flatten(2).float() for feature in features], dim=1)
    return heatmap_to_input(xy_heatmap, network.architecture.stride), scores, flat


def _planar(network: LandmarkNetwork, images: Tensor) -> Tensor:
    return images.permute(0, 3, 1, 2).to(network.head.weight.dtype) / 255


def detect(network: LandmarkNetwork, beta: float, images: Images) -> tuple[FloatArray, FloatArray]:
    """Find landmarks as `find_landmarks`, in batches, of any number of images (N, S, S, 3).

    The network is used on its device, in evaluation mode and in float32.
    """
    device = network.head.weight.device
    network.eval()
    found = []
    with torch.no_grad():
        for start in range(0, len(images), BATCH):
            part = torch.from_numpy(images[start : start + BATCH]).to(device)
            found.append(find_landmarks(network, beta, part))
    xy_input, scores = (torch.cat(parts).cpu().numpy() for parts in zip(*found, strict=True))
    return xy_input, scores
