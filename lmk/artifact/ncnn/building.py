"""An ncnn network under construction, from the tensors and constants of an ONNX graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from lmk.arrays import AnyArray
from lmk.artifact.ncnn.layers import Layer, Shape, Value, check_layer
from lmk.artifact.ncnn.network import HALF
from lmk.system.errors import WeightsError


class Building:
    """Layers and weights in their order; tensors have the names that they have in ONNX."""

    def __init__(self, constants: Mapping[str, AnyArray]) -> None:
        self.layers: list[Layer] = []
        self.weights = bytearray()
        self.constants = constants
        self._others: dict[str, str] = {}  # the name in ncnn of a tensor that has another one there
        self._shapes: dict[str, Shape] = {}

    def add(
        self,
        kind: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        params: Mapping[int, Value] | None = None,
    ) -> None:
        """Add a layer; its weights, if it has some, come next."""
        names = tuple(map(self._tensor, inputs))
        layer = Layer(kind, outputs[0], names, tuple(outputs), params or {})
        made, _ = check_layer(layer, [self._shapes[name] for name in names])
        self._shapes.update(zip(outputs, made, strict=True))
        self.layers.append(layer)

    def add_weights(self, values: AnyArray) -> None:
        """Add weights in float32."""
        self.weights += np.ascontiguousarray(values, np.float32).tobytes()

    def add_kernel(self, values: AnyArray, half: bool = False) -> None:
        """Add weights that say their type, float16 or float32. Raises WeightsError."""
        with np.errstate(over="ignore"):
            stored = np.ascontiguousarray(values, np.float16 if half else np.float32)
        if not np.isfinite(stored).all():
            raise WeightsError("a kernel has values that float16 does not hold: choose fp32")
        self.weights += (HALF if half else 0).to_bytes(4, "little") + stored.tobytes()
        self.weights += bytes(-len(self.weights) % 4)

    def alias(self, name: str, other: str) -> None:
        """Give a tensor a second name, for a node that ncnn does not need."""
        self._others[name] = self._tensor(other)

    def shape(self, name: str) -> Shape:
        """Shape of a tensor, without a batch."""
        return self._shapes[self._tensor(name)]

    def scalar(self, name: str) -> float | None:
        """The value of a constant of one number, None for all else."""
        values = self.constants.get(name)
        return float(values.item()) if values is not None and values.size == 1 else None

    def fuse_relu(self, name: str) -> bool:
        """Let the convolution that was added last, if it makes this tensor, compute its ReLU."""
        last = self.layers[-1]
        if fits := last.kind == "Convolution" and last.outputs == (self._tensor(name),):
            self.layers[-1] = replace(last, params={**last.params, 9: 1})
        return fits

    def _tensor(self, name: str) -> str:
        if name in self.constants and name not in self._shapes:
            values = self.constants[name]
            rows = values.reshape(1, -1) if values.ndim == 1 else values  # as ONNX broadcasts it
            sizes = (*rows.shape[::-1], 0, 0)
            self.add("MemoryData", [], [name], dict(enumerate(sizes[:3])))
            self.add_weights(rows)
        return self._others.get(name, name)


def with_copies(layers: Sequence[Layer], outputs: Sequence[str]) -> list[Layer]:
    """Copy each tensor that several layers read: in ncnn one layer takes it."""
    readers = Counter(name for layer in layers for name in layer.inputs) + Counter(outputs)
    shared = {name for name, count in readers.items() if count > 1}
    copies = {
        name: [name if name in outputs and not i else f"{name}.copy{i}" for i in range(count)]
        for name, count in readers.items()
        if name in shared
    }
    left = {name: iter(names[name in outputs :]) for name, names in copies.items()}
    found = []
    for layer in layers:
        inputs = tuple(next(left[name]) if name in shared else name for name in layer.inputs)
        made = tuple(f"{name}.whole" if name in shared else name for name in layer.outputs)
        found.append(replace(layer, inputs=inputs, outputs=made))
        for name in shared.intersection(layer.outputs):
            found.append(
                Layer("Split", f"{name}.split", (f"{name}.whole",), tuple(copies[name]), {})
            )
    return found
