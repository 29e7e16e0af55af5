"""The interface of every architecture's torch network."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor, nn

from lmk.architectures.spec import Architecture


class LandmarkNetwork(nn.Module):
    """Pictures in, one heatmap per landmark out.

    `head` is its last convolution, with one output per landmark; a new category gets a new head.
    """

    architecture: Architecture
    head: nn.Conv2d

    @property
    def num_landmarks(self) -> int:
        """K, the number of landmarks."""
        return self.head.out_channels

    @abstractmethod
    def features(self, images: Tensor) -> list[Tensor]:
        """Early activations of images as in `forward`, in the order of `architecture.taps`."""

    @abstractmethod
    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, 3, S, S), RGB in [0, 1], to heatmaps (B, K, S / stride, S / stride)."""

    def describe(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The heatmaps, and the activations of `architecture.point_features`."""
        return self(images), []
