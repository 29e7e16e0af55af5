"""`lmk export`: write a model as a file that runtimes load."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lmk.cli import options
from lmk.system.errors import UsageError

if TYPE_CHECKING:
    from lmk.export.export import Exported
    from lmk.export.samples import Samples


class Format(str, Enum):
    """File formats."""

    onnx = "onnx"
    openvino = "openvino"
    tensorrt = "tensorrt"
    tensorrt_rtx = "tensorrt-rtx"


class Precision(str, Enum):
    """Precisions of the exported arithmetic."""

    fp32 = "fp32"
    fp16 = "fp16"
    bf16 = "bf16"
    int8 = "int8"


class Reference(str, Enum):
    """What an exported file is held against."""

    network = "network"
    onnx = "onnx"


def export(
    model: options.ModelName,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the file.")],
    format: Annotated[
        Format,
        typer.Option(
            "-f", "--format", metavar="FORMAT", help="onnx, openvino, tensorrt or tensorrt-rtx."
        ),
    ] = Format.onnx,
    precision: Annotated[
        Precision,
        typer.Option(
            metavar="PRECISION",
            help="fp32; fp16 (for OpenVINO its weights alone); bf16 (OpenVINO, on processors that "
            "compute in it); int8, which needs --calibration-data.",
        ),
    ] = Precision.fp32,
    batch: Annotated[
        str,
        typer.Option(
            metavar="SIZE",
            help="Pictures at once: a number, for engines also MIN:OPT:MAX; dynamic is any number, "
            "for engines 1:1:8.",
        ),
    ] = "dynamic",
    opset: Annotated[int, typer.Option(help="ONNX opset, 17 to 21.")] = 17,
    calibration_data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="For int8: at least 32 photographs of the category, each filled by one object.",
        ),
    ] = None,
    verify_data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Photographs to compare landmarks on. Without it drawn foxes, or for int8 a "
            "quarter of the calibration data, which is then not used for calibration.",
        ),
    ] = None,
    verify: Annotated[
        bool, typer.Option(help="Compare the file's landmarks with the network's.")
    ] = True,
    reference: Annotated[
        Reference,
        typer.Option(
            metavar="REFERENCE",
            help="What to compare with: network, which needs torch, or onnx, the float32 graph.",
        ),
    ] = Reference.network,
    workspace: Annotated[
        int, typer.Option(min=1, metavar="MB", help="Memory that an engine's layers may use.")
    ] = 512,
    compute_capability: Annotated[
        str | None,
        typer.Option(
            metavar="X.Y",
            help="GPU that tensorrt-rtx builds for, such as 8.6; without it all it supports.",
        ),
    ] = None,
    fold_projections: Annotated[
        bool,
        typer.Option(
            help="Fold projections into the weights, which leaves one plain hourglass; "
            "otherwise each stays as a 1x1 convolution."
        ),
    ] = True,
    heatmaps: Annotated[bool, typer.Option(help="Add the heatmaps as a third output.")] = False,
) -> None:
    """Export a model: fold, write, and check that the file gives the network's landmarks.

    The file takes uint8 RGB crops and gives landmarks in input pixels; nothing else is needed
    around it. Largest differences that pass, in pixels of the 128 x 128 input: fp32 0.05, fp16 and
    bf16 0.25; int8 0.5 in the mean and 2 at the 99th percentile. A file above them is not kept
    (exit code 3). A .json file beside it says what it is and how it was made.
    """
    if not verify and (verify_data or reference is not Reference.network):
        raise UsageError("--no-verify compares nothing: leave out --verify-data and --reference")
    if verify and reference is Reference.network:
        options.require_training()
    from lmk.artifact.batch import parse_batch
    from lmk.export.export import export_model
    from lmk.export.options import ExportOptions, check_options
    from lmk.model.folder import find_model
    from lmk.system.progress import Reporter

    asked = ExportOptions(
        format.value,
        precision.value,
        parse_batch(batch),
        opset,
        heatmaps,
        fold_projections,
        reference.value if verify else None,
        workspace,
        compute_capability,
    )
    found = find_model(model)
    check_options(asked, calibration_data is not None)
    calibration, samples = _samples(calibration_data, verify_data, found.architecture.input_size)
    exported = export_model(found, output, asked, samples, calibration, Reporter())
    _print(exported, opset)


def _samples(
    calibration_data: Path | None, verify_data: Path | None, input_size: int
) -> tuple[Samples | None, Samples]:
    from lmk.export import samples

    calibration = None
    if calibration_data:
        calibration = samples.calibration_samples(calibration_data, input_size)
    if verify_data:
        return calibration, samples.folder_samples(verify_data, samples.MAX_VERIFY, input_size)
    if calibration:
        return calibration.split(samples.HELD_OUT)
    return None, samples.drawn_samples(input_size)


def _print(exported: Exported, opset: int) -> None:
    known = exported.provenance
    megabytes = sum((exported.path.parent / name).stat().st_size for name in known.files) / 1e6
    layers = ", ".join(f"{count} {precision}" for precision, count in known.layers.items())
    typer.echo(
        f"{exported.path}  {megabytes:.1f} MB, {known.precision} (convolutions: {layers}), "
        f"opset {opset}"
    )
    if exported.parity is None:
        typer.echo("not verified")
        return
    typer.echo(exported.parity.describe())
    typer.echo(exported.parity.where)
