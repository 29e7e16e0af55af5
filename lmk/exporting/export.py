"""`export`: write a model to a file that runtimes load, check it, and write its provenance."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from lmk.artifact.batch import parse_batch
from lmk.artifact.onnx_model import OPSET
from lmk.artifact.provenance import Provenance
from lmk.exporting import samples as sampling
from lmk.exporting.check_precision import conv_precisions, count
from lmk.exporting.graph import make_graph
from lmk.exporting.options import (
    WORKSPACE_MB,
    ExportOptions,
    find_format,
    rebuild_command,
)
from lmk.exporting.parity import Parity
from lmk.exporting.publish import hashes, provenance_of, publish, scratch
from lmk.exporting.reference import Reference
from lmk.exporting.samples import Samples
from lmk.exporting.verify import open_written, verify
from lmk.exporting.writer import check_export
from lmk.model.folder import Model, find_model
from lmk.system.files import check_writable
from lmk.system.progress import Reporter

Folder = str | os.PathLike[str]


@dataclass(frozen=True)
class Exported:
    """A written file, its provenance, and its parity, None without a check.

    needs: what was missing here to run the file itself; then the parity is that of its graph.
    """

    path: Path
    provenance: Provenance
    parity: Parity | None
    needs: str = ""


def export(
    model: Folder,
    folder: Folder,
    format: str = "onnx",
    precision: str | None = None,
    *,
    batch: str | int = "dynamic",
    calibration_data: Folder | None = None,
    verify_data: Folder | None = None,
    reference: Reference | None = "network",
    opset: int = OPSET,
    heatmaps: bool = False,
    fold_projections: bool = True,
    workspace_mb: int = WORKSPACE_MB,
    compute_capability: str | None = None,
    runtime_files: Folder | None = None,
    picture: Folder | None = None,
    report: Reporter | None = None,
) -> Exported:
    """Write a model into a folder and compare the file's landmarks with the network's.

    Does the same as `lmk export`, with the same options: `model` is a shipped model's name, a model
    or run folder, or a .adapter file; `batch` "dynamic", a number, or for engines "1:1:8"; the two
    data folders hold photographs; `reference` is "network", which needs torch, "onnx", or None for
    no check; `precision` is by default "fp32", and "fp16" for Core ML. The format "web" writes a
    site, whose page is index.html, around the ONNX file: `runtime_files` is the npm package
    onnxruntime-web, or "npm", and `picture` its example. The format "triton" writes a model
    repository, NAME/config.pbtxt and NAME/1/model.onnx.

        import lmk

        exported = lmk.export("runs/mugs", "models-for-the-device", precision="fp16")
        print(exported.path, exported.parity.max_px)

    Raises UsageError, WeightsError, DataError, OutputError, UnavailableError, and ParityError when
    the landmarks of the written file are not the network's; then no file is left.
    """
    options = ExportOptions(
        format=format,
        precision=precision or find_format(format).precisions[0],
        batch=parse_batch(str(batch)),
        opset=opset,
        heatmaps=heatmaps,
        fold_projections=fold_projections,
        reference=reference,
        workspace_mb=workspace_mb,
        compute_capability=compute_capability,
        runtime_files=None if runtime_files is None else os.fspath(runtime_files),
        picture=None if picture is None else Path(picture),
    )
    found = find_model(os.fspath(model))
    check_export(options, calibration_data is not None)
    size = found.architecture.input_size
    calibration, samples = _choose_samples(calibration_data, verify_data, size)
    return export_model(found, Path(folder), options, samples, calibration, report or Reporter())


def export_model(
    model: Model,
    folder: Path,
    options: ExportOptions,
    samples: Samples,
    calibration: Samples | None,
    report: Reporter,
) -> Exported:
    """Write a model into a folder as NAME.onnx, NAME-fp16.onnx, NAME-int8.xml and so on.

    samples: crops to compare landmarks on. calibration: crops to measure ranges on. Raises what
    `export` raises.
    """
    writer = check_export(options, calibration is not None)
    check_writable(folder)
    writer.check_place(folder)
    graph = make_graph(model, options, samples, calibration, report)
    name = options.file_name(model)
    with scratch(folder, name) as partial_folder:
        candidate = partial_folder / name
        candidate.parent.mkdir(parents=True, exist_ok=True)
        written = writer.write(graph.proto, candidate, options, report)
        needs = writer.needs(options)
        provenance = partial(
            provenance_of,
            model,
            graph.proto,
            format=options.format,
            precision=options.precision,
            batch=written.batch or options.batch,
            command=rebuild_command(model, options),
            files=hashes(candidate),
            kept_in_float=[name.removesuffix(".out") for name in graph.kept],
            gpu=written.gpu,
        )
        layers, parity = written.layers or count(conv_precisions(graph.proto)), None
        if options.file_format.engine:  # its runtime reads there what an engine is
            provenance(layers=layers).write(candidate)
        if options.reference:
            backend = open_written(candidate, graph.proto, options, writer, needs)
            parity = verify(backend, model, graph.proto, samples, options)
            parity = replace(parity, verified=not needs)
            if written.layers is None and not needs:
                layers = backend.layers()
        known = provenance(layers=layers, parity=asdict(parity) if parity else None)
        writer.clear(partial_folder, folder)
        publish(partial_folder, name, folder, known)
    return Exported(folder / name, known, parity, needs)


def _choose_samples(
    calibration_data: Folder | None, verify_data: Folder | None, input_size: int
) -> tuple[Samples | None, Samples]:
    """Crops to calibrate on, if any, and other crops to compare on."""
    calibration = None
    if calibration_data:
        calibration = sampling.calibration_samples(Path(calibration_data), input_size)
    if verify_data:
        limit = sampling.MAX_VERIFY
        return calibration, sampling.folder_samples(Path(verify_data), limit, input_size)
    if calibration:
        return calibration.split(sampling.HELD_OUT)
    return None, sampling.drawn_samples(input_size)
