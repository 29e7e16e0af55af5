"""What `lmk eval` and `lmk compare` share: the options of the protocol, and the evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lmk.cli import options
from lmk.cli.echo import echo
from lmk.cli.settings import typed
from lmk.evaluation.metrics.catalogue import METRICS
from lmk.system.errors import UsageError
from lmk.system.files import check_file, check_writable

if TYPE_CHECKING:
    from lmk.evaluation.protocol import Protocol
    from lmk.report.results import Results

_PROTOCOL = "Protocol"
PAGE = "report.html"


Data = Annotated[
    Path,
    typer.Option(
        "--data",
        help="COCO keypoint file of the test images, one object per image, or a folder of pictures "
        "for metrics that need no annotated points.",
    ),
]
RegressorData = Annotated[
    Path | None,
    typer.Option(
        help="COCO keypoint file of the training images of the regressors. By default they are "
        "fitted on the test images by cross-validation."
    ),
]
Metrics = Annotated[
    str,
    typer.Option(
        help=f"Some of {', '.join(METRICS)}, separated by commas; by default all that the model "
        "and the data allow.",
        show_default=False,
    ),
]
Normalize = Annotated[
    str,
    typer.Option(
        help="Length that errors are divided by: eyes (left_eye to right_eye), box (diagonal of "
        "the annotated box), image (side of the image), or the names of two points separated "
        "by a comma. By default eyes where annotated, else box, else image.",
        show_default=False,
        rich_help_panel=_PROTOCOL,
    ),
]
Counts = Annotated[
    str,
    typer.Option(
        help="Numbers of training images of the regressors, separated by commas; all is always "
        "included. By default 1,5,10,100,500,1000,5000, up to the number of images.",
        show_default=False,
        rich_help_panel=_PROTOCOL,
    ),
]
Draws = Annotated[
    int,
    typer.Option(
        min=1,
        help="Random draws per number of training images.",
        rich_help_panel=_PROTOCOL,
    ),
]
Folds = Annotated[
    int, typer.Option(min=2, help="Folds of the cross-validation.", rich_help_panel=_PROTOCOL)
]
Ridge = Annotated[
    float,
    typer.Option(
        help="Ridge weight, as a share of the largest entry of the source points' scatter matrix.",
        rich_help_panel=_PROTOCOL,
    ),
]
RobustnessImages = Annotated[
    int,
    typer.Option(
        min=1,
        help="Number of random test images for robustness: mirroring, brightness and noise.",
        rich_help_panel=_PROTOCOL,
    ),
]
Seed = Annotated[
    int,
    typer.Option(min=0, help="Seed of draws, folds and views.", rich_help_panel=_PROTOCOL),
]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="DIR", help=f"Folder for the page, {PAGE}.")
]
Json = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="FILE",
        help="File for all figures, with the hashes and versions they depend on.",
    ),
]


def make_protocol(
    metrics: str,
    normalize: str,
    counts: str,
    draws: int,
    folds: int,
    ridge: float,
    robustness_images: int,
    seed: int,
) -> Protocol:
    """Make a protocol from its options. Raises UsageError."""
    from lmk.evaluation.protocol import Protocol

    chosen = tuple(word.strip() for word in metrics.split(",") if word.strip())
    return Protocol(
        metrics=chosen or None,
        counts=_parse_counts(counts) if counts else None,
        draws=draws,
        folds=folds,
        ridge=ridge,
        seed=seed,
        normalize=normalize or None,
        robustness_images=robustness_images,
    )


def measure(
    models: list[str],
    data: Path,
    regressor_data: Path | None,
    protocol: Protocol,
    runtime: str,
    device: str | None,
    output: Path | None,
    json: Path | None,
) -> Results:
    """Measure models, print the tables, and write the page and the JSON file."""
    options.require_evaluation()
    from rich.console import Console

    from lmk.report.evaluate import evaluate
    from lmk.report.page import write_page
    from lmk.report.record import write_record
    from lmk.report.terminal import print_results
    from lmk.system.progress import Reporter

    if json:
        check_file(json)
    if output:
        check_writable(output)
    report = Reporter()
    results = evaluate(
        models,
        data,
        regressor_data,
        runtime=runtime,
        device=device,
        command=typed(),
        report=report,
        **vars(protocol),
    )
    print_results(results, Console(highlight=False))
    if json:
        write_record(results, json)
        echo(f"wrote {json}")
    if output:
        write_page(results, output / PAGE, report)
        echo(f"wrote {output / PAGE}")
    return results


def _parse_counts(text: str) -> tuple[int | None, ...]:
    try:
        return tuple(None if word.strip() == "all" else int(word) for word in text.split(","))
    except ValueError as error:
        raise UsageError(f"--counts {text}: expected numbers such as 1,10,100,all") from error
