"""Frozen features that compare a painted picture with the real one (Johnson et al., ECCV 2016)."""

from __future__ import annotations

import copy
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lmk.errors import UnavailableError, WeightsError, missing_extra
from lmk.model.weights import load_weights
from lmk.networks.hourglass import Hourglass

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
# relu1_2, relu2_2, relu3_3, relu4_3 as positions in torchvision's vgg19().features; a file that
# ends at relu3_1 gives relu3_1 in place of the last two.
VGG_TAPS = (3, 8, 15, 24)
VGG_PREFIX_TAPS = (3, 8, 11)
VGG_PREFIX_LAYERS = 12


class VggFeatures(nn.Module):
    """Activations of a VGG-19 trained on ImageNet."""

    mean: Tensor
    std: Tensor

    def __init__(self, layers: nn.Sequential, taps: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = layers[: taps[-1] + 1].eval().requires_grad_(False)
        for layer in self.layers:
            if isinstance(layer, nn.ReLU):
                layer.inplace = False
        self.taps = taps
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(3, 1, 1))

    def forward(self, images: Tensor) -> list[Tensor]:
        """Map images (B, 3, H, W), RGB in [0, 1], to one activation a tap."""
        x, found = (images - self.mean) / self.std, []
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index in self.taps:
                found.append(x)
        return found


class CoreFeatures(nn.Module):
    """Early activations of a frozen core: the choice that needs no other weights."""

    def __init__(self, core: Hourglass) -> None:
        super().__init__()
        self.core = copy.deepcopy(core).eval().requires_grad_(False)

    def train(self, mode: bool = True) -> CoreFeatures:
        """Stay in evaluation mode: batch norms keep the core's statistics."""
        del mode
        return self

    def forward(self, images: Tensor) -> list[Tensor]:
        """Map images (B, 3, H, W), RGB in [0, 1], to the core's stem and last early block."""
        return self.core.features(images)


def vgg19_features(file: Path | None = None) -> VggFeatures:
    """Load VGG-19 from a safetensors file, or torchvision's copy.

    The file has torchvision's names, from `features.0.weight` to conv3_1 or further. Raises
    WeightsError for a file that does not fit, UnavailableError when torchvision's weights are not
    on this machine and cannot be fetched.
    """
    try:
        from torchvision.models import VGG19_Weights, vgg19
    except ImportError as error:
        raise missing_extra("torchvision", "train") from error
    if file is None:
        try:
            return VggFeatures(vgg19(weights=VGG19_Weights.IMAGENET1K_V1).features, VGG_TAPS)
        except (URLError, OSError) as error:
            raise UnavailableError(
                f"torchvision's VGG-19 weights are not here and cannot be fetched ({error}): "
                "give a local file with --perceptual-weights FILE, or use --perceptual core"
            ) from error
    with torch.device("meta"):  # its classifier's 120 million weights are not needed
        layers = vgg19(weights=None).features
    arrays = {name.removeprefix("features."): value for name, value in load_weights(file).items()}
    whole = f"{VGG_TAPS[-1] - 1}.weight" in arrays
    taps = VGG_TAPS if whole else VGG_PREFIX_TAPS
    features = VggFeatures(layers[: taps[-1] + 1].to_empty(device="cpu"), taps)
    needed = features.layers.state_dict()
    missing = [name for name in needed if name not in arrays]
    if missing or any(arrays[name].shape != value.shape for name, value in needed.items()):
        raise WeightsError(
            f"{file} does not hold VGG-19's first layers under torchvision's names: "
            f"{'missing ' + ', '.join(missing) if missing else 'wrong shapes'}"
        )
    features.layers.load_state_dict({name: torch.from_numpy(arrays[name]) for name in needed})
    return features


def perceptual_distance(features: nn.Module, painted: Tensor, real: Tensor) -> Tensor:
    """Squared difference of the activations over their mean square, summed over layers.

    The paper's text names an l1 norm, its authors' code the plain squared distance. Relative to
    the activations' size, a weight means the same for VGG-19 and for a core's features. Gradients
    go to `painted`.
    """
    with torch.no_grad():
        targets = [target.float() for target in features(real)]
    found = features(painted)
    distances = [
        F.mse_loss(a.float(), b) / b.square().mean() for a, b in zip(found, targets, strict=True)
    ]
    return torch.stack(distances).sum()
