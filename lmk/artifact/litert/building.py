"""A LiteRT graph under construction, in which a tensor may be there in float32 and in int8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lmk.artifact.litert.graph import KINDS, NONE, RELU, Array, Operation, Quantization, Tensor
from lmk.artifact.litert.quantized import Quantized


class Building:
    """Tensors and operations.

    shapes: of all tensors by name, pictures (B, H, W, C). fused: the ReLUs that are part of an
    operation, its output to theirs. half_kernels: whether kernels are stored in float16.
    """

    def __init__(
        self,
        quantized: Quantized,
        shapes: Mapping[str, tuple[int, ...]],
        fused: Mapping[str, str],
        half_kernels: bool,
    ) -> None:
        self.tensors: list[Tensor] = []
        self.operations: list[Operation] = []
        self.constants, self.kernels = quantized.constants, quantized.kernels
        self.shapes, self.ranges = dict(shapes), quantized.ranges
        self.half_kernels = half_kernels
        self._fused = dict(fused)
        self._real: dict[str, int] = {}
        self._whole: dict[str, int] = {}

    def constant(self, name: str, values: Array, quantization: Quantization | None = None) -> int:
        """Add a constant and return its place."""
        values = np.ascontiguousarray(values)
        return self._add(Tensor(name, values.dtype.name, values.shape, values, quantization))

    def integers(self, name: str, values: npt.ArrayLike) -> int:
        """Add a constant of sizes, axes and such."""
        return self.constant(name, np.array(values, np.int32))

    def result(self, name: str, dtype: str = "float32") -> int:
        """Add the tensor of this name that an operation computes."""
        self._real[name] = self._add(Tensor(name, dtype, self.shapes[name]))
        return self._real[name]

    def whole_result(self, name: str) -> int:
        """Add the tensor of this name that an operation computes in int8."""
        tensor = Tensor(f"{name}.int8", "int8", self.shapes[name], None, self.ranges[name])
        self._whole[name] = self._add(tensor)
        return self._whole[name]

    def between(self, name: str, like: int, shape: tuple[int, ...]) -> int:
        """Add a tensor of another shape than one of the graph, of its type and quantization."""
        tensor = self.tensors[like]
        return self._add(Tensor(name, tensor.dtype, shape, None, tensor.quantization))

    def after_relu(self, name: str) -> tuple[str, int]:
        """What an operation with this output computes, and `RELU` if that has one at its end."""
        return (self._fused[name], RELU) if name in self._fused else (name, NONE)

    def name(self, name: str, place: int) -> None:
        """Let a tensor that is there be the one of this name."""
        self._real[name] = place

    def real(self, name: str) -> int:
        """The place of a tensor or a constant in float32."""
        if name not in self._real and name in self.constants:
            values = self.constants[name]
            self._real[name] = self.constant(name, values.reshape(values.shape or (1,)))
        elif name not in self._real:
            self.operate("DEQUANTIZE", [self._whole[name]], [self.result(name)])
        return self._real[name]

    def whole(self, name: str) -> int:
        """The place of a tensor in int8."""
        if name not in self._whole:
            self.operate("QUANTIZE", [self._real[name]], [self.whole_result(name)])
        return self._whole[name]

    def operate(
        self, kind: str, inputs: Sequence[int], outputs: Sequence[int], **options: Any
    ) -> None:
        """Add an operation."""
        assert options.keys() == KINDS[kind].fields.keys(), kind
        self.operations.append(Operation(kind, tuple(inputs), tuple(outputs), options))

    def _add(self, tensor: Tensor) -> int:
        self.tensors.append(tensor)
        return len(self.tensors) - 1
