"""A tiny model that keeps lmk's ONNX contract and whose landmarks are known by hand.

Landmark k is the intensity centroid of colour channel k (red, green, blue); its score is
mass / (mass + 1000). On a black picture with one coloured dot a channel it finds the dots.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

METADATA = {
    "lmk_version": "0.1.0",
    "schema_version": "1",
    "task": "landmarks",
    "num_landmarks": "3",
    "color": "RGB",
    "precision": "fp32",
}


def save_detector(
    path: Path,
    metadata: dict[str, str] | None = None,
    input_name: str = "images",
    input_type: int = TensorProto.UINT8,
    scores_name: str = "scores",
) -> Path:
    """Write the model; arguments other than the defaults break the contract."""
    xs = np.arange(128, dtype=np.float32)[:, None]
    constants = {
        "xs": xs,
        "y_axis": np.array([1]),
        "plane": np.array([1, 2]),
        "last": np.array([-1]),
        "thousand": np.array(1000, np.float32),
    }
    nodes = [
        helper.make_node("Cast", [input_name], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["pixels", "plane"], ["mass"], keepdims=0),
    ]
    # Summing over y (axis 1) leaves a profile along x, and the other way round.
    for name, axis in (("x", 1), ("y", 2)):
        constants[f"{name}_other"] = np.array([axis])
        nodes += [
            helper.make_node("ReduceSum", ["pixels", f"{name}_other"], [f"{name}_p"], keepdims=0),
            helper.make_node("Mul", [f"{name}_p", "xs"], [f"{name}_weighted"]),
            helper.make_node(
                "ReduceSum", [f"{name}_weighted", "y_axis"], [f"{name}_sum"], keepdims=0
            ),
            helper.make_node("Div", [f"{name}_sum", "mass"], [f"{name}_flat"]),
            helper.make_node("Unsqueeze", [f"{name}_flat", "last"], [name]),
        ]
    nodes += [
        helper.make_node("Concat", ["x", "y"], ["landmarks"], axis=-1),
        helper.make_node("Add", ["mass", "thousand"], ["more"]),
        helper.make_node("Div", ["mass", "more"], [scores_name]),
    ]
    graph = helper.make_graph(
        nodes,
        "colour_detector",
        [helper.make_tensor_value_info(input_name, input_type, ["batch", 128, 128, 3])],
        [
            helper.make_tensor_value_info("landmarks", TensorProto.FLOAT, ["batch", 3, 2]),
            helper.make_tensor_value_info(scores_name, TensorProto.FLOAT, ["batch", 3]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, METADATA if metadata is None else metadata)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
    return path


def dots_image(size_wh: tuple[int, int], xy_image: np.ndarray, sigma: float = 6.0) -> np.ndarray:
    """A black BGR picture with a red, a green and a blue dot at xy_image (3, 2)."""
    width, height = size_wh
    y, x = np.mgrid[:height, :width]
    planes = [
        np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * sigma**2)) * 255 for cx, cy in xy_image
    ]
    return np.round(np.stack(planes[::-1], -1)).astype(np.uint8)
