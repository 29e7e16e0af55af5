"""One page that shows a report to a person, with all its pictures inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lmk.drawing.draw import landmark_color
from lmk.evaluation.annotated import describe_normalizer
from lmk.evaluation.benchmark import FAILURE_PERCENT, PCK_THRESHOLD, PCKH_THRESHOLD
from lmk.evaluation.consistency import DEGREES
from lmk.evaluation.protocol import Curve
from lmk.evaluation.views import BRIGHTNESS, NOISE
from lmk.report.charts import Axis, Line, bar_chart, line_chart, round_axis
from lmk.report.pictures import sheet_rows, turned_rows
from lmk.report.record import versions
from lmk.report.results import Results
from lmk.report.tables import tables
from lmk.system.errors import missing_extra
from lmk.system.files import replacing
from lmk.system.progress import Reporter

CURVE_POINTS = 200
PERCENT = Axis("share of images in %", 100, (0, 20, 40, 60, 80, 100))


def write_page(results: Results, path: Path, report: Reporter) -> None:
    """Write the page. Raises UnavailableError without Jinja, OutputError."""
    template = _template()
    if any(evaluation.forward for evaluation in results.evaluations):
        caption = (
            "By forward error, with the regressor of all training images. Dots are the landmarks; "
            "a line leads from each annotated point to the cross where the landmarks predict it."
        )
    else:
        caption = "By consistency under a random turn, mean of the image's landmarks."
    content: dict[str, Any] = {
        "results": results,
        "tables": tables(results),
        "error_curves": _error_curves(results),
        "failure_percent": f"{FAILURE_PERCENT:g}",
        "turned": turned_rows(results, report),
        "stability": _stability(results),
        "sheets": [
            (evaluation.detector.name, rows)
            for evaluation in results.evaluations
            if (rows := sheet_rows(results, evaluation))
        ],
        "sheet_caption": caption,
        "definitions": _definitions(results),
        "versions": versions(),
    }
    with replacing(path) as temporary:
        temporary.write_text(template.render(content), encoding="utf-8")


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
    curves = {
        "forward error": [(e.detector.name, e.forward) for e in results.evaluations if e.forward],
        "backward error": [
            (e.detector.name, e.backward) for e in results.evaluations if e.backward
        ],
    }
    return [(title, _error_curve(title, named)) for title, named in curves.items() if named]


def _error_curve(title: str, named: list[tuple[str, Curve]]) -> str:
    errors = {name: np.sort(curve[None].percent.ravel()) for name, curve in named}
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
        (e.detector.name, e.consistency.per_point, np.quantile(e.consistency.distance_px, 0.9, 0))
        for e in results.evaluations
        if e.consistency
    ]
    if not measured:
        return []
    y = round_axis("consistency in px", max(high.max() for _, _, high in measured))
    return [
        (
            name,
            bar_chart(
                _bars(means), y, "landmark, steadiest first", high[np.argsort(means)].tolist()
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
    return [
        (
            "Forward error",
            "A ridge regression predicts the annotated points from the landmarks. Mean distance "
            f"to them, in % of {length}. Low: the landmarks carry the object's shape.",
        ),
        (
            "Backward error",
            "The other way round: the landmarks predicted from the annotated points, over the same "
            "length. Low: each landmark follows the object, or none moves at all.",
        ),
        (
            "Consistency",
            "Distance between the landmarks of a turned image and the turned landmarks of the "
            f"image, in pixels of the 128 px input. Turns by N(0, {DEGREES:g} degrees) about the "
            "centre; the canvas that holds the turned image is resized to 128 px, so that no "
            "point leaves the frame; uncovered corners repeat the edge.",
        ),
        (
            "Mirrored, other brightness, noise",
            "The same for images mirrored left to right, multiplied by a gain of "
            f"{1 - BRIGHTNESS:g} to {1 + BRIGHTNESS:g}, and with Gaussian noise of {NOISE:g} grey "
            "levels. A discovered landmark has no known mirror image: the best assignment is the "
            "one-to-one one with the least mean distance over the set; same index measures without "
            "it.",
        ),
        (
            "Nearest neighbour, motion",
            "Distance from a landmark to its nearest neighbour in the image, and how far a "
            "landmark strays from its own mean place, in pixels. Collapsed landmarks have small "
            "errors too: then these are small as well.",
        ),
        (
            f"PCKh@{PCKH_THRESHOLD:g}, PCK@{PCK_THRESHOLD:g}",
            "Share of labelled joints found within half the segment from neck to head top, and "
            f"within {PCK_THRESHOLD:g} of {length}.",
        ),
        (
            "Paper",
            "Sanchez and Tzimiropoulos, NeurIPS 2019, tables 2 and 3: trained on CelebA and other "
            "sets, regressors from each set's own training images. For orientation.",
        ),
    ]
