from __future__ import annotations

import numpy as np
import onnx
import pytest

from lmk.artifact.onnx_model import GraphOptions, build_onnx
from lmk.exporting.check_precision import conv_precisions, count, require_precision
from lmk.exporting.layers import describe_layers, layer_errors
from lmk.exporting.samples import drawn_samples
from lmk.system.errors import ParityError


def spoil(proto: onnx.ModelProto, name: str, change) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    (tensor,) = (t for t in copy.graph.initializer if t.name == name)
    tensor.CopyFrom(onnx.numpy_helper.from_array(change(onnx.numpy_helper.to_array(tensor)), name))
    return copy


def test_the_layer_that_was_spoilt_is_named_and_no_later_one(adapter_model) -> None:
    proto = build_onnx(adapter_model, GraphOptions(batch=2))
    wrong = spoil(proto, "block3.conv2.weight", lambda kernel: kernel * np.float32(1.25))
    errors = layer_errors(proto, wrong, drawn_samples(128, 1).crops[0])
    assert next(iter(errors)) == "block3.conv2"
    assert errors["block3.conv2"] == pytest.approx(0.25, abs=1e-3)
    assert max(list(errors.values())[1:]) < 1e-5
    assert describe_layers(errors, 1) == "block3.conv2 25.0%"


def test_half_precision_costs_every_layer_a_little(adapter_model) -> None:
    image = drawn_samples(128, 1).crops[0]
    half = build_onnx(adapter_model, GraphOptions(precision="fp16"))
    errors = layer_errors(build_onnx(adapter_model), half, image)
    assert len(errors) == 56
    assert 1e-5 < max(errors.values()) < 5e-3


def test_precision_is_read_from_the_graph(adapter_model) -> None:
    half = build_onnx(adapter_model, GraphOptions(precision="fp16"))
    assert count(conv_precisions(half)) == {"fp16": 56}
    require_precision(half, "fp16")
    with pytest.raises(ParityError, match=r"expected a graph in fp32: stem_conv\.out is fp16"):
        require_precision(half, "fp32")


def test_a_softmax_in_float16_is_refused(adapter_model) -> None:
    half = build_onnx(adapter_model, GraphOptions(precision="fp16"))
    (cast,) = (node for node in half.graph.node if node.name == "heatmaps_float")
    cast.attribute[0].i = onnx.TensorProto.FLOAT16
    for tensor in half.graph.initializer:
        if tensor.name == "beta":
            beta = onnx.numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(onnx.numpy_helper.from_array(beta, "beta"))
    with pytest.raises(ParityError, match="probability is not float32"):
        require_precision(half, "fp16")
