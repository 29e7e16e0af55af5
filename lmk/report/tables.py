"""The tables of a report, in words and numbers: the terminal and the page lay them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lmk.evaluation.bootstrap import Difference
from lmk.evaluation.figures import Figure, figures
from lmk.evaluation.protocol import Curve
from lmk.report import paper
from lmk.report.results import Results

ABSENT = "-"


@dataclass(frozen=True)
class Table:
    """Rows of text under a header; the first column names the row, the others hold numbers."""

    title: str
    header: list[str]
    rows: list[list[str]]
    note: str = ""


def tables(results: Results) -> list[Table]:
    """Make every table that there are figures for."""
    made = [_summary(results)]
    forward = [evaluation.forward for evaluation in results.evaluations]
    backward = [evaluation.backward for evaluation in results.evaluations]
    if any(forward):
        made.append(_by_count(results, "Forward error in %", forward, paper.FORWARD))
    if any(backward):
        made.append(_by_count(results, "Backward error in %", backward, paper.BACKWARD))
    if any(evaluation.consistency for evaluation in results.evaluations):
        made.append(_consistency(results))
    if any(evaluation.pckh or evaluation.pck for evaluation in results.evaluations):
        made.append(_joints(results))
    return made


def _summary(results: Results) -> Table:
    """All figures, and how each model differs from the first."""
    columns = [{f.name: f for f in figures(e)} for e in results.evaluations]
    names = list(dict.fromkeys(name for column in columns for name in column))
    compared = [{}, *results.differences]
    published = _published(results)
    rows = []
    for name in names:
        cells = [
            _cell(column.get(name), difference.get(name))
            for column, difference in zip(columns, compared, strict=True)
        ]
        rows.append([name, *cells, *([published.get(name, ABSENT)] if published else [])])
    header = ["figure", *results.names, *(["paper, proposed"] if published else [])]
    note = (
        "In brackets the difference to the first model, with the 95 % interval of a paired "
        "bootstrap over test images; * where it leaves out 0."
        if results.differences
        else ""
    )
    return Table("Figures", header, rows, note)


def _cell(figure: Figure | None, difference: Difference | None) -> str:
    if figure is None:
        return ABSENT
    if difference is None:
        return str(figure)
    mark = "*" if difference.clear else ""
    value, low, high = difference.value, difference.low, difference.high
    return f"{figure}\n({value:+.2f}, {low:+.2f} to {high:+.2f}){mark}"


def _published(results: Results) -> dict[str, str]:
    """The paper's proposed method on this data, by our figures' names."""
    data, proposed = results.benchmark.test.name.lower(), paper.METHODS.index("proposed")
    found = {}
    if data in paper.FORWARD and _normalised_as_paper(results):
        found["forward error"] = f"{paper.FORWARD[data][proposed][-1]:.2f} %"
        found["backward error"] = f"{paper.BACKWARD[data][proposed][-1]:.2f} %"
    if data in paper.CONSISTENCY:
        found["consistency"] = f"{paper.CONSISTENCY[data][proposed][-1]:.2f} px"
    return found


def _normalised_as_paper(results: Results) -> bool:
    """Whether errors are in the paper's unit, the distance between the eyes."""
    return results.benchmark.normalize == "eyes"


def _by_count(
    results: Results,
    title: str,
    measured: Sequence[Curve | None],
    published: dict[str, paper.Columns],
) -> Table:
    """Errors by the number of training images, as the paper's table 2."""
    curves = [curve or {} for curve in measured]
    data = results.benchmark.test.name.lower()
    columns = published.get(data, ()) if _normalised_as_paper(results) else ()
    rows = []
    for count in next(c for c in curves if c):
        cells = [
            f"{c[count].mean:.2f} ± {c[count].std:.2f}" if count in c else ABSENT for c in curves
        ]
        listed = [
            f"{column[paper.COUNTS.index(count)]:.2f}" if count in paper.COUNTS else ABSENT
            for column in columns
        ]
        rows.append(["all" if count is None else f"{count:,}", *cells, *listed])
    header = ["training images", *results.names, *_paper_header(columns)]
    note = (
        "± standard deviation over draws of the training images. With about as many images as the "
        "predicting points have coordinates, the default ridge weight leaves regressors unstable."
    )
    return Table(title, header, rows, note)


def _consistency(results: Results) -> Table:
    """Per point, sorted, as the paper's table 3 turned on its side."""
    columns = paper.CONSISTENCY.get(results.benchmark.test.name.lower(), ())
    measured = [e.consistency for e in results.evaluations]
    orders = [np.argsort(m.per_point) if m else None for m in measured]
    landmarks = max(len(order) for order in orders if order is not None)
    rows = []
    for rank in range(landmarks):
        cells = [
            f"{m.per_point[order[rank]]:.2f} (no. {order[rank]})"
            if m and order is not None
            else ABSENT
            for m, order in zip(measured, orders, strict=True)
        ]
        listed = [f"{c[rank]:.2f}" if rank < len(c) - 1 else ABSENT for c in columns]
        rows.append([str(rank + 1), *cells, *listed])
    averages = [f"{m.average:.2f}" if m else ABSENT for m in measured]
    rows.append(["average", *averages, *(f"{c[-1]:.2f}" for c in columns)])
    header = ["rank", *results.names, *_paper_header(columns)]
    note = (
        "The landmark's number in brackets. Pictures are turned by N(0, 15 degrees) and shrunk "
        "to fit, so no point leaves the frame."
    )
    return Table("Consistency in px of the 128 px input, by point", header, rows, note)


def _joints(results: Results) -> Table:
    """Share of each joint that was found."""
    measured = [e.pckh or e.pck for e in results.evaluations]
    rows = []
    for index, name in enumerate(results.benchmark.test.names):
        shares = [
            None if m is None or not m.labelled[index] else m.per_joint[index] for m in measured
        ]
        rows.append([name, *(ABSENT if s is None else f"{100 * s:.1f}" for s in shares)])
    kind = "PCKh@0.5" if any(e.pckh for e in results.evaluations) else "PCK@0.1"
    return Table(f"{kind} in %, by joint", ["joint", *results.names], rows)


def _paper_header(columns: paper.Columns) -> list[str]:
    return [f"paper, {method}" for method in paper.METHODS] if columns else []
