"""Tables of a study: a row or column a method, mean and deviation over seeds, the paper beside."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

from lmk.report.paper import BACKWARD, CONSISTENCY, COUNTS, FORWARD, METHODS

from lmk.files import replacing

Results = dict[str, list[dict[str, Any]]]  # by row, one a seed


def write_tables(title: str, about: str, paper: dict[str, Any], folder: Path) -> None:
    """Write DIR/tables.md out of DIR/results."""
    results = read_results(folder / "results")
    parts = [f"# {title}", about.strip(), _summary(results)]
    for kind, figures in (("forward", FORWARD), ("backward", BACKWARD)):
        parts.append(_errors(results, kind, figures, paper))
    parts.append(_consistency(results, paper))
    with replacing(folder / "tables.md") as temporary:
        temporary.write_text("\n\n".join(part for part in parts if part) + "\n")


def read_results(folder: Path) -> Results:
    """Read the results of a study by row, in the order in which rows were first finished."""
    results: Results = defaultdict(list)
    for file in sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime):
        content = json.loads(file.read_text())
        results[content["row"]].append(content)
    return dict(results)


def spread_of(values: list[float], digits: int = 2) -> str:
    """Mean, and sample deviation where there is more than one seed."""
    mean = f"{statistics.mean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.{digits}f}"


def _figures(result: dict[str, Any]) -> dict[str, Any]:
    figures: dict[str, Any] = result["evaluation"]["models"][0]["figures"]
    return figures


def _summary(results: Results) -> str:
    """Every figure of every row; minutes are of this machine and whatever else it did."""
    names = list(dict.fromkeys(n for rows in results.values() for r in rows for n in _figures(r)))
    units = {n: f[n]["unit"] for rows in results.values() for f in map(_figures, rows) for n in f}
    heads = ["row", "seeds", "steps", "minutes", *(f"{name}, {units[name]}" for name in names)]
    lines = []
    for row, rows in results.items():
        training = [r["training"] for r in rows]
        line = [row, str(len(rows)), str(training[0]["steps"])]
        line.append(spread_of([t["minutes"] for t in training], 1))
        for name in names:
            found = [f[name]["value"] for f in map(_figures, rows) if name in f]
            line.append(spread_of(found) if found else "")
        lines.append(line)
    return _markdown(heads, lines)


def _errors(results: Results, kind: str, printed: dict[str, Any], paper: dict[str, Any]) -> str:
    """Tables 2 and 5 of the paper: errors by the number of images that train the regressor."""
    measured: dict[str, dict[int | str, list[float]]] = {
        row: {
            e["images"]: [] for e in rows[0]["evaluation"]["models"][0][kind]["by_training_images"]
        }
        for row, rows in results.items()
        if kind in rows[0]["evaluation"]["models"][0]
    }
    if not measured:
        return ""
    for row, by_count in measured.items():
        for result in results[row]:
            for entry in result["evaluation"]["models"][0][kind]["by_training_images"]:
                by_count[entry["images"]].append(entry["mean"])
    columns = _paper_columns(paper, printed)
    counts = list(dict.fromkeys(count for by_count in measured.values() for count in by_count))
    lines = [
        [
            str(count),
            *(
                spread_of(by_count[count]) if by_count.get(count) else ""
                for by_count in measured.values()
            ),
            *(_printed(column, count) for column in columns.values()),
        ]
        for count in counts
    ]
    heads = ["images", *measured, *(f"paper: {name}" for name in columns)]
    return f"## {kind.capitalize()} error, %\n\n" + _markdown(heads, lines)


def _consistency(results: Results, paper: dict[str, Any]) -> str:
    """Tables 3 and 4 of the paper: per landmark, sorted, then the average; means over seeds."""
    lines = []
    for row, rows in results.items():
        found = [r["evaluation"]["models"][0].get("consistency") for r in rows]
        if not all(found):
            continue
        sorted_px = zip(*(f["sorted_px"] for f in found if f), strict=True)
        average = spread_of([f["average_px"] for f in found if f])
        lines.append([row, " ".join(f"{statistics.mean(v):.2f}" for v in sorted_px), average])
    for name, column in _paper_columns(paper, CONSISTENCY).items():
        values = [f"{value:.2f}" for value in column]
        lines.append([f"paper: {name}", " ".join(values[:-1]), values[-1]])
    if not lines:
        return ""
    heads = ["row", "per landmark, sorted", "average"]
    return "## Consistency, px of the 128 px input\n\n" + _markdown(heads, lines)


def _paper_columns(paper: dict[str, Any], printed: dict[str, Any]) -> dict[str, Any]:
    """The paper's figures on the study's set, by the paper's name of the method."""
    if paper.get("set") not in printed:
        return {}
    columns = dict(zip(METHODS, printed[paper["set"]], strict=True))
    return {name: columns[name] for name in paper.get("methods", METHODS)}


def _printed(column: tuple[float, ...], count: int | str) -> str:
    wanted = None if count == "all" else count
    return f"{column[COUNTS.index(wanted)]:.2f}" if wanted in COUNTS else ""


def _markdown(heads: list[str], lines: list[list[str]]) -> str:
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
