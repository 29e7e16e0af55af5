"""The parity check: compare landmarks of an exported file with those of its network."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lmk.arrays import FloatArray
from lmk.artifact.catalogue import LIMITS_SIZE, PRECISIONS
from lmk.exporting.samples import Samples
from lmk.model.points import NO_POINTS, NamedPoints
from lmk.system.errors import ParityError


@dataclass(frozen=True)
class Parity:
    """Distances between landmarks of two implementations, in pixels of the input.

    reference: what the file was compared with. runtime: what ran the file. source: of the crops.
    worst_image, worst_place: where the largest distance is, such as "landmark 3" or "point chin".
    worst_layers: the layers that add most to it by themselves, empty if unknown. points: how many
    named points were compared besides the landmarks. verified: whether the file itself ran;
    otherwise its graph did, and `runtime` says why.
    """

    mean_px: float
    p99_px: float
    max_px: float
    images: int
    source: str
    worst_image: str
    worst_place: str
    reference: str = ""
    runtime: str = ""
    worst_layers: str = ""
    points: int = 0
    input_size: int = LIMITS_SIZE
    verified: bool = True

    @property
    def where(self) -> str:
        """Where the largest distance is, and the layers that cause it."""
        layers = (
            f"; layers with the largest errors there: {self.worst_layers}"
            if self.worst_layers
            else ""
        )
        return f"largest at {self.worst_place} of {self.worst_image}{layers}"

    def describe(self) -> str:
        """One line for users."""
        compared = "landmarks and points" if self.points else "landmarks"
        return (
            f"{compared} against {self.reference}: mean {self.mean_px:.2g}, p99 {self.p99_px:.2g}, "
            f"max {self.max_px:.2g} px ({self.images} crops, {self.source}; {self.runtime})"
        )

    def over(self, precision: str) -> list[str]:
        """The values above the precision's limits, or NaN; empty when the check passes."""
        found = []
        for name, at_limits_size in asdict(PRECISIONS[precision].limits).items():
            if at_limits_size is None:
                continue
            value, limit = getattr(self, name), at_limits_size * self.input_size / LIMITS_SIZE
            if not value <= limit:
                found.append(f"{name.removesuffix('_px')} {value:.3f} px (limit {limit})")
        return found


def compare(
    actual: FloatArray,
    expected: FloatArray,
    samples: Samples,
    named: NamedPoints = NO_POINTS,
    **labels: Any,
) -> Parity:
    """Compare landmarks, then named points (N, K + P, 2) in input pixels, as the samples' rows."""
    distance = np.linalg.norm(actual - expected, axis=-1)
    image, place = np.unravel_index(np.nan_to_num(distance, nan=np.inf).argmax(), distance.shape)
    landmarks = distance.shape[1] - len(named)
    return Parity(
        float(distance.mean()),
        float(np.percentile(distance, 99)),
        float(distance.max()),
        len(distance),
        samples.source,
        samples.names[image],
        f"landmark {place}" if place < landmarks else f"point {named.names[place - landmarks]}",
        points=len(named),
        input_size=samples.crops.shape[1],
        **labels,
    )


def require_parity(parity: Parity, precision: str) -> None:
    """Raise ParityError when a distance is above the precision's limit, or NaN."""
    over = parity.over(precision)
    if over:
        raise ParityError(
            f"exported landmarks differ from the network's: {', '.join(over)} for {precision}, "
            f"{parity.where} ({parity.images} crops, {parity.source}). The file was not kept. To "
            "compare on pictures of the model's own category use --verify-data FOLDER. To keep "
            "the file without a check use --no-verify"
        )
