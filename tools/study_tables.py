"""Tables of a study: mean and deviation over seeds, with the paper's figures."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

from paper_tables import paper_consistency, paper_errors

from lmk.system.files import replacing

TABLES = "tables.md"
Results = dict[str, list[dict[str, Any]]]  # by row, one per seed


def write_tables(title: str, about: str, paper: dict[str, Any], folder: Path) -> None:
    """Write the file TABLES of a study's folder from its results."""
    results = read_results(folder / "results")
    parts = [f"# {title}", about.strip(), _summary(results)]
    parts += [_errors(results, kind, paper) for kind in ("forward", "backward")]
    parts.append(_consistency(results, paper))
    with replacing(folder / TABLES) as temporary:
        temporary.write_text("\n\n".join(part for part in parts if part) + "\n")


def read_results(folder: Path) -> Results:
    """Read the results of a study by row, in the order in which rows were first finished."""
    results: Results = defaultdict(list)
    for file in sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime):
        content = json.loads(file.read_text())
        results[content["row"]].append(content)
    return dict(results)


def spread_of(values: list[float], digits: int = 2) -> str:
    """Mean, and sample deviation if there are several seeds."""
    mean = f"{statistics.mean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.{digits}f}"


def _model(result: dict[str, Any]) -> dict[str, Any]:
    model: dict[str, Any] = result["evaluation"]["models"][0]
    return model


def _figures(result: dict[str, Any]) -> dict[str, Any]:
    figures: dict[str, Any] = _model(result)["figures"]
    return figures


def _summary(results: Results) -> str:
    """Every figure of every row; minutes depend on this machine and its other load."""
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


def _errors(results: Results, kind: str, paper: dict[str, Any]) -> str:
    """Tables 2 and 5 of the paper: errors by the number of training images of the regressor."""
    ours: dict[str, dict[int | str, list[float]]] = {}
    for row, rows in results.items():
        for result in rows:
            for entry in _model(result).get(kind, {}).get("by_training_images", []):
                ours.setdefault(row, {}).setdefault(entry["images"], []).append(entry["mean"])
    if not ours:
        return ""
    printed = paper_errors(paper, kind)
    counts = list(dict.fromkeys(count for by_count in ours.values() for count in by_count))
    lines = []
    for count in counts:
        line = [str(count)]
        line += [spread_of(found[count]) if count in found else "" for found in ours.values()]
        line += [f"{c[count]:.2f}" if count in c else "" for c in printed.values()]
        lines.append(line)
    heads = ["images", *ours, *(f"paper: {name}" for name in printed)]
    return f"## {kind.capitalize()} error, %\n\n{_markdown(heads, lines)}"


def _consistency(results: Results, paper: dict[str, Any]) -> str:
    """Tables 3 and 4 of the paper: per landmark, sorted, then the average; means over seeds."""
    lines = []
    for row, rows in results.items():
        found = [m["consistency"] for m in map(_model, rows) if "consistency" in m]
        if not found:
            continue
        by_point = zip(*(f["sorted_px"] for f in found), strict=True)
        points = [f"{statistics.mean(values):.2f}" for values in by_point]
        lines.append([row, " ".join(points), spread_of([f["average_px"] for f in found])])
    if not lines:
        return ""
    for name, column in paper_consistency(paper).items():
        *points, average = (f"{value:.2f}" for value in column)
        lines.append([f"paper: {name}", " ".join(points), average])
    heads = ["row", "per landmark, sorted", "average"]
    return f"## Consistency, px of the 128 px evaluation picture\n\n{_markdown(heads, lines)}"


def _markdown(heads: list[str], lines: list[list[str]]) -> str:
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
