from __future__ import annotations

import numpy as np
import onnx
import pytest

from lmk.architectures.hourglass.spec import ARCHITECTURE
from lmk.artifact.onnx_model import GraphOptions, build_onnx
from lmk.exporting.check_precision import conv_precisions, count
from lmk.exporting.int8 import Ranges, always_kept, blocks_of, calibrate, find_kept
from lmk.exporting.samples import drawn_samples

ALWAYS_KEPT = always_kept(ARCHITECTURE)


@pytest.fixture(scope="module", params=[False, True], ids=["unsigned", "symmetric"])
def ranges(adapter_model, request) -> Ranges:
    proto = build_onnx(adapter_model, GraphOptions(batch=2 if request.param else None))
    return calibrate(proto, ARCHITECTURE, drawn_samples(128, 2).crops, request.param, lambda: None)


def test_kernels_are_scaled_per_channel_and_pictures_as_asked(ranges: Ranges) -> None:
    proto = ranges.quantize(ALWAYS_KEPT)
    assert count(conv_precisions(proto)) == {"fp32": 2, "int8": 54}
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in proto.graph.initializer}
    by_output = {node.output[0]: node for node in proto.graph.node}
    (conv,) = (node for node in proto.graph.node if node.name == "block2.conv1.out")
    image, kernel = (by_output[name] for name in conv.input[:2])
    quantized, scale, zero = (constants[name] for name in kernel.input)
    assert quantized.dtype == np.int8
    assert scale.shape == (64,)
    assert kernel.attribute[0].i == 0  # the axis of the output channels
    assert not zero.any()
    (original,) = (t for t in ranges.proto.graph.initializer if t.name == "block2.conv1.weight")
    expected = onnx.numpy_helper.to_array(original)
    np.testing.assert_allclose(
        quantized * scale[:, None, None, None], expected, atol=0.51 * scale.max()
    )
    zero = constants[image.input[2]]
    assert zero.dtype == (np.int8 if ranges.symmetric else np.uint8)
    if ranges.symmetric:
        assert zero == 0
    stored = {t.data_type for t in proto.graph.initializer if t.name.endswith("bias_quantized")}
    assert bool(stored) is not ranges.symmetric  # TensorRT reads no biases in int32


class Pretended(Ranges):
    """Counts instead of quantising: the graph's name says which layers stay in float32."""

    def quantize(self, kept) -> onnx.ModelProto:
        proto = onnx.ModelProto()
        proto.graph.name = " ".join(kept)
        return proto


def pretended(adapter_model) -> tuple[Pretended, dict[str, list[str]]]:
    proto = build_onnx(adapter_model)
    return Pretended(proto, ARCHITECTURE, None, False), blocks_of(proto, ARCHITECTURE)


def test_blocks_hold_every_convolution_but_stem_and_head(adapter_model) -> None:
    proto = build_onnx(adapter_model)
    blocks = blocks_of(proto, ARCHITECTURE)
    names = [name for names in blocks.values() for name in names]
    assert len(names) == len(set(names)) == 54
    assert {*names, *ALWAYS_KEPT} == set(conv_precisions(proto))
    parts = ("conv1", "conv2", "conv3", "shortcut.2")
    assert set(blocks["block1"]) == {f"block1.{part}.out" for part in parts}
    assert blocks["last_conv"] == ["last_conv.out"]


def test_nothing_more_is_kept_when_all_pass(adapter_model) -> None:
    ranges, _ = pretended(adapter_model)
    _, kept = find_kept(ranges, lambda _: True, lambda _: pytest.fail("no need to rank"))
    assert kept == ALWAYS_KEPT


@pytest.mark.parametrize("needed", [1, 2, 5])
def test_the_fewest_and_most_influential_blocks_are_kept(adapter_model, needed: int) -> None:
    """Quantising a block alone costs what `harm` says; the gate wants the worst `needed` kept."""
    ranges, blocks = pretended(adapter_model)
    harm = dict(zip(blocks, np.random.default_rng(0).permutation(len(blocks)), strict=True))
    worst = sorted(blocks, key=lambda block: -harm[block])[:needed]
    must = {name for block in worst for name in blocks[block]}

    def error(proto: onnx.ModelProto) -> float:
        kept = set(proto.graph.name.split())
        (alone,) = (block for block in blocks if not kept & set(blocks[block]))
        return float(harm[alone])

    _, kept = find_kept(ranges, lambda proto: must <= set(proto.graph.name.split()), error)
    assert set(kept) == must | set(ALWAYS_KEPT)


def test_a_search_without_success_keeps_half_the_blocks(adapter_model) -> None:
    ranges, blocks = pretended(adapter_model)
    _, kept = find_kept(ranges, lambda _: False, lambda _: 1.0)
    assert sum(names[0] in kept for names in blocks.values()) == len(blocks) // 2
