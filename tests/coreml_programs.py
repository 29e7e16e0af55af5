"""A slow reference for Core ML: reads a package by its published layout, and computes its program.

It shares nothing with the code that writes packages. Core ML itself runs on Apple hardware only.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from coremltools.proto import MIL_pb2, Model_pb2

DATA = "Data/com.apple.CoreML"
SENTINEL = 0xDEADBEEF  # before each weight in weight.bin
NUMPY = {"FLOAT16": np.float16, "FLOAT32": np.float32, "INT32": np.int32, "BOOL": np.bool_}
TORCH = {"FLOAT16": torch.float16, "FLOAT32": torch.float32, "BOOL": torch.bool}
LISTS = {"FLOAT32": "floats", "INT32": "ints", "BOOL": "bools", "STRING": "strings"}


def read_model(package: Path) -> Any:
    return Model_pb2.Model.FromString((package / DATA / "model.mlmodel").read_bytes())


def run_program(package: Path, images: np.ndarray) -> dict[str, np.ndarray]:
    """Outputs by name, for RGB pictures uint8 (B, H, W, 3), in as many calls as Core ML needs."""
    model = read_model(package)
    function = model.mlProgram.functions["main"]
    (block,) = function.block_specializations.values()
    (given,) = function.inputs
    step = given.type.tensorType.dimensions[0].constant.size
    weights = (package / DATA / "weights" / "weight.bin").read_bytes()
    found = []
    for start in range(0, len(images), step):
        planar = images[start : start + step].astype(np.float32).transpose(0, 3, 1, 2)
        found.append(_run(block, {given.name: torch.from_numpy(planar.copy())}, weights))
    return {name: np.concatenate([one[name] for one in found]) for name in block.outputs}


def _run(block: Any, values: dict[str, Any], weights: bytes) -> dict[str, np.ndarray]:
    for operation in block.operations:
        if operation.type == "const":
            values[operation.outputs[0].name] = _constant(operation.attributes["val"], weights)
            continue
        inputs = {
            key: [values[one.name] for one in bound.arguments]
            for key, bound in operation.inputs.items()
        }
        exact = {key: _exact(many) for key, many in inputs.items()}
        made = OPERATIONS[operation.type](exact)
        for output, value in zip(
            operation.outputs, made if isinstance(made, tuple) else [made], strict=True
        ):
            declared = output.type.tensorType
            assert [one.constant.size for one in declared.dimensions] == list(value.shape)
            values[output.name] = value.to(TORCH[_kind(declared)])  # rounds to what it declares
    return {name: values[name].numpy() for name in block.outputs}


def _kind(tensor: Any) -> str:
    return str(MIL_pb2.DataType.Name(tensor.dataType))


def _constant(value: Any, weights: bytes) -> Any:
    tensor = value.type.tensorType
    kind, shape = _kind(tensor), [one.constant.size for one in tensor.dimensions]
    if value.HasField("blobFileValue"):
        assert value.blobFileValue.fileName == "@model_path/weights/weight.bin"
        place = value.blobFileValue.offset
        sentinel, _, size, start = struct.unpack_from("<IIQQ", weights, place)
        assert sentinel == SENTINEL
        return torch.from_numpy(
            np.frombuffer(weights[start : start + size], NUMPY[kind]).reshape(shape).copy()
        )
    held = value.immediateValue.tensor
    if kind == "FLOAT16":
        return torch.from_numpy(np.frombuffer(held.bytes.values, np.float16).reshape(shape).copy())
    values = list(getattr(held, LISTS[kind]).values)
    if kind == "STRING" or not shape:
        return torch.tensor(values[0]) if kind == "FLOAT32" else values[0]
    return torch.from_numpy(np.array(values, NUMPY[kind]).reshape(shape))


def _exact(values: list[Any]) -> Any:
    many = [
        one.double() if isinstance(one, torch.Tensor) and one.is_floating_point() else one
        for one in values
    ]
    return many if len(many) > 1 else many[0]


def _ints(value: torch.Tensor) -> list[int]:
    return [int(one) for one in value]


def _conv(a: dict[str, Any]) -> torch.Tensor:
    assert a["pad_type"] == "custom"
    top, bottom, left, right = _ints(a["pad"])
    padded = F.pad(a["x"], (left, right, top, bottom))
    geometry = _ints(a["strides"]), 0, _ints(a["dilations"]), a["groups"]
    return F.conv2d(padded, a["weight"], a.get("bias"), *geometry)


def _norm(a: dict[str, Any]) -> torch.Tensor:
    columns = {key: a[key][:, None, None] for key in ("mean", "variance", "gamma", "beta")}
    scaled = (a["x"] - columns["mean"]) / torch.sqrt(columns["variance"] + a["epsilon"])
    return scaled * columns["gamma"] + columns["beta"]


def _pool(a: dict[str, Any]) -> torch.Tensor:
    assert a["pad_type"] == "valid"
    return F.avg_pool2d(a["x"], _ints(a["kernel_sizes"]), _ints(a["strides"]))


def _enlarge(a: dict[str, Any]) -> torch.Tensor:
    down = a["x"].repeat_interleave(int(a["scale_factor_height"]), 2)
    return down.repeat_interleave(int(a["scale_factor_width"]), 3)


def _matmul(a: dict[str, Any]) -> torch.Tensor:
    x = a["x"].mT if a["transpose_x"] else a["x"]
    return x @ (a["y"].mT if a["transpose_y"] else a["y"])


def _split(a: dict[str, Any]) -> tuple[torch.Tensor, ...]:
    return torch.split(a["x"], _ints(a["split_sizes"]), int(a["axis"]))


OPERATIONS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "add": lambda a: a["x"] + a["y"],
    "avg_pool": _pool,
    "batch_norm": _norm,
    "cast": lambda a: a["x"],
    "concat": lambda a: torch.cat(a["values"], int(a["axis"])),
    "conv": _conv,
    "identity": lambda a: a["x"],
    "less_equal": lambda a: a["x"] <= a["y"],
    "linear": lambda a: F.linear(a["x"], a["weight"], a.get("bias")),
    "matmul": _matmul,
    "maximum": lambda a: torch.maximum(a["x"], torch.as_tensor(a["y"]).double()),
    "mul": lambda a: a["x"] * a["y"],
    "real_div": lambda a: a["x"] / a["y"],
    "reduce_sum": lambda a: a["x"].sum(_ints(a["axes"]), keepdim=bool(a["keep_dims"])),
    "relu": lambda a: a["x"].relu(),
    "reshape": lambda a: a["x"].reshape(_ints(a["shape"])),
    "softmax": lambda a: a["x"].softmax(int(a["axis"])),
    "split": _split,
    "sub": lambda a: a["x"] - a["y"],
    "upsample_nearest_neighbor": _enlarge,
}
"""Operations as Core ML's reference of MIL defines them, by torch, in float64."""
