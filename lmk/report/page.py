"""One page that shows a report, with all its pictures inside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lmk.arrays import DoubleArray
from lmk.drawing.draw import landmark_color
from lmk.evaluation.annotated import EVALUATION_SIZE, describe_normalizer
from lmk.evaluation.metrics.catalogue import load_metrics
from lmk.evaluation.metrics.consistency import CONSISTENCY
from lmk.evaluation.metrics.nme import NAME as NME_NAME
from lmk.evaluation.metrics.nme import NME
from lmk.evaluation.metrics.regression import BACKWARD, FAILURE_PERCENT, FORWARD
from lmk.report.charts import Axis, Line, bar_chart, line_chart, round_axis
from lmk.report.pictures import sheet_rows, turned_rows
from lmk.report.record import versions
from lmk.report.results import Results
from lmk.report.tables import tables
from lmk.system.errors import missing_extra
from lmk.system.files import replacing
from lmk.system.progress import Reporter
from lmk.system.text import writable

CURVE_POINTS = 200
PAPER = (
    "Sanchez and Tzimiropoulos, NeurIPS 2019, tables 2 and 3: trained on CelebA and other sets, "
    "regressors from each set's own training images. Only for orientation."
)
PERCENT = Axis("share of images in %", 100, (0, 20, 40, 60, 80, 100))


def write_page(results: Results, path: Path, report: Reporter | None = None) -> None:
    """Write the page. Raises UnavailableError without Jinja, OutputError."""
    template, report = _template(), report or Reporter()
    if any(NME in evaluation.measured for evaluation in results.evaluations):
        caption = (
            "By the error of the named points, or the forward error of a model without. Dots are "
            "the landmarks. A line connects each annotated point with the one that was found, a "
            "cross."
        )
    elif any(FORWARD in evaluation.measured for evaluation in results.evaluations):
        caption = (
            "By forward error, with the regressor of all training images. Dots are the landmarks. "
            "A line connects each annotated point with its prediction from the landmarks, a cross."
        )
    else:
        caption = "By consistency under a random rotation, mean over the image's landmarks."
    content: dict[str, Any] = {
        "results": results,
        "tables": tables(results),
        "error_curves": _error_curves(results),
        "failure_percent": f"{FAILURE_PERCENT:g}",
        "evaluation_size": EVALUATION_SIZE,
        "turned": turned_rows(results, report),
        "stability": _stability(results),
        "sheets": [
            (evaluation.model.name, rows)
            for evaluation in results.evaluations
            if (rows := sheet_rows(results, evaluation))
        ],
        "sheet_caption": caption,
        "definitions": _definitions(results),
        "versions": versions(),
    }
    with replacing(path) as temporary:
        temporary.write_text(writable(template.render(content)), encoding="utf-8")


def _template() -> Any:
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise missing_extra("jinja2", "eval") from error
    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template(
        "page.html"
    )


def _error_curves(results: Results) -> list[tuple[str, str]]:
    charts = []
    named = {e.model.name: found.known for e in results.evaluations if (found := e.get(NME))}
    if named:
        charts.append((NME_NAME, _error_curve(NME_NAME, named)))
    for metric in (FORWARD, BACKWARD):
        curves = {e.model.name: curve for e in results.evaluations if (curve := e.get(metric))}
        if curves:
            title = metric.term.lower()
            percent = {name: curve[None].percent.ravel() for name, curve in curves.items()}
            charts.append((title, _error_curve(title, percent)))
    return charts


def _error_curve(title: str, percent: Mapping[str, DoubleArray]) -> str:
    errors = {name: np.sort(values) for name, values in percent.items()}
    end = max(2 * FAILURE_PERCENT, *(np.quantile(values, 0.98) for values in errors.values()))
    x = round_axis(f"{title} in %", end)
    limits = np.linspace(0, x.end, CURVE_POINTS)
    lines = [
        Line(name, list(zip(limits.tolist(), _share_below(values, limits), strict=True)))
        for name, values in errors.items()
    ]
    return line_chart(lines, x, PERCENT, mark_x=FAILURE_PERCENT)


def _share_below(
    ordered: npt.NDArray[np.floating], limits: npt.NDArray[np.floating]
) -> list[float]:
    share: list[float] = (100 * np.searchsorted(ordered, limits, "right") / len(ordered)).tolist()
    return share


def _stability(results: Results) -> list[tuple[str, str]]:
    measured = [
        (e.model.name, found.per_landmark, np.quantile(found.distance_px, 0.9, 0))
        for e in results.evaluations
        if (found := e.get(CONSISTENCY))
    ]
    if not measured:
        return []
    y = round_axis("consistency in px", max(high.max() for _, _, high in measured))
    return [
        (
            name,
            bar_chart(
                _bars(means), y, "landmark, most stable first", high[np.argsort(means)].tolist()
            ),
        )
        for name, means, high in measured
    ]


def _bars(means: npt.NDArray[np.floating]) -> list[tuple[str, float, str]]:
    bars = []
    for index in np.argsort(means).tolist():
        blue, green, red = landmark_color(index)
        bars.append((str(index), float(means[index]), f"rgb({red},{green},{blue})"))
    return bars


def _definitions(results: Results) -> list[tuple[str, str]]:
    length = describe_normalizer(results.benchmark.normalize)
    meanings = {metric.term: metric.meaning.format(length=length) for metric in load_metrics()}
    return [*meanings.items(), ("Paper", PAPER)]
