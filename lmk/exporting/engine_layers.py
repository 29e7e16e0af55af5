"""Precisions of an engine's layers as they were built.

TensorRT's inspector reads them from the engine, which needs a GPU. TensorRT for RTX can build
without a GPU, and then the same description is in the builder's log.
"""

from __future__ import annotations

import json
import re
from typing import Any

from lmk.system.errors import ParityError, UnavailableError

DATATYPES = {"Float": "fp32", "Half": "fp16", "Int8": "int8", "BFloat16": "bf16"}
LOGGED = re.compile(r"^Name: (?P<name>.+?), LayerType: (?P<kind>\w+), Inputs: \[(?P<inputs>.*)")


def read_log(text: str) -> dict[str, str]:
    """Precision of each convolution in a builder's list of layers, by layer name."""
    found = {}
    for line in text.splitlines():
        layer = LOGGED.match(line)
        if layer and _is_convolution(layer["kind"]):
            datatype = re.search(r"Datatype: (\w+)", layer["inputs"])
            found[layer["name"]] = _name(datatype[1] if datatype else "unknown")
    return found


def read_inspector(trt: Any, plan: bytes, messages: Any) -> dict[str, str]:
    """Precision of each convolution of an engine, by layer name. Raises UnavailableError."""
    runtime = trt.Runtime(messages)
    engine = runtime.deserialize_cuda_engine(plan)
    if engine is None:
        raise UnavailableError(f"the built engine does not load here: {messages.last_error}")
    inspector = engine.create_engine_inspector()
    text = inspector.get_engine_information(trt.LayerInformationFormat.JSON)
    return read_information(text)


def read_information(text: str) -> dict[str, str]:
    """Precision of each convolution in the inspector's JSON, by layer name."""
    found = {}
    for layer in json.loads(text)["Layers"]:
        if _is_convolution(layer["LayerType"]):
            first = layer["Inputs"][0]
            datatype = first.get("Datatype") or first.get("Format/Datatype", "unknown")
            found[layer["Name"]] = _name(datatype)
    return found


def require_layers(layers: dict[str, str], precision: str, kept: int) -> None:
    """Raise ParityError unless all convolutions except `kept` have the requested precision.

    A few may be fused into kernels that are not convolutions; none may have another precision,
    except those that int8 leaves in float32.
    """
    others = {name: found for name, found in layers.items() if found != precision}
    wrong = {name: found for name, found in others.items() if not (kept and found == "fp32")}
    if not layers or wrong or len(others) > kept:
        found = ", ".join(f"{name} is {kind}" for name, kind in (wrong or others).items())
        raise ParityError(f"expected an engine in {precision}: {found or 'it has no convolutions'}")


def _is_convolution(kind: str) -> bool:
    return kind == "correlation" or "conv" in kind.lower()


def _name(datatype: str) -> str:
    # TensorRT's inspector may put the memory format before it: "Channel major FP16 format".
    words = {"FP16": "fp16", "FP32": "fp32", "INT8": "int8"}
    for word, name in {**DATATYPES, **words}.items():
        if word in datatype:
            return name
    return datatype
