"""The tables of a report: all figures, and the tables of each metric."""

from __future__ import annotations

from lmk.evaluation.bootstrap import Difference
from lmk.evaluation.figure import Figure
from lmk.evaluation.metrics.catalogue import load_metrics
from lmk.evaluation.table import ABSENT, Table
from lmk.report.results import Results


def tables(results: Results) -> list[Table]:
    """Make every table that has figures."""
    made = [_summary(results)]
    for metric, _ in results.measured():
        made += metric.tables(results.benchmark, results.evaluations)
    return made


def _summary(results: Results) -> Table:
    """All figures, and the difference of each model from the first."""
    columns = [{f.name: f for f in evaluation.figures()} for evaluation in results.evaluations]
    names = list(dict.fromkeys(name for column in columns for name in column))
    compared = [{}, *results.differences]
    published: dict[str, str] = {}
    for metric in load_metrics():
        published |= metric.published(results.benchmark)
    rows = []
    for name in names:
        cells = [
            _cell(column.get(name), difference.get(name))
            for column, difference in zip(columns, compared, strict=True)
        ]
        rows.append([name, *cells, *([published.get(name, ABSENT)] if published else [])])
    header = ["figure", *results.names, *(["paper, proposed"] if published else [])]
    note = (
        "In brackets: the difference from the first model, with the 95 % confidence interval of a "
        "paired bootstrap over test images; * if 0 lies outside it."
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
