"""Choose the fastest row whose landmarks are within a limit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmk.artifact.catalogue import PRECISIONS, files_of
from lmk.bench.cases import Case
from lmk.bench.record import Record
from lmk.inference.backends.saved_choice import Choice, machine_identity, runtime_versions
from lmk.model.folder import Model
from lmk.system.errors import LmkError
from lmk.system.files import sha256_of

LIMIT_PX = 0.5  # mean distance; what the parity check allows int8


@dataclass(frozen=True)
class Limit:
    """The largest mean distance from the float32 landmarks, in input pixels.

    Precisions that need calibration are considered only if `calibrated`, which means on pictures of
    the model's category.
    """

    mean_px: float = LIMIT_PX
    calibrated: bool = True


def choose(model: Model, record: Record, files: dict[Case, Path | None], limit: Limit) -> Choice:
    """Pick the row of a model's record with the lowest median end to end.

    `files` are those that the rows were measured with. Raises LmkError when no row is within the
    limit.
    """
    rows = [row for row in record["rows"] if _allowed(row, limit)]
    if not rows:
        raise LmkError(
            f"no row is within {limit.mean_px} px of the float32 landmarks: choose a larger "
            "--limit, or other runtimes and precisions"
        )
    best = min(rows, key=lambda row: row["measured"]["stages_ms"]["end_to_end"]["p50"])
    case = Case(*(best[name] for name in ("runtime", "device", "precision", "threads")))
    file = files[case]
    return Choice(
        model=model.reference,
        model_sha256=model.exported_sha256,
        machine=machine_identity(case.device),
        versions=runtime_versions(),
        runtime=case.runtime,
        device=case.device,
        precision=case.precision,
        threads=case.threads,
        file=str(file) if file else "",
        file_sha256=sha256_of(*files_of(file)) if file else "",
        p50_ms=best["measured"]["stages_ms"]["end_to_end"]["p50"],
        mean_px=best["measured"]["accuracy"]["mean_px"],
    )


def _needs_calibration(row: dict[str, Any]) -> bool:
    return PRECISIONS[row["precision"]].calibrated


def _allowed(row: dict[str, Any], limit: Limit) -> bool:
    measured = row["measured"]
    if measured is None or (_needs_calibration(row) and not limit.calibrated):
        return False
    return bool(measured["accuracy"]["mean_px"] <= limit.mean_px)
