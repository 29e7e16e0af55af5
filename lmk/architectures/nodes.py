"""Write ONNX graphs node by node: each method adds one node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lmk.architectures.spec import BATCH_NORM_EPSILON
from lmk.system.errors import WeightsError
from lmk.system.onnx_package import NodeProto, TensorProto, helper, numpy_helper


class Nodes:
    """Nodes and constants of a graph under construction, and the weights to fill it with."""

    def __init__(self, weights: Mapping[str, npt.NDArray[np.float32]], half: bool = False) -> None:
        self.nodes: list[NodeProto] = []
        self.initializers: dict[str, TensorProto] = {}
        self.half = half  # the weights, and what is computed from them, in float16
        self._weights = weights
        self._missing: list[str] = []

    def add(self, op: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        """Add a node with one output of the same name, and return the name."""
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def split(self, x: str, sizes: str, names: Sequence[str]) -> Sequence[str]:
        """Split a tensor along its second axis into outputs of these names, and return them."""
        node = helper.make_node("Split", [x, sizes], list(names), name=f"{x}.split", axis=1)
        self.nodes.append(node)
        return names

    def constant(self, name: str, value: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        """Add a constant and return its name."""
        self.initializers[name] = numpy_helper.from_array(np.asarray(value, dtype), name)
        return name

    def weight(self, name: str) -> str:
        """Take a tensor from the weights, in the graph's precision.

        A missing one is reported by `check_complete`.
        """
        if name not in self._weights:
            self._missing.append(name)
        elif name not in self.initializers:
            self.constant(name, self._weights[name], np.float16 if self.half else np.float32)
        return name

    def has_weight(self, name: str) -> bool:
        """Whether the weights have a tensor of this name."""
        return name in self._weights

    def conv(self, x: str, name: str, stride: int = 1, padding: int = 0) -> str:
        """Add the convolution `name`, with its bias if it has one.

        A projection that is not folded becomes a 1x1 convolution of the frozen convolution's
        output; the bias, which it does not change, comes after it.
        """
        bias = [self.weight(f"{name}.bias")] if self.has_weight(f"{name}.bias") else []
        geometry = {"strides": [stride] * 2, "pads": [padding] * 4}
        kernel, projection = self.weight(f"{name}.weight"), f"{name}.projection"
        if not self.has_weight(projection):
            return self.add("Conv", [x, kernel, *bias], f"{name}.out", **geometry)
        frozen = self.add("Conv", [x, kernel], f"{name}.frozen", **geometry)
        return self.add("Conv", [frozen, self.weight(projection), *bias], f"{name}.out")

    def norm_relu(self, x: str, name: str) -> str:
        """Add a ReLU, after the batch norm `name` unless that is already folded."""
        return self.add("Relu", [self.norm(x, name)], f"{name}.relu")

    def norm(self, x: str, name: str) -> str:
        """Add the batch norm `name`, unless that is already folded."""
        if self.has_weight(f"{name}.scale"):
            x = self.add("Mul", [x, self.weight(f"{name}.scale")], f"{name}.scaled")
            return self.add("Add", [x, self.weight(f"{name}.shift")], f"{name}.out")
        if not self.has_weight(f"{name}.running_var"):
            return x
        parameters = ("weight", "bias", "running_mean", "running_var")
        inputs = [x, *(self.weight(f"{name}.{part}") for part in parameters)]
        return self.add("BatchNormalization", inputs, f"{name}.out", epsilon=BATCH_NORM_EPSILON)

    def twice(self, x: str, name: str) -> str:
        """Add nearest-neighbour upsampling to twice the height and width."""
        return self.add(
            "Resize",
            [x, "", self.constant("twice", [1, 1, 2, 2])],
            name,
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )

    def check_complete(self, architecture: str) -> None:
        """Raise a WeightsError that names every missing or unused tensor."""
        unused = sorted(self._weights.keys() - self.initializers.keys())
        if self._missing or unused:
            raise WeightsError(
                f"weights do not match the {architecture}: missing: "
                f"{', '.join(self._missing) or 'none'}; unexpected: {', '.join(unused) or 'none'}"
            )
