from __future__ import annotations

import numpy as np
import pytest
import torch
from random_models import fold, make_core, make_projected
from torch import nn

from lmk.architectures.hourglass.network import Hourglass
from lmk.networks.projection import ProjectionConv2d, adapter_state, project


@pytest.mark.parametrize("scope", ["all", "3x3"])
def test_fold_preserves_heatmaps(scope: str) -> None:
    network = make_projected(make_core(), scope=scope)
    images = torch.rand(2, 3, 128, 192)
    with torch.no_grad():
        expected, actual = network(images), fold(network)(images)
    difference = (actual - expected).abs().max() / expected.abs().max()
    assert difference < 1e-5


def test_fold_gives_a_plain_hourglass_and_leaves_its_argument() -> None:
    network = make_projected(make_core())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    plain = fold(network)
    assert type(plain) is Hourglass
    assert plain.state_dict().keys() == Hourglass(7).state_dict().keys()
    assert not any(isinstance(module, ProjectionConv2d) for module in plain.modules())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_projected_weight_mixes_output_channels() -> None:
    """W x1 theta by the definition of the 1-mode product, element by element."""
    conv = ProjectionConv2d(nn.Conv2d(2, 3, 3, stride=2, padding=1))
    nn.init.normal_(conv.projection_delta)
    matrix = np.eye(3) + conv.projection_delta.detach().numpy()
    kernel = conv.weight.numpy()
    expected = np.zeros(kernel.shape)
    for o in range(3):
        for j in range(3):
            expected[o] += matrix[o, j] * kernel[j]
    np.testing.assert_allclose(conv.projected_weight().detach(), expected, rtol=1e-5, atol=1e-6)


def test_projection_starts_at_the_core() -> None:
    core = make_core()
    network = project(core, 14)
    network.head.load_state_dict(core.head.state_dict())
    images = torch.rand(2, 3, 64, 128)
    with torch.no_grad():
        assert torch.equal(network.eval()(images), core(images))


def test_only_projections_batch_norms_and_head_learn() -> None:
    network = project(make_core(), 7)
    learnable = {name for name, p in network.named_parameters() if p.requires_grad}
    kinds = {"projection_delta", "head.weight", "head.bias"}
    batch_norms = {
        f"{name}.{part}"
        for name, module in network.named_modules()
        if isinstance(module, nn.BatchNorm2d)
        for part in ("weight", "bias")
    }
    others = learnable - batch_norms
    assert all(name.endswith("projection_delta") or name in kinds for name in others)
    assert batch_norms <= learnable


def test_adapter_holds_no_frozen_weight() -> None:
    network = project(make_core(), 7)
    names = adapter_state(network).keys()
    assert "block1.conv1.weight" not in names
    assert "stem_conv.bias" not in names
    assert {"block1.conv1.projection_delta", "block1.bn1.running_var", "head.weight"} <= names
