"""What `lmk eval` and `lmk compare` do, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from lmk.evaluation.annotated import load_annotated
from lmk.evaluation.benchmark import Protocol, make_benchmark
from lmk.evaluation.comparison import differences
from lmk.evaluation.landmarks import open_models
from lmk.evaluation.measure import measure_all
from lmk.report.results import Results
from lmk.system.progress import Reporter


def evaluate(
    models: str | Path | Sequence[str | Path],
    data: str | Path,
    regressor_data: str | Path | None = None,
    protocol: Protocol | None = None,
    runtime: str = "auto",
    device: str | None = None,
    *,
    report: Reporter | None = None,
    command: str = "",
) -> Results:
    """Measure one model, or several on the same images, and compare them with the first.

    models: names of shipped models, run folders, .adapter files or exported files. data: COCO
    keypoint file of the test images, or a folder of pictures for metrics that need no points.
    regressor_data: COCO keypoint file of the images that regressors are fitted on, None for
    cross-validation. protocol: see `Protocol`. runtime, device: as for `open_backend`. report:
    what shows the progress, nothing if None. command: what the results say they were made by, this
    call if empty.

    `results.evaluations[i].figures()` are the figures of model i, all lengths in px of the 128 px
    evaluation picture. `lmk.report` has `tables.tables`, `terminal.print_results`,
    `record.record` (the content of `--json`), `record.write_record` and `page.write_page`.

    Raises UsageError, DataError, WeightsError, and UnavailableError for a package that is missing.
    """
    protocol = protocol or Protocol()
    report = report or Reporter(Console(quiet=True))
    named = [models] if isinstance(models, str | Path) else list(models)
    opened = open_models([str(model) for model in named], runtime, device)
    test = load_annotated(Path(data), report)
    train = load_annotated(Path(regressor_data), report) if regressor_data else None
    benchmark = make_benchmark(test, train, protocol)
    evaluations = measure_all(opened, benchmark, report)
    return Results(
        benchmark,
        evaluations,
        differences(evaluations, protocol.seed),
        command or _call([str(model) for model in named], data, regressor_data),
    )


def _call(models: list[str], data: str | Path, regressor_data: str | Path | None) -> str:
    """The call in Python; the protocol is recorded beside it."""
    regressors = f", regressor_data={str(regressor_data)!r}" if regressor_data else ""
    return f"lmk.evaluate({models!r}, {str(data)!r}{regressors})"
