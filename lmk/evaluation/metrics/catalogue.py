"""The metrics by their names for `--metrics`, in the order of tables."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lmk.evaluation.metrics.base import Metric

METRICS = {
    "nme": "lmk.evaluation.metrics.nme:NME",
    "forward": "lmk.evaluation.metrics.regression:FORWARD",
    "backward": "lmk.evaluation.metrics.regression:BACKWARD",
    "consistency": "lmk.evaluation.metrics.consistency:CONSISTENCY",
    "robustness": "lmk.evaluation.metrics.robustness:ROBUSTNESS",
    "spread": "lmk.evaluation.metrics.spread:SPREAD",
    "pck": "lmk.evaluation.metrics.pck:PCK",
    "pckh": "lmk.evaluation.metrics.pck:PCKH",
}
"""Where each metric is: module and object. Only names, so that `lmk --help` loads none of them."""


def load_metrics() -> list[Metric[Any]]:
    """Load all metrics."""
    return [_load(place) for place in METRICS.values()]


def _load(place: str) -> Metric[Any]:
    module, _, name = place.partition(":")
    metric: Metric[Any] = getattr(import_module(module), name)
    return metric
