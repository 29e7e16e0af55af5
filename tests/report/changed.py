"""An evaluation with other metrics than were measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lmk.evaluation.metrics.base import Evaluation, Metric


def put(evaluation: Evaluation, values: dict[Metric[Any], Any]) -> Evaluation:
    return replace(evaluation, measured=evaluation.measured | values)


def without(evaluation: Evaluation, *metrics: Metric[Any]) -> Evaluation:
    left = {metric: v for metric, v in evaluation.measured.items() if metric not in metrics}
    return replace(evaluation, measured=left)
