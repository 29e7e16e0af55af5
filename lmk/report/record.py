"""Every figure and where it comes from, as JSON."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from lmk.artifact import formats
from lmk.evaluation.annotated import AnnotatedSet
from lmk.evaluation.benchmark import FAILURE_PERCENT
from lmk.evaluation.consistency import Consistency
from lmk.evaluation.figures import figures
from lmk.evaluation.pck import Pck
from lmk.evaluation.protocol import Curve, Evaluation
from lmk.model.manifest import MEASURED_ON
from lmk.report.results import Results
from lmk.system.files import replacing
from lmk.system.machine import installed_versions
from lmk.system.version import __version__

SCHEMA_VERSION = 1
# The figures that a manifest keeps, under its names.
_KEYS = {
    "forward error": "forward %",
    "backward error": "backward %",
    "consistency": "consistency px",
    "nearest neighbour": "nearest neighbour px",
    "motion": "motion px",
    "PCKh@0.5": "PCKh@0.5",
}
PACKAGES = ("numpy", "opencv-python", "scipy", *formats.PACKAGES)
CURVE_PERCENT = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30, 50)


def write_record(results: Results, path: Path) -> None:
    """Write the JSON file. Raises OutputError."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(record(results), indent=2, allow_nan=False) + "\n")


def record(results: Results) -> dict[str, Any]:
    """Everything that was measured, and all that it depends on."""
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
    """Figures of the first model as a manifest keeps them, with what they were measured on."""
    benchmark = results.benchmark
    measured: dict[str, float | str] = {
        _KEYS[figure.name]: round(figure.value, 2)
        for figure in figures(results.evaluations[0])
        if figure.name in _KEYS
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
    detector = evaluation.detector
    measured: dict[str, Any] = {
        "name": detector.name,
        "model": detector.model,
        "sha256": detector.sha256,
        "runtime": detector.backend.description,
        "landmarks": detector.backend.num_landmarks,
        "figures": {
            figure.name: {"value": figure.value, "unit": figure.unit}
            for figure in figures(evaluation)
        },
        "not_measured": evaluation.skipped,
    }
    if evaluation.forward:
        measured["forward"] = _curve(evaluation.forward)
    if evaluation.backward:
        measured["backward"] = _curve(evaluation.backward)
    if evaluation.consistency:
        measured["consistency"] = _distances(evaluation.consistency)
    if changed := evaluation.robustness:
        measured["mirrored"] = _distances(changed.mirrored.assigned) | {
            "partner": changed.mirrored.partner.tolist(),
            "same_index": _distances(changed.mirrored.same_index),
        }
        measured["brightness"] = _distances(changed.brightness)
        measured["noise"] = _distances(changed.noise)
    for name, joints in (("pck", evaluation.pck), ("pckh", evaluation.pckh)):
        if joints:
            measured[name] = _joints(joints)
    return measured


def _curve(curve: Curve) -> dict[str, Any]:
    """Errors by training images, and of the last the share of images below each error."""
    everything = curve[None].percent
    return {
        "by_training_images": [
            {
                "images": "all" if count is None else count,
                "mean": errors.mean,
                "std": errors.std,
                "by_draw": errors.percent.mean(axis=1).tolist(),
                "failure_rate_percent": 100 * errors.failure_rate(FAILURE_PERCENT),
            }
            for count, errors in curve.items()
        ],
        "cumulative_percent": {
            str(limit): float(100 * (everything <= limit).mean()) for limit in CURVE_PERCENT
        },
    }


def _distances(measured: Consistency) -> dict[str, Any]:
    return {
        "average_px": measured.average,
        "per_point_px": measured.per_point.tolist(),
        "sorted_px": np.sort(measured.per_point).tolist(),
        "images": len(measured.distance_px),
    }


def _joints(measured: Pck) -> dict[str, Any]:
    shares = zip(measured.per_joint, measured.labelled, strict=True)
    return {
        "overall": measured.overall,
        "per_joint": [float(share) if labelled else None for share, labelled in shares],
        "labelled": measured.labelled.tolist(),
        "images_excluded": measured.excluded,
    }
