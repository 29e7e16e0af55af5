from __future__ import annotations

import numpy as np
import pytest
import torch
from onnx import ModelProto, TensorProto, helper, numpy_helper
from torch.utils.flop_counter import FlopCounterMode

from lmk.architectures.hourglass.network import Hourglass
from lmk.artifact.onnx_model import GraphOptions, build_onnx
from lmk.bench.operations import count
from lmk.system.errors import UsageError


def model(nodes: list, constants: dict, x_shape: list, y_shape: list) -> ModelProto:
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x_shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, y_shape)],
        [numpy_helper.from_array(np.zeros(s, np.float32), name) for name, s in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_a_small_graph_by_hand() -> None:
    # 4 to 6 channels in two groups, 3 x 5 kernel, stride 2, on 9 x 20: the output is 4 x 8.
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], group=2, strides=[2, 2]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("AveragePool", ["r"], ["y"], kernel_shape=[2, 2], strides=[2, 2]),
    ]
    small = model(nodes, {"w": (6, 2, 3, 5), "b": (6,)}, [3, 4, 9, 20], [3, 6, 2, 4])
    cost = count(small)
    assert cost.macs == 3 * 6 * 4 * 8 * (2 * 3 * 5)
    assert cost.operations == 2 * cost.macs
    assert cost.other_operations == 3 * 6 * 4 * 8 + 3 * 6 * 2 * 4 * 4  # ReLU, means of 4
    assert cost.weights == 6 * 2 * 3 * 5 + 6
    assert cost.activations == 3 * 4 * 9 * 20 + 3 * 6 * 4 * 8
    assert cost.bytes("fp16") == 2 * cost.bytes("int8") == 2 * (cost.weights + cost.activations)


def test_a_product_of_matrices_by_hand() -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    assert count(model(nodes, {"w": (7, 5)}, [3, 7], [3, 5])).macs == 3 * 7 * 5


def test_the_hourglass_of_ten_landmarks_has_2_05_gmac_as_torch_counts(core_model) -> None:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        Hourglass(14).eval()(torch.zeros(1, 3, 128, 128))
    cost = count(build_onnx(core_model, GraphOptions(batch=1)))
    assert cost.operations == counter.get_total_flops()
    four_landmarks = 4 * 256 * 32 * 32
    assert (cost.macs - four_landmarks) / 1e9 == pytest.approx(2.05, abs=0.005)


def test_twice_the_pictures_are_twice_the_work_with_the_same_weights(adapter_model) -> None:
    one, two = (count(build_onnx(adapter_model, GraphOptions(batch=n))) for n in (1, 2))
    assert two.macs == 2 * one.macs
    assert two.activations == 2 * one.activations
    assert two.weights == one.weights


def test_an_open_batch_is_refused(adapter_model) -> None:
    with pytest.raises(UsageError, match="fix the graph's batch size"):
        count(build_onnx(adapter_model))
