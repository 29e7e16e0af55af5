"""Every figure and its origin, as JSON."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from lmk.artifact import catalogue
from lmk.evaluation.annotated import AnnotatedSet
from lmk.evaluation.metrics.base import Evaluation
from lmk.model.manifest import MEASURED_ON
from lmk.report.results import Results
from lmk.system.files import replacing
from lmk.system.machine import installed_versions
from lmk.system.version import __version__

SCHEMA_VERSION = 1
PACKAGES = ("numpy", "opencv-python", "scipy", *catalogue.PACKAGES)


def write_record(results: Results, path: Path) -> None:
    """Write the JSON file. Raises OutputError."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(record(results), indent=2, allow_nan=False) + "\n")


def record(results: Results) -> dict[str, Any]:
    """All measured values, and all that they depend on."""
    benchmark = results.benchmark
    protocol = asdict(benchmark.protocol) | {"normalize": benchmark.normalize}
    return {
        "schema_version": SCHEMA_VERSION,
        "command": results.command,
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": versions(),
        "protocol": protocol,
        "data": _data(benchmark.test) | {"in_regressions": int(benchmark.test_usable.sum())},
        "regressor_data": _data(benchmark.train)
        | {"in_regressions": int(benchmark.train_usable.sum())}
        if benchmark.train
        else None,
        "excluded": benchmark.exclusions,
        "models": [_model(evaluation) for evaluation in results.evaluations],
        "differences": [
            {"model": name, "to": results.names[0]}
            | {"figures": {figure: asdict(value) for figure, value in row.items()}}
            for name, row in zip(results.names[1:], results.differences, strict=True)
        ],
    }


def manifest_figures(results: Results) -> dict[str, float | str]:
    """Figures of the first model for its manifest, with the data that they were measured on."""
    benchmark = results.benchmark
    measured: dict[str, float | str] = {
        figure.manifest_key: round(figure.value, 2)
        for figure in results.evaluations[0].figures()
        if figure.manifest_key
    }
    regressor = f", regressor {benchmark.train.name}" if benchmark.train else ""
    return measured | {MEASURED_ON: f"{benchmark.test.name}{regressor}"}


def versions() -> dict[str, str]:
    """Versions of lmk, Python and the packages that compute."""
    own = {"lmk": __version__, "python": platform.python_version()}
    return own | installed_versions(PACKAGES)


def _data(data: AnnotatedSet) -> dict[str, Any]:
    return {
        "name": data.name,
        "file": str(data.file),
        "sha256": data.sha256,
        "images": len(data.images),
        "points": data.names,
    }


def _model(evaluation: Evaluation) -> dict[str, Any]:
    model = evaluation.model
    content: dict[str, Any] = {
        "name": model.name,
        "model": model.given,
        "sha256": model.sha256,
        "runtime": model.backend.description,
        "landmarks": model.backend.num_landmarks,
        "figures": {
            figure.name: {"value": figure.value, "unit": figure.unit}
            for figure in evaluation.figures()
        },
        "not_measured": evaluation.skipped,
    }
    for metric, value in evaluation.measured.items():
        content |= metric.record(value)
    return content
