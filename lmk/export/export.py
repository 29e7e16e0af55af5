"""`export_model`: build, check and write one file."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lmk.export.onnx_model import build_onnx, save_onnx, set_metadata
from lmk.export.parity import Parity, measure_parity, require_parity
from lmk.model.folder import Model


@dataclass(frozen=True)
class Exported:
    """A written file and, unless it was not asked for, how well it reproduces its network."""

    path: Path
    parity: Parity | None


def export_onnx(
    model: Model,
    folder: Path,
    fold_projections: bool = True,
    heatmaps: bool = False,
    verify: bool = True,
) -> Exported:
    """Write `folder/NAME.onnx`, float32.

    Raises WeightsError, OutputError, and ParityError when the landmarks of the written file are
    not the network's; then no file is left.
    """
    proto = build_onnx(model, fold_projections, heatmaps)
    path = folder / f"{model.manifest.name}.onnx"
    if not verify:
        save_onnx(proto, path)
        return Exported(path, None)
    scratch = Path(tempfile.mkdtemp(prefix="lmk-"))
    try:
        candidate = scratch / path.name
        save_onnx(proto, candidate)
        parity = measure_parity(model, candidate)
        require_parity(parity)
    finally:
        shutil.rmtree(scratch)
    set_metadata(proto, {"verify": parity.metadata()})
    save_onnx(proto, path)
    return Exported(path, parity)
