"""What `lmk eval` and `lmk compare` share: options of the protocol, and its run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lmk.cli import options
from lmk.cli.settings import typed
from lmk.system.errors import UsageError
from lmk.system.files import check_file, check_writable

if TYPE_CHECKING:
    from lmk.evaluation.benchmark import Protocol
    from lmk.report.results import Results

_PROTOCOL = "Protocol"
PAGE = "report.html"


Data = Annotated[
    Path,
    typer.Option(
        "--data",
        help="COCO keypoint file of the test images, one object each, or a folder of pictures for "
        "what needs no points.",
    ),
]
RegressorData = Annotated[
    Path | None,
    typer.Option(
        help="COCO keypoint file of the images that regressors are fitted on. Without it they are "
        "fitted on the test images by cross-validation."
    ),
]
Metrics = Annotated[
    str,
    typer.Option(
        help="Some of forward, backward, consistency, robustness, spread, pck and pckh, with "
        "commas between; without it all that model and data allow.",
        show_default=False,
    ),
]
Normalize = Annotated[
    str,
    typer.Option(
        help="Length that errors are divided by: eyes (left_eye to right_eye), box (the annotated "
        "box's diagonal), image, or two points with a comma between. Without it eyes where "
        "annotated, else box, else image.",
        show_default=False,
        rich_help_panel=_PROTOCOL,
    ),
]
Counts = Annotated[
    str,
    typer.Option(
        help="Training images of the regressors; all are always measured. Without it "
        "1,5,10,100,500,1000,5000 as far as there are.",
        show_default=False,
        rich_help_panel=_PROTOCOL,
    ),
]
Draws = Annotated[
    int,
    typer.Option(min=1, help="Random draws of training images.", rich_help_panel=_PROTOCOL),
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
        help="Test images that are mirrored, lit and made noisy, drawn at random.",
        rich_help_panel=_PROTOCOL,
    ),
]
Seed = Annotated[
    int,
    typer.Option(min=0, help="Seed of draws, folds and transforms.", rich_help_panel=_PROTOCOL),
]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="DIR", help=f"Folder for the page, {PAGE}.")
]
Json = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="File for every figure and where it comes from."),
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
    """Check the options of a protocol. Raises UsageError."""
    from lmk.evaluation.benchmark import METRICS, Protocol

    chosen = tuple(word.strip() for word in metrics.split(",") if word.strip())
    unknown = [metric for metric in chosen if metric not in METRICS]
    if unknown:
        raise UsageError(f"no metric {', '.join(unknown)}: expected some of {','.join(METRICS)}")
    if not ridge > 0:
        raise UsageError(f"--ridge {ridge}: expected a number above 0")
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

    from lmk.evaluation.annotated import load_annotated
    from lmk.evaluation.benchmark import make_benchmark
    from lmk.evaluation.comparison import differences, evaluate_all
    from lmk.evaluation.landmarks import open_detectors
    from lmk.report.page import write_page
    from lmk.report.record import write_record
    from lmk.report.results import Results
    from lmk.report.terminal import print_results
    from lmk.system.progress import Reporter

    if json:
        check_file(json)
    if output:
        check_writable(output)
    report = Reporter()
    detectors = open_detectors(models, runtime, device)
    test = load_annotated(data, report)
    train = load_annotated(regressor_data, report) if regressor_data else None
    benchmark = make_benchmark(test, train, protocol)
    evaluations = evaluate_all(detectors, benchmark, report)
    results = Results(benchmark, evaluations, differences(evaluations, protocol.seed), typed())
    print_results(results, Console(highlight=False))
    if json:
        write_record(results, json)
        typer.echo(f"wrote {json}")
    if output:
        write_page(results, output / PAGE, report)
        typer.echo(f"wrote {output / PAGE}")
    return results


def _parse_counts(text: str) -> tuple[int | None, ...]:
    try:
        counts = tuple(None if word.strip() == "all" else int(word) for word in text.split(","))
    except ValueError as error:
        raise UsageError(f"--counts {text}: expected numbers such as 1,10,100,all") from error
    if any(count is not None and count < 1 for count in counts):
        raise UsageError(f"--counts {text}: expected numbers of at least 1")
    return counts
