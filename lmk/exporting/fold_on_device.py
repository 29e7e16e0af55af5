"""Fold a core and an adapter into one ONNX file, on the device itself, with numpy and onnx."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Literal

from lmk.artifact.batch import BatchRange
from lmk.artifact.onnx_model import GraphOptions, build_onnx, save_onnx
from lmk.exporting.check_precision import conv_precisions, count
from lmk.exporting.publish import hashes, provenance_of
from lmk.model.folder import Model
from lmk.system.errors import UsageError
from lmk.system.files import check_writable


def fold_to_onnx(
    adapter: Model, core: Model, folder: Path, precision: Literal["fp32", "fp16"] = "fp32"
) -> Path:
    """Write `folder/NAME.onnx` with its provenance and return its path.

    The graph is written node by node. Raises UsageError when `adapter` is not an adapter,
    WeightsError when it belongs to another core, and OutputError.
    """
    if adapter.manifest.kind != "adapter":
        raise UsageError(
            f"{adapter.reference} is a complete network: expected  lmk fold CORE ADAPTER"
        )
    check_writable(folder)
    model = replace(adapter, given_core=core)
    proto = build_onnx(model, GraphOptions(precision=precision))
    suffix = "" if precision == "fp32" else f"-{precision}"
    path = folder / f"{model.manifest.name}{suffix}.onnx"
    save_onnx(proto, path)
    words = ["lmk", "fold", core.reference, adapter.reference, "-o", "DIR"]
    provenance_of(
        model,
        proto,
        format="onnx",
        precision=precision,
        batch=BatchRange(),
        layers=count(conv_precisions(proto)),
        command=shlex.join([*words, "--precision", precision]),
        files=hashes(path),
    ).write(path)
    return path
