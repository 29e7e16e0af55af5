"""A small vocabulary for writing ONNX graphs by hand: each method adds one node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lmk.errors import WeightsError
from lmk.export.onnx_package import NodeProto, TensorProto, helper, numpy_helper


class Nodes:
    """Nodes and constants of a graph under construction, with the weights it is filled from."""

    def __init__(self, weights: Mapping[str, npt.NDArray[np.float32]], half: bool = False) -> None:
        self.nodes: list[NodeProto] = []
        self.initializers: dict[str, TensorProto] = {}
        self.half = half  # the weights, and what is computed from them, in float16
        self._weights = weights
        self._missing: list[str] = []

    def add(self, op: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        """Add a node with one output, called like the node, and return that name."""
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

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
        """Say whether the weights hold a tensor of this name."""
        return name in self._weights

    def check_complete(self) -> None:
        """Raise a WeightsError naming every tensor that was missing or not used."""
        unused = sorted(self._weights.keys() - self.initializers.keys())
        if self._missing or unused:
            raise WeightsError(
                f"weights do not fit the hourglass: missing: {', '.join(self._missing) or 'none'}; "
                f"unexpected: {', '.join(unused) or 'none'}"
            )
