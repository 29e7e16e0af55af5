"""Frozen features to compare a reconstruction with its picture (Johnson et al., ECCV 2016)."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lmk.architectures.network import LandmarkNetwork
from lmk.model.weights import load_weights
from lmk.system.errors import UnavailableError, UsageError, WeightsError, missing_extra

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
VGG_POSITIONS = {  # in torchvision's vgg19().features
    **{"relu1_1": 1, "relu1_2": 3, "relu2_1": 6, "relu2_2": 8},
    **{"relu3_1": 11, "relu3_2": 13, "relu3_3": 15, "relu3_4": 17},
    **{"relu4_1": 20, "relu4_2": 22, "relu4_3": 24, "relu4_4": 26},
}
PAPER_LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
PREFIX_LAYERS = ("relu1_2", "relu2_2", "relu3_1")  # of a file that ends at conv3_1


class VggFeatures(nn.Module):
    """Activations of a VGG-19 trained on ImageNet, at named layers."""

    mean: Tensor
    std: Tensor

    def __init__(self, layers: nn.Sequential, names: Sequence[str]) -> None:
        from torchvision.models.feature_extraction import create_feature_extractor

        super().__init__()
        self.names = tuple(names)
        taps = {str(VGG_POSITIONS[name]): name for name in names}
        self.layers = create_feature_extractor(layers.eval().requires_grad_(False), taps)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(3, 1, 1))

    def forward(self, images: Tensor) -> list[Tensor]:
        """Map images (B, 3, H, W), RGB in [0, 1], to one activation per named layer."""
        found = self.layers((images - self.mean) / self.std)
        return [found[name] for name in self.names]


class CoreFeatures(nn.Module):
    """Early activations of a frozen core: they need no other weights."""

    def __init__(self, core: LandmarkNetwork, names: Sequence[str] = ()) -> None:
        super().__init__()
        self.core = copy.deepcopy(core).eval().requires_grad_(False)
        taps = core.architecture.taps
        self.names = tuple(names) or taps
        self.indices = [taps.index(name) for name in self.names]

    def train(self, mode: bool = True) -> CoreFeatures:
        """Stay in evaluation mode: batch norms keep the core's statistics."""
        del mode
        return self

    def forward(self, images: Tensor) -> list[Tensor]:
        """Map images (B, 3, H, W), RGB in [0, 1], to the core's early activations."""
        found = self.core.features(images)
        return [found[index] for index in self.indices]


def core_features(core: LandmarkNetwork, layers: str = "all") -> CoreFeatures:
    """Make features of a core; `layers` is "all" or names of its taps, separated by commas."""
    taps = core.architecture.taps
    return CoreFeatures(core, _choose(layers, taps, taps))


def vgg19_features(file: Path | None = None, layers: str = "all") -> VggFeatures:
    """Load VGG-19 from a safetensors file, or torchvision's copy.

    The file has torchvision's names, from `features.0.weight` to conv3_1 or further. `layers` is
    "all", or names such as "relu1_2,relu3_1". "all" is the paper's four, or PREFIX_LAYERS if the
    file ends before conv4_3; `names` of the result lists them. Raises UsageError for unknown
    layers, WeightsError for a file that does not match, UnavailableError when torchvision's weights
    are not on this machine and cannot be downloaded.
    """
    try:
        from torchvision.models import VGG19_Weights, vgg19
    except ImportError as error:
        raise missing_extra("torchvision", "train") from error
    if file is None:
        names = _choose(layers, PAPER_LAYERS, VGG_POSITIONS)
        try:
            return VggFeatures(vgg19(weights=VGG19_Weights.IMAGENET1K_V1).features, names)
        except OSError as error:
            raise UnavailableError(
                f"torchvision's VGG-19 weights are not on this machine and cannot be downloaded "
                f"({error}): give a local file with --perceptual-weights FILE, or use --perceptual "
                "core"
            ) from error
    arrays = {name.removeprefix("features."): value for name, value in load_weights(file).items()}
    whole = f"{VGG_POSITIONS[PAPER_LAYERS[-1]] - 1}.weight" in arrays
    names = _choose(layers, PAPER_LAYERS if whole else PREFIX_LAYERS, VGG_POSITIONS)
    with torch.device("meta"):  # its classifier's 120 million weights are not needed
        empty = vgg19(weights=None).features
    features = VggFeatures(empty, names)
    needed = features.layers.to_empty(device="cpu").state_dict()
    missing = [name for name in needed if name not in arrays]
    if missing or any(arrays[name].shape != value.shape for name, value in needed.items()):
        raise WeightsError(
            f"{file} does not contain VGG-19's layers up to {names[-1]} with torchvision's names: "
            f"{'missing ' + ', '.join(missing) if missing else 'wrong shapes'}"
        )
    features.layers.load_state_dict({name: torch.from_numpy(arrays[name]) for name in needed})
    return features


class PerceptualDistance(nn.Module):
    """Distance between the activations of two pictures, summed over layers.

    relative   squared difference over the layer's mean square activation on some pictures of the
               set, so that a weight means the same for every network and layer
    mse        squared difference, as in the authors' code of the adaptation paper
    l1         absolute difference, as that paper's text has it
    l2         root of each picture's mean squared difference, as its formula has it, up to a
               constant per layer

    All are means over elements.
    """

    def __init__(self, features: nn.Module, norm: str = "relative") -> None:
        super().__init__()
        self.features, self.norm = features, norm
        self.scales: list[Tensor] = []

    def calibrate(self, images: Tensor) -> None:
        """Measure the layers' mean squares on pictures (B, 3, H, W), RGB in [0, 1]."""
        with torch.no_grad():
            self.scales = [x.float().square().mean() for x in self.features(images)]

    def forward(self, reconstructed: Tensor, real: Tensor) -> Tensor:
        """Compare (B, 3, H, W), RGB in [0, 1]; a scalar. Gradients go to `reconstructed`."""
        with torch.no_grad():
            targets = [target.float() for target in self.features(real)]
        found = [x.float() for x in self.features(reconstructed)]
        pairs = list(zip(found, targets, strict=True))
        if self.norm == "l1":
            distances = [F.l1_loss(a, b) for a, b in pairs]
        elif self.norm == "l2":
            squares = [(a - b).square().flatten(1).mean(1) for a, b in pairs]
            distances = [(square + 1e-12).sqrt().mean() for square in squares]
        else:
            distances = [F.mse_loss(a, b) for a, b in pairs]
        if self.norm == "relative":
            distances = [d / s for d, s in zip(distances, self.scales, strict=True)]
        return torch.stack(distances).sum()


def _choose(layers: str, default: Sequence[str], known: Iterable[str]) -> tuple[str, ...]:
    if layers == "all":
        return tuple(default)
    names = tuple(name.strip() for name in layers.split(","))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(
            f"unknown perceptual layers {', '.join(unknown)}: expected all, or some of "
            f"{', '.join(known)}"
        )
    return names
