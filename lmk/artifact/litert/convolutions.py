"""Convolutions and batch norms, as a LiteRT graph has them."""

from __future__ import annotations

import numpy as np

from lmk.architectures.spec import BATCH_NORM_EPSILON
from lmk.artifact.litert.building import Building
from lmk.artifact.litert.graph import NONE, SAME, VALID, Array, Quantization
from lmk.system.onnx_package import NodeProto, helper

LAST = (0, 2, 3, 1)  # from ONNX's (Co, Ci, h, w) to (Co, h, w, Ci)


def conv(b: Building, node: NodeProto) -> None:
    """A convolution, in int8 if kernel, input and output are quantized; with its ReLU."""
    output, relu = b.after_relu(node.output[0])
    name, kernel = node.input[:2]
    whole = kernel in b.kernels and {name, output} <= b.ranges.keys()
    attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    stride, padding = attributes.get("strides", [1])[0], attributes.get("pads", [0])[0]
    before = b.whole(name) if whole else b.real(name)
    side = b.constants[kernel].shape[-1]
    same = padding and stride == 1 and 2 * padding == side - 1
    if padding and not same:
        before = _pad(b, before, f"{output}.padded", padding)
    bias = b.constants[node.input[2]] if len(node.input) > 2 else None
    layer = node.output[0].removesuffix(".out")
    constants = (
        _in_int8(b, layer, b.kernels[kernel], bias, before)
        if whole
        else _in_float(b, layer, b.constants[kernel], bias)
    )
    b.operate(
        "CONV_2D",
        [before, *constants],
        [b.whole_result(output) if whole else b.result(output)],
        padding=SAME if same else VALID,
        strideW=stride,
        strideH=stride,
        dilationWFactor=1,
        dilationHFactor=1,
        fusedActivationFunction=relu,
    )


def _pad(b: Building, before: int, name: str, padding: int) -> int:
    """Zeros on all sides: SAME would have more of them on the right and below."""
    batch, height, width, channels = b.tensors[before].shape
    shape = (batch, height + 2 * padding, width + 2 * padding, channels)
    after = b.between(name, before, shape)
    widths = np.array([[0, 0], [padding] * 2, [padding] * 2, [0, 0]], np.int32)
    b.operate("PAD", [before, b.constant(f"{name}.widths", widths)], [after])
    return after


def _in_float(b: Building, layer: str, kernel: Array, bias: Array | None) -> list[int]:
    kernel, name = kernel.transpose(LAST), f"{layer}.weight"
    bias = np.zeros(len(kernel), np.float32) if bias is None else bias
    if not b.half_kernels:
        return [b.constant(name, kernel), b.constant(f"{layer}.bias", bias)]
    stored = b.constant(f"{name}.float16", kernel.astype(np.float16))
    b.shapes[name] = kernel.shape
    b.operate("DEQUANTIZE", [stored], [b.result(name)])
    return [b.real(name), b.constant(f"{layer}.bias", bias)]


def _in_int8(
    b: Building, layer: str, quantized: tuple[Array, Array], bias: Array | None, before: int
) -> list[int]:
    """The kernel from -127 to 127, and the bias in int32 with the scale of the products."""
    kernel, scales = quantized
    quantization = b.tensors[before].quantization
    assert quantization is not None
    products = scales.astype(np.float64) * quantization.scales[0]
    zeros = (0,) * len(kernel)
    values = np.zeros(len(kernel)) if bias is None else bias
    whole = np.clip(np.round(values / products), -(2**31), 2**31 - 1).astype(np.int32)
    return [
        b.constant(
            f"{layer}.weight",
            np.clip(kernel, -127, 127).transpose(LAST),
            Quantization(tuple(map(float, scales)), zeros),
        ),
        b.constant(f"{layer}.bias", whole, Quantization(tuple(map(float, products)), zeros)),
    ]


def batch_norm(b: Building, node: NodeProto) -> None:
    """A batch norm that is not folded: a product and a sum per channel."""
    name, output = node.input[0], node.output[0]
    weight, bias, mean, variance = (b.constants[part].astype(np.float64) for part in node.input[1:])
    scale = weight / np.sqrt(variance + BATCH_NORM_EPSILON)
    parts = {"scale": scale, "shift": bias - mean * scale}
    scale_at, shift_at = (
        b.constant(f"{output}.{part}", values.astype(np.float32)) for part, values in parts.items()
    )
    scaled = b.between(f"{output}.scaled", b.real(name), b.shapes[output])
    b.operate("MUL", [b.real(name), scale_at], [scaled], fusedActivationFunction=NONE)
    after, relu = b.after_relu(output)
    b.operate("ADD", [scaled, shift_at], [b.result(after)], fusedActivationFunction=relu)
