"""The paper's figures, for comparison with those of a study.

Source: Sanchez and Tzimiropoulos, NeurIPS 2019, tables 2 to 5, for 10 landmarks.
"""

from __future__ import annotations

from typing import Any

from lmk.evaluation.paper import BACKWARD, CONSISTENCY, COUNTS, FORWARD, METHODS

Errors = dict[str, dict[int | str, float]]  # by column, then by training images of the regressor
Points = dict[str, tuple[float, ...]]  # by column: sorted, then the average

# Tables 4 and 5, all on AFLW.
_ROWS = (10, 100, "all")
_STUDIES: dict[str, dict[str, Any]] = {
    "cores": {
        "columns": ("epoch 1", "epoch 5", "epoch 10", "epoch 110"),
        "forward": (
            (16.27, 16.45, 12.60, 11.09),
            (11.53, 9.43, 8.40, 7.64),
            (9.68, 7.76, 6.93, 6.69),
        ),
        "backward": (
            (43.75, 40.75, 17.35, 10.05),
            (34.69, 33.96, 14.44, 9.69),
            (33.72, 32.86, 13.58, 9.19),
        ),
        "consistency": (
            (1.53, 1.77, 2.91, 5.25, 8.66, 10.19, 11.63, 26.69, 37.14, 45.12, 15.09),
            (1.60, 1.64, 1.69, 1.70, 1.83, 2.11, 6.97, 39.36, 41.06, 45.28, 14.32),
            (1.43, 1.57, 1.64, 1.76, 1.81, 1.83, 1.99, 2.42, 7.98, 30.58, 5.30),
            (1.46, 1.47, 1.47, 1.54, 1.65, 1.66, 1.92, 2.07, 4.97, 6.99, 2.52),
        ),
    },
    "pictures": {
        "columns": ("10", "100", "1000", "all"),
        "forward": (
            (16.55, 11.31, 11.25, 11.09),
            (13.21, 8.22, 8.34, 7.64),
            (12.01, 7.25, 6.86, 6.69),
        ),
        "backward": (
            (16.55, 14.58, 15.32, 10.05),
            (7.64, 11.54, 12.16, 9.69),
            (7.31, 10.77, 11.30, 9.19),
        ),
        "consistency": (
            (1.47, 2.02, 2.02, 2.15, 2.26, 2.54, 2.73, 3.17, 6.32, 6.40, 3.11),
            (1.93, 1.97, 2.05, 2.21, 2.63, 2.65, 3.45, 3.69, 6.77, 7.02, 3.44),
            (1.55, 1.56, 2.00, 2.22, 2.36, 2.52, 3.44, 4.54, 9.06, 10.82, 4.01),
            (1.46, 1.47, 1.47, 1.54, 1.65, 1.66, 1.92, 2.07, 4.97, 6.99, 2.52),
        ),
    },
}


def paper_errors(paper: dict[str, Any], kind: str) -> Errors:
    """Forward or backward errors in percent; `paper` is this part of a study's file."""
    if table := _STUDIES.get(paper.get("table", "")):
        columns = zip(*table[kind], strict=True)
        found = zip(table["columns"], columns, strict=True)
        return {name: dict(zip(_ROWS, values, strict=True)) for name, values in found}
    printed = {"forward": FORWARD, "backward": BACKWARD}[kind].get(paper.get("set", ""))
    counts = ["all" if count is None else count for count in COUNTS]
    columns_by_name = dict(zip(METHODS, printed, strict=True)) if printed else {}
    return {
        name: dict(zip(counts, columns_by_name[name], strict=True))
        for name in paper.get("methods", METHODS)
        if name in columns_by_name
    }


def paper_consistency(paper: dict[str, Any]) -> Points:
    """Consistency errors in pixels."""
    if table := _STUDIES.get(paper.get("table", "")):
        return dict(zip(table["columns"], table["consistency"], strict=True))
    printed = CONSISTENCY.get(paper.get("set", ""))
    by_name = dict(zip(METHODS, printed, strict=True)) if printed else {}
    return {name: by_name[name] for name in paper.get("methods", METHODS) if name in by_name}
