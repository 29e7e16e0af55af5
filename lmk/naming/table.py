"""What `lmk name` prints: the error to expect, point by point, and pictures unlike the others."""

from __future__ import annotations

import numpy as np

from lmk.arrays import Points
from lmk.evaluation.annotated import (
    EVALUATION_SIZE,
    default_normalizer,
    describe_normalizer,
    normalizer_px,
)
from lmk.evaluation.table import ABSENT, Table
from lmk.naming.expected import by_picture, expected, far_off
from lmk.naming.job import Named

MOST_SAID = 8  # pictures


def errors_table(named: Named) -> Table:
    """Errors on left-out pictures, with 95 % intervals, by point and of all points together."""
    data, errors_px = named.data, named.errors_px
    normalize = default_normalizer(data)
    lengths = normalizer_px(data, normalize)[:, None]
    usable = np.where(lengths > 0, lengths, np.nan)
    percent = 100 * errors_px / usable
    rows = [
        [name, str(int(seen.sum())), *_cells(px, "px"), *_cells(share, "%")]
        for name, seen, px, share in zip(
            data.names, data.labelled.T, errors_px.T, percent.T, strict=True
        )
    ]
    together = (by_picture(errors) for errors in (errors_px, percent))
    cells = [
        cell
        for errors, unit in zip(together, ("px", "%"), strict=True)
        for cell in _cells(errors, unit)
    ]
    rows.append(["all points", str(len(data.images)), *cells])
    note = (
        f"Each picture was left out in turn. px of the {EVALUATION_SIZE} px crop, % of "
        f"{describe_normalizer(normalize)}, with the 95 % interval of the mean."
    )
    if len(data.images) == 1:
        note = "With one picture there is none to leave out: annotate another to see errors."
    header = ["point", "pictures", "error", "interval", "error", "interval"]
    return Table("Error to expect on other pictures", header, rows, note)


def unlike_others(named: Named) -> list[str]:
    """One line per picture with points far from where all other pictures put them."""
    found: dict[int, list[str]] = {}
    for picture, point in far_off(named.errors_px):
        said = f"{named.data.names[point]} {named.errors_px[picture, point]:.0f} px"
        found.setdefault(picture, []).append(said)
    lines = [f"{named.data.paths[row].name}: {', '.join(said)}" for row, said in found.items()]
    more = len(lines) - MOST_SAID
    return [*lines[:MOST_SAID], f"and {more} more"] if more > 0 else lines


def _cells(errors: Points, unit: str) -> list[str]:
    """The mean of the errors that are known, and its interval."""
    found = expected(errors)
    mean = f"{found.mean:.1f} {unit}" if np.isfinite(found.mean) else ABSENT
    return [mean, f"{found.low:.1f} to {found.high:.1f}" if np.isfinite(found.low) else ABSENT]
