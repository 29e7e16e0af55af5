from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from random_models import make_student, save_model

from lmk.architectures.network import LandmarkNetwork
from lmk.artifact.onnx_model import GraphOptions, build_onnx
from lmk.model.folder import Model
from lmk.networks.state import arrays_of, state_of

SIZES = ["small", "tiny"]


def save(network: LandmarkNetwork, folder: Path) -> Model:
    arrays = arrays_of(state_of(network))
    name = network.architecture.name
    return save_model(folder, name, arrays, network.num_landmarks, architecture=name)


def convolve(image: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """3x3 convolution (C, H, W) with zero padding, in float64, pixel by pixel."""
    _, height, width = image.shape
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)))
    out = np.empty((len(kernel), -(-height // stride), -(-width // stride)))
    for y in range(out.shape[1]):
        for x in range(out.shape[2]):
            patch = padded[:, y * stride : y * stride + 3, x * stride : x * stride + 3]
            out[:, y, x] = (kernel * patch).sum((1, 2, 3))
    return out


@pytest.mark.parametrize("size", SIZES)
def test_its_graph_gives_the_networks_landmarks(size: str, tmp_path: Path) -> None:
    network = make_student(size)
    images = np.random.default_rng(0).integers(0, 256, (3, 128, 128, 3), np.uint8)
    model = save(network, tmp_path)
    session = onnxruntime.InferenceSession(
        build_onnx(model, GraphOptions(heatmaps=True)).SerializeToString()
    )
    heatmaps = session.run(["heatmaps"], {"images": images})[0]
    with torch.no_grad():
        expected = network(torch.from_numpy(images).permute(0, 3, 1, 2) / 255).numpy()
    assert expected.shape == (3, 7, 32, 32)
    scale = expected.std()
    np.testing.assert_allclose(heatmaps, expected, atol=5e-3 * scale)  # weights are float16


@pytest.mark.parametrize("size", SIZES)
def test_every_batch_norm_is_folded(size: str, tmp_path: Path) -> None:
    proto = build_onnx(save(make_student(size), tmp_path))
    kinds = {node.op_type for node in proto.graph.node}
    assert "BatchNormalization" not in kinds
    convolutions = [node for node in proto.graph.node if node.op_type == "Conv"]
    assert all(len(node.input) == 3 for node in convolutions)  # each with a bias


def test_a_stage_against_a_slow_reference() -> None:
    """Stride 2, batch norm and one residual block, in float64, pixel by pixel."""
    stage = make_student().down4
    image = np.random.default_rng(1).normal(size=(16, 6, 10))

    def normed(x: np.ndarray, bn: torch.nn.BatchNorm2d) -> np.ndarray:
        mean, var, gain, shift = (
            each.detach().double().numpy()[:, None, None]
            for each in (bn.running_mean, bn.running_var, bn.weight, bn.bias)
        )
        return (x - mean) / np.sqrt(var + 1e-5) * gain + shift

    def kernel(conv: torch.nn.Conv2d) -> np.ndarray:
        return conv.weight.detach().double().numpy()

    x = np.maximum(normed(convolve(image, kernel(stage.conv), 2), stage.bn), 0)
    block = stage.blocks[0]
    inner = np.maximum(normed(convolve(x, kernel(block.conv1), 1), block.bn1), 0)
    expected = np.maximum(normed(convolve(inner, kernel(block.conv2), 1), block.bn2) + x, 0)
    with torch.no_grad():
        found = stage(torch.from_numpy(image[None]).float())[0].numpy()
    assert found.shape == (32, 3, 5)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("num_landmarks", [1, 64])
def test_numbers_of_landmarks(num_landmarks: int) -> None:
    network = make_student("tiny", num_landmarks)
    assert network.num_landmarks == num_landmarks
    assert network(torch.zeros(2, 3, 128, 128)).shape == (2, num_landmarks, 32, 32)


def test_sizes() -> None:
    """Weights on disk, float16, are under the 1.5 MB that a shipped student may have."""
    counts = {size: sum(p.numel() for p in make_student(size, 10).parameters()) for size in SIZES}
    assert counts["tiny"] < counts["small"] < 750_000
