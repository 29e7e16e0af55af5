"""int8 as a QDQ graph: ranges measured on real crops, kernels scaled per channel.

ONNX Runtime quantises and measures; this module chooses the layers that stay in float32. ONNX
Runtime, OpenVINO (which runs it in integers) and TensorRT use the same graph. TensorRT requires
ranges that are symmetric about zero; the others are more exact, and faster on CPUs, with asymmetric
ranges.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lmk.architectures.spec import Architecture
from lmk.arrays import Images
from lmk.artifact.onnx_model import repeat_for
from lmk.exporting.graph import Graph, Quantizing
from lmk.system.errors import missing_extra
from lmk.system.onnx_package import ModelProto


@dataclass(frozen=True)
class Ranges:
    """A float32 graph with the activation ranges that calibration measured on it."""

    proto: ModelProto
    architecture: Architecture
    tensors: Any
    symmetric: bool

    def quantize(self, kept: Sequence[str]) -> ModelProto:
        """Quantise every convolution but those named in `kept`."""
        from onnxruntime.quantization import QuantType
        from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

        copy = ModelProto()
        copy.CopyFrom(self.proto)
        quantizer = QDQQuantizer(
            copy,
            per_channel=True,
            reduce_range=False,
            weight_qType=QuantType.QInt8,
            activation_qType=QuantType.QInt8 if self.symmetric else QuantType.QUInt8,
            tensors_range=self.tensors,
            nodes_to_quantize=[],
            nodes_to_exclude=list(kept),
            op_types_to_quantize=["Conv"],
            # TensorRT reads no biases in int32.
            extra_options={
                "ActivationSymmetric": self.symmetric,
                "QuantizeBias": not self.symmetric,
            },
        )
        quantizer.quantize_model()
        proto: ModelProto = quantizer.model.model
        return proto


def quantize(given: Quantizing) -> Graph:
    """Quantise as many convolutions as pass the parity check. See `graph.Quantizer`."""
    assert given.calibration is not None
    architecture, crops = given.model.architecture, given.calibration.crops
    with given.report.bar("measuring ranges", len(crops)) as bar:
        ranges = calibrate(given.proto, architecture, crops, given.symmetric, bar.advance)
    return Graph(*find_kept(ranges, given.gate.passes, given.gate.error))


def calibrate(
    proto: ModelProto,
    architecture: Architecture,
    crops: Images,
    symmetric: bool,
    advance: Callable[[], None],
) -> Ranges:
    """Measure the range of every convolution's input on uint8 RGB crops (N, S, S, 3).

    `advance` is called once per crop. Raises UnavailableError without ONNX Runtime.
    """
    try:
        from onnxruntime.quantization import CalibrationMethod
        from onnxruntime.quantization.calibrate import create_calibrator
    except ImportError as error:
        raise missing_extra("onnxruntime", "run") from error
    with tempfile.TemporaryDirectory(prefix="lmk-") as folder:
        source = Path(folder) / "float.onnx"
        source.write_bytes(proto.SerializeToString())
        calibrator = create_calibrator(
            source,
            ["Conv"],
            augmented_model_path=str(Path(folder) / "ranges.onnx"),
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"symmetric": symmetric},
        )
        for crop in crops:
            calibrator.collect_data(_One(repeat_for(proto, crop)))
            advance()
        return Ranges(proto, architecture, calibrator.compute_data(), symmetric)


def find_kept(
    ranges: Ranges, passes: Callable[[ModelProto], bool], error: Callable[[ModelProto], float]
) -> tuple[ModelProto, list[str]]:
    """Quantise as many layers as pass the gate.

    The architecture's sensitive layers always stay in float32. If that is not enough, at most half
    of the blocks follow, those with the largest error first when only they are quantised; bisection
    finds the fewest that pass. Returns the graph and its float32 layers; if none passes, the last
    one.
    """
    kept = always_kept(ranges.architecture)
    proto = ranges.quantize(kept)
    if passes(proto):
        return proto, kept
    blocks = blocks_of(ranges.proto, ranges.architecture)
    every = [name for names in blocks.values() for name in names]

    def alone(block: str) -> float:
        others = [name for name in every if name not in blocks[block]]
        return error(ranges.quantize([*kept, *others]))

    ranked = sorted(blocks, key=alone, reverse=True)
    choices = list(accumulate((blocks[block] for block in ranked), initial=kept))[1:]
    choices = choices[: len(choices) // 2]
    low, high = 0, len(choices) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (
            (low, middle) if passes(ranges.quantize(choices[middle])) else (middle + 1, high)
        )
    return ranges.quantize(choices[low]), choices[low]


def always_kept(architecture: Architecture) -> list[str]:
    """Nodes of the convolutions that stay in float32 in any case."""
    return [f"{layer}.out" for layer in architecture.sensitive]


def blocks_of(proto: ModelProto, architecture: Architecture) -> dict[str, list[str]]:
    """Convolutions that may be quantised, grouped by the architecture's blocks."""
    blocks: dict[str, list[str]] = {}
    for node in proto.graph.node:
        if node.op_type == "Conv" and node.name not in always_kept(architecture):
            block = architecture.block_of(node.name.removesuffix(".out"))
            blocks.setdefault(block, []).append(node.name)
    return blocks


class _One:
    """A calibration reader of one batch."""

    def __init__(self, images: npt.NDArray[np.uint8]) -> None:
        self._inputs: Iterator[dict[str, npt.NDArray[np.uint8]]] = iter([{"images": images}])

    def get_next(self) -> dict[str, npt.NDArray[np.uint8]] | None:
        return next(self._inputs, None)
