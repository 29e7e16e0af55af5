"""Students are exported, checked and run in every format and precision, as the hourglass is."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from lmk.artifact.catalogue import FORMATS, PRECISIONS
from lmk.artifact.provenance import read_provenance
from lmk.exporting.export import export_model
from lmk.exporting.options import ExportOptions
from lmk.exporting.samples import drawn_samples
from lmk.inference.backends.select import open_backend
from lmk.model.folder import Model
from lmk.networks.detect import detect
from lmk.networks.load import load_network
from lmk.system.errors import UnavailableError
from lmk.system.progress import Reporter

RTX = all(find_spec(p) for p in ("tensorrt_rtx_bindings", "onnxruntime_ep_nv_tensorrt_rtx"))
CASES = [(one.name, precision) for one in FORMATS.values() for precision in one.precisions]


@pytest.mark.parametrize(("format", "precision"), CASES)
def test_a_student_in_every_format(
    student_model: Model, tmp_path: Path, format: str, precision: str
) -> None:
    if format == "tensorrt" or (format == "tensorrt-rtx" and not RTX):
        pytest.skip(f"{format} is not here")
    capability = "8.6" if FORMATS[format].engine else None
    options = ExportOptions(format, precision, compute_capability=capability)
    calibration = drawn_samples(128, 8) if PRECISIONS[precision].quantizer else None
    try:
        exported = export_model(
            student_model, tmp_path, options, drawn_samples(128, 6), calibration, Reporter()
        )
    except UnavailableError as error:  # bfloat16 on this processor, coremltools
        pytest.skip(str(error))
    assert exported.parity is not None
    assert exported.parity.mean_px < 0.5
    layers = read_provenance(exported.path).layers
    assert sum(layers.values()) == 19
    if FORMATS[format].engine or not FORMATS[format].runtimes:
        return  # it runs on a GPU, or not in lmk
    images = np.random.default_rng(0).integers(0, 256, (3, 128, 128, 3), np.uint8)
    found = open_backend(str(exported.path)).infer(images)[0]
    expected = detect(*load_network(student_model), images)[0]
    assert np.abs(found - expected).mean() < 0.5  # noise pictures, unlike those of calibration
