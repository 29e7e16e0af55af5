"""`lmk export`: write a model to a file that runtimes load."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lmk.artifact.catalogue import (
    FORMATS,
    LIMITS_SIZE,
    PRECISIONS,
    RUNTIMES,
    Format,
    ParityLimits,
    listed,
)
from lmk.cli import options
from lmk.cli.echo import echo
from lmk.system.errors import UsageError
from lmk.system.files import size_of

if TYPE_CHECKING:
    from lmk.exporting.export import Exported


def _limits_in_words() -> str:
    """Write the limits of all precisions, with equal limits together."""
    alike: dict[ParityLimits, list[str]] = {}
    for precision in PRECISIONS.values():
        alike.setdefault(precision.limits, []).append(precision.name)
    return "; ".join(f"{listed(names, 'and')} {_in_words(one)}" for one, names in alike.items())


def _in_words(limits: ParityLimits) -> str:
    parts = (
        f"{limits.max_px}" if limits.max_px else "",
        f"{limits.mean_px:g} in the mean" if limits.mean_px else "",
        f"{limits.p99_px:g} at the 99th percentile" if limits.p99_px else "",
    )
    return listed(filter(None, parts), "and")


def _format_in_words(format: Format) -> str:
    precisions = listed(format.precisions, "or")
    if format.noun == "page":
        return f"{format.name}: {precisions}, a page for any browser"
    if format.noun == "repository":
        return f"{format.name}: {precisions}, a model repository for NVIDIA's Triton"
    runtimes = listed([RUNTIMES[name].title for name in format.runtimes] or [format.title], "and")
    return f"{format.name}: {precisions}, for {runtimes}"


def export(
    model: options.ModelName,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the file.")],
    format: Annotated[
        str,
        typer.Option(
            *("-f", "--format"),
            parser=options.one_of(FORMATS),
            metavar="FORMAT",
            help=f"{'; '.join(map(_format_in_words, FORMATS.values()))}.",
        ),
    ] = "onnx",
    precision: Annotated[
        Any,
        typer.Option(
            parser=options.one_of(PRECISIONS),
            metavar="PRECISION",
            help=f"{'; '.join(one.help for one in PRECISIONS.values())}. By default the first that "
            "is listed for the format.",
        ),
    ] = None,
    batch: Annotated[
        str,
        typer.Option(
            metavar="SIZE",
            help="Batch size: a number, or dynamic for any number. Engines also take MIN:OPT:MAX, "
            "and for them dynamic is 1:1:8.",
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
            help="Photographs to compare landmarks on. By default drawn foxes; for int8 a quarter "
            "of the calibration data, which is then not used for calibration.",
        ),
    ] = None,
    verify: Annotated[
        bool, typer.Option(help="Compare the landmarks of the file with those of the network.")
    ] = True,
    reference: Annotated[
        Any,
        typer.Option(
            parser=options.one_of(("network", "onnx")),
            metavar="REFERENCE",
            help="What to compare with: network (needs torch), or onnx, the float32 graph.",
        ),
    ] = "network",
    workspace: Annotated[
        int,
        typer.Option(
            min=1, metavar="MB", help="Memory that the layers of an engine may use, in MB."
        ),
    ] = 512,
    compute_capability: Annotated[
        str | None,
        typer.Option(
            metavar="X.Y",
            help="Compute capability of the GPU that tensorrt-rtx builds for, such as 8.6; by "
            "default all that it supports.",
        ),
    ] = None,
    runtime_files: Annotated[
        str | None,
        typer.Option(
            metavar="DIR|npm",
            help="For web: copy ONNX Runtime into the site, from this npm package or from the one "
            "installed here, so that visitors fetch nothing from elsewhere. Otherwise the page "
            "takes it from a CDN, and checks its hashes.",
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="For web: an example for visitors without a camera. By default the photograph of "
            "lmk demo, if the model finds something in it.",
        ),
    ] = None,
    open_page: Annotated[
        bool, typer.Option("--open", help="For web: serve the site here, and open it in a browser.")
    ] = False,
    fold_projections: Annotated[
        bool,
        typer.Option(
            help="Fold the projections into the weights of the network; otherwise "
            "each projection stays as a 1x1 convolution."
        ),
    ] = True,
    heatmaps: Annotated[bool, typer.Option(help="Add the heatmaps as a third output.")] = False,
) -> None:
    """Export a model: fold it, write the file, and compare its landmarks with the network's.

    The file reads uint8 RGB crops and returns landmarks in input pixels, without any other code.
    The parity limits are, in pixels of an input of SIZE and in proportion for other sizes: LIMITS.
    A file beyond its limits is not kept (exit code 3). A .json file beside it holds its provenance:
    what it is and how it was made. With -f web the folder is a site: its index.html finds landmarks
    on the visitor's own camera, and is checked in Chromium or Chrome where one is installed.
    With -f triton it is a model repository: NAME/1/model.onnx and NAME/config.pbtxt.
    A package of -f coreml is itself compared on a Mac; elsewhere only the graph that it is made of.
    """
    if open_page and format != "web":
        raise UsageError("--open is for -f web, which writes a page")
    if not verify and (verify_data or reference != "network"):
        raise UsageError("--no-verify compares nothing: omit --verify-data and --reference")
    if verify and reference == "network":
        options.require_training()
    from lmk.exporting.export import export as write

    exported = write(
        model,
        output,
        format,
        precision,
        batch=batch,
        calibration_data=calibration_data,
        verify_data=verify_data,
        reference=reference if verify else None,
        opset=opset,
        heatmaps=heatmaps,
        fold_projections=fold_projections,
        workspace_mb=workspace,
        compute_capability=compute_capability,
        runtime_files=runtime_files,
        picture=picture,
    )
    _print(exported, opset)
    if format == "web":
        _print_site(exported.path)
    if format == "triton":
        echo(f"serve it:  tritonserver --model-repository={output}")
    if open_page:
        _open(exported.path.parent)


export.__doc__ = (
    (export.__doc__ or "")
    .replace("SIZE", f"{LIMITS_SIZE} x {LIMITS_SIZE}")
    .replace("LIMITS", _limits_in_words())
)


def _print(exported: Exported, opset: int) -> None:
    known = exported.provenance
    megabytes = sum(size_of(exported.path.parent / name) for name in known.files) / 1e6
    layers = ", ".join(f"{count} {precision}" for precision, count in known.layers.items())
    echo(
        f"{exported.path}  {megabytes:.1f} MB, {known.precision} (convolutions: {layers}), "
        f"opset {opset}"
    )
    if exported.parity is None:
        echo("not verified")
        return
    echo(exported.parity.describe())
    echo(exported.parity.where)
    if not exported.parity.verified:
        noun = FORMATS[known.format].noun
        echo(
            f"not verified here: the {noun} itself needs {exported.needs}; only its graph was "
            "compared. Export on such a machine to verify it"
        )


def _print_site(model: Path) -> None:
    from lmk.browser.runtime_files import FOLDER, pinned
    from lmk.browser.write_site import EXAMPLE, INDEX, size_without_runtime

    site = model.parent
    runtime = f"{FOLDER} {pinned().version}"
    where = "in it" if (site / FOLDER).is_dir() else "of a CDN"
    megabytes = size_without_runtime(model) / 1e6
    echo(f"{site / INDEX}  {megabytes:.1f} MB without {runtime}, which is {where}")
    if not (site / EXAMPLE).exists():
        echo("no example for visitors without a camera: give one with  --picture FILE")
    echo(f"put {site} on any static server with https, or look at it here:  --open")


def _open(site: Path) -> None:
    from lmk.browser.serving.serve_site import serve_site
    from lmk.system.progress import Reporter

    serve_site(site, Reporter())
