from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from random_models import make_core
from torch import nn

from lmk.model.weights import load_weights, save_weights
from lmk.networks.perceptual import (
    VGG_POSITIONS,
    CoreFeatures,
    PerceptualDistance,
    core_features,
    vgg19_features,
)
from lmk.system.errors import UnavailableError, UsageError, WeightsError


class TwoLayers(nn.Module):
    """Features that can be worked out by hand: the image itself and its sum over channels."""

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        return [images, images.sum(1, keepdim=True)]


def write_prefix(path: Path, layers: int = 12) -> dict[str, np.ndarray]:
    """Random weights under torchvision's names, up to conv3_1."""
    from torchvision.models import vgg19

    random = np.random.default_rng(0)
    with torch.device("meta"):
        state = vgg19(weights=None).features[:layers].state_dict()
    arrays = {
        f"features.{name}": random.normal(0, 0.05, value.shape).astype(np.float32)
        for name, value in state.items()
    }
    save_weights(path, arrays)
    return arrays


def load_plain(path: Path) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix("features."): torch.from_numpy(value)
        for name, value in load_weights(path).items()
    }


def test_distance_is_relative_to_the_real_activations() -> None:
    real = torch.full((2, 3, 4, 5), 0.5)
    reconstructed = torch.full((2, 3, 4, 5), 0.6)
    distance = PerceptualDistance(TwoLayers())
    distance.calibrate(real)
    # (0.1 / 0.5)^2 in both layers, whatever their size
    assert distance(reconstructed, real).item() == pytest.approx(0.08, rel=1e-4)


@pytest.mark.parametrize(
    ("norm", "expected"),
    [
        # layers: the picture itself, off by 0.3 in half of its pixels, and the sum of 3 channels
        ("mse", 0.09 / 2 + 0.81 / 2),
        ("l1", 0.3 / 2 + 0.9 / 2),
        ("l2", (0.09 / 2) ** 0.5 + (0.81 / 2) ** 0.5),
    ],
)
def test_norms_by_hand(norm: str, expected: float) -> None:
    real = torch.full((2, 3, 4, 6), 0.5)
    reconstructed = real.clone()
    reconstructed[..., 3:] += 0.3
    assert PerceptualDistance(TwoLayers(), norm)(reconstructed, real).item() == pytest.approx(
        expected
    )


def test_layers_are_chosen_by_name(tmp_path) -> None:
    write_prefix(tmp_path / "vgg.safetensors")
    images = torch.rand(2, 3, 32, 48)
    default = vgg19_features(tmp_path / "vgg.safetensors")(images)
    chosen = vgg19_features(tmp_path / "vgg.safetensors", "relu3_1, relu1_2")(images)
    assert torch.equal(chosen[0], default[2])
    assert torch.equal(chosen[1], default[0])
    core = make_core()
    assert torch.equal(core_features(core, "block3")(images)[0], core_features(core)(images)[1])
    with pytest.raises(
        UsageError, match=r"unknown perceptual layers relu9_9: expected all, or .*relu1_1"
    ):
        vgg19_features(tmp_path / "vgg.safetensors", "relu9_9")
    with pytest.raises(WeightsError, match="up to relu4_1"):
        vgg19_features(tmp_path / "vgg.safetensors", "relu4_1")


def test_gradient_reaches_the_reconstructed_picture_alone() -> None:
    real = torch.rand(2, 3, 64, 64, requires_grad=True)
    reconstructed = torch.rand(2, 3, 64, 64, requires_grad=True)
    features = CoreFeatures(make_core())
    PerceptualDistance(features, "l1")(reconstructed, real).backward()
    assert reconstructed.grad is not None
    assert reconstructed.grad.abs().max() > 0
    assert real.grad is None
    assert all(parameter.grad is None for parameter in features.parameters())


def test_core_features_stay_in_evaluation_mode() -> None:
    features = CoreFeatures(make_core())
    images = torch.rand(2, 3, 64, 96)
    expected = features(images)
    features.train()
    assert [tuple(f.shape[1:]) for f in expected] == [(64, 32, 48), (256, 16, 24)]
    for a, b in zip(features(images), expected, strict=True):
        assert torch.equal(a, b)


def test_a_local_prefix_gives_relu_1_2_2_2_and_3_1(tmp_path) -> None:
    arrays = write_prefix(tmp_path / "vgg.safetensors")
    features = vgg19_features(tmp_path / "vgg.safetensors")
    images = torch.rand(2, 3, 32, 48)
    found = features(images)
    assert [tuple(f.shape[1:]) for f in found] == [(64, 32, 48), (128, 16, 24), (256, 8, 12)]
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    x = (images - mean) / std
    for layer in ("0", "2"):
        weight, bias = (
            torch.from_numpy(arrays[f"features.{layer}.{p}"]) for p in ("weight", "bias")
        )
        x = torch.relu(nn.functional.conv2d(x, weight.half().float(), bias, padding=1))
    torch.testing.assert_close(found[0], x, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("layers", [12, 25])
def test_features_are_those_of_a_plain_pass_to_the_bit(tmp_path, layers: int) -> None:
    from torchvision.models import vgg19

    arrays = write_prefix(tmp_path / "vgg.safetensors", layers)
    features = vgg19_features(tmp_path / "vgg.safetensors")
    with torch.device("meta"):
        plain = vgg19(weights=None).features[:layers]
    plain = plain.to_empty(device="cpu").eval()
    plain.load_state_dict(load_plain(tmp_path / "vgg.safetensors"))
    assert len(features.layers.state_dict()) == len(arrays)
    images = torch.rand(2, 3, 32, 48)
    x, expected = (images - features.mean) / features.std, []
    for index, layer in enumerate(plain):
        x = layer(x)
        if index in [VGG_POSITIONS[name] for name in features.names]:
            expected.append(x.clone())  # the next layer may write into it
    found = features(images)
    assert len(found) == len(expected) == (3 if layers == 12 else 4)
    for a, b in zip(found, expected, strict=True):
        assert torch.equal(a, b)


def test_a_file_that_is_no_vgg_is_one_clear_error(tmp_path) -> None:
    save_weights(tmp_path / "other.safetensors", {"conv.weight": np.zeros((2, 2))})
    with pytest.raises(WeightsError, match=r"missing 0\.weight"):
        vgg19_features(tmp_path / "other.safetensors")


def test_no_network_names_the_two_other_choices(monkeypatch) -> None:
    def fail(*_args, **_kwargs) -> None:
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", fail)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fail)
    with pytest.raises(
        UnavailableError, match="--perceptual-weights FILE, or use --perceptual core"
    ):
        vgg19_features()
