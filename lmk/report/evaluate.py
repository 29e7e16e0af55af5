"""An evaluation in one call, as `lmk eval` does it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from lmk.evaluation.annotated import load_annotated
from lmk.evaluation.comparison import differences
from lmk.evaluation.landmarks import open_models
from lmk.evaluation.measure import measure_all
from lmk.evaluation.protocol import Protocol, make_benchmark
from lmk.report.results import Results
from lmk.system.errors import UsageError
from lmk.system.progress import Reporter


def evaluate(
    models: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    data: str | os.PathLike[str],
    regressor_data: str | os.PathLike[str] | None = None,
    *,
    runtime: str = "auto",
    device: str | None = None,
    command: str | None = None,
    report: Reporter | None = None,
    **settings: Any,
) -> Results:
    """Measure one or several models on the same images, as `lmk eval` and `lmk compare` do.

    models: names of shipped models, run folders, .adapter files or exported files; several are
    compared with the first. data: COCO keypoint file of the test images, or a folder of pictures
    for metrics that need no annotated points. regressor_data: COCO keypoint file of the images that
    regressors are fitted on, None for cross-validation. runtime, device: see `open_backend`.
    command: the command line, for the record. report: shows the progress, on stderr if None.
    settings: the fields of `Protocol`, such as metrics=("forward", "spread") or draws=3.

        results = lmk.evaluate("faces", "test.json", "train.json")
        {figure.name: figure.value for figure in results.evaluations[0].figures()}

    Values in px are pixels of the 128 px evaluation picture. From the results `lmk.report` makes
    tables (`tables.tables`, `terminal.print_results`), JSON (`record.record`,
    `record.write_record`) and a page (`page.write_page`). Raises UsageError, DataError,
    WeightsError, and UnavailableError for a runtime, device or package that is missing.
    """
    protocol = _protocol(settings)
    report = report or Reporter()
    named = [models] if isinstance(models, (str, os.PathLike)) else models
    names = [os.fspath(model) for model in named]
    opened = open_models(names, runtime, device)
    test = load_annotated(Path(data), report)
    train = load_annotated(Path(regressor_data), report) if regressor_data else None
    benchmark = make_benchmark(test, train, protocol)
    evaluations = measure_all(opened, benchmark, report)
    compared = differences(evaluations, protocol.seed)
    called = command or f"lmk.evaluate({names}, {os.fspath(data)!r})"
    return Results(benchmark, evaluations, compared, called)


def _protocol(settings: dict[str, Any]) -> Protocol:
    known = [field.name for field in fields(Protocol)]
    if unknown := [name for name in settings if name not in known]:
        raise UsageError(
            f"unknown option {', '.join(unknown)}: expected some of {', '.join(known)}"
        )
    return Protocol(**settings)
