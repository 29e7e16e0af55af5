"""Open the model that labels, and what identifies it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lmk.artifact.batch import BatchRange
from lmk.artifact.catalogue import PRECISIONS, files_of, format_for, format_of
from lmk.inference.backends.select import choose_runtime
from lmk.inference.landmarker import Landmarker
from lmk.labelling.options import LabelOptions, runtime_computing
from lmk.model.folder import find_model
from lmk.system.cache import cache_folder
from lmk.system.errors import LmkError, UsageError
from lmk.system.files import sha256_of
from lmk.system.progress import Reporter
from lmk.video.open_models import model_names


@dataclass(frozen=True, eq=False)
class LabelModel:
    """A model that is ready to label.

    name: in results. sha256: of its weights and what turns them into landmarks, or of an exported
    file.
    """

    name: str
    sha256: str
    landmarker: Landmarker

    @property
    def places(self) -> int:
        """Rows per object: the named points, or the landmarks of a model without."""
        return len(self.landmarker.point_names) or self.landmarker.num_landmarks


def with_runtime(options: LabelOptions) -> LabelOptions:
    """Options with a runtime and a device in place of "auto", so that all machines use the same.

    A choice of `lmk bench --save` is not used: labels must not depend on what was fastest here.
    """
    if options.precision:
        device = options.device or "cpu"
        runtime = runtime_computing(options.runtime, device, options.precision)
    else:
        runtime, device = choose_runtime(options.model, options.runtime, options.device)
    return replace(options, runtime=runtime, device=device)


def open_label_model(
    options: LabelOptions, report: Reporter, threads: int | None = None
) -> LabelModel:
    """Open a model, of options `with_runtime`, and try it once.

    threads: of its runtime on the CPU, by default its choice. With a precision, the model is
    exported into the user's cache, and its landmarks are compared with those of its float32 graph.
    Raises what `Landmarker` and `export_model` raise.
    """
    (name,) = model_names([options.model])
    sha256 = _sha256(options.model)
    if options.precision:
        options = replace(options, model=_exported(options, options.precision, report))
    landmarker = Landmarker(
        options.model, options.runtime, options.device, options.region, threads=threads
    )
    if not options.region.startswith("box:"):  # which may lie outside of a small picture
        landmarker(np.zeros((64, 64, 3), np.uint8))  # what never works is said before any picture
    return LabelModel(name, sha256, landmarker)


def _sha256(model: str) -> str:
    if format_of(model):
        return sha256_of(*files_of(Path(model)))
    return find_model(model).sha256


def _exported(options: LabelOptions, precision: str, report: Reporter) -> str:
    """The model's file in the precision, made in the user's cache on first use."""
    from lmk.artifact.provenance import check_unchanged, tool_versions
    from lmk.exporting.export import export_model
    from lmk.exporting.options import ExportOptions
    from lmk.exporting.samples import drawn_samples

    format = format_for(options.runtime, precision)
    if format_of(options.model) or PRECISIONS[precision].calibrated or not format or format.engine:
        raise UsageError(
            f"--precision {precision}: make the file with  lmk export  (-f, --precision), and give "
            "it as the model. --precision of lmk label is for model folders and shipped models, in "
            "precisions that need no calibration"
        )
    model = find_model(options.model)
    export = ExportOptions(format.name, precision, BatchRange(), reference="onnx")
    folder = cache_folder() / "label" / model.exported_sha256[:16]
    path = folder / export.file_name(model)
    try:
        fresh = check_unchanged(path).tools == tool_versions()
    except LmkError:
        fresh = False
    if not fresh:
        samples = drawn_samples(model.architecture.input_size)
        export_model(model, folder, export, samples, None, report)
    return str(path)
