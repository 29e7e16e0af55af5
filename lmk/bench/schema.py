"""The types of a record; the measured parts are the dataclasses of the measurements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lmk.bench.condition import Condition
from lmk.bench.energy import Energy
from lmk.bench.environment import Environment
from lmk.bench.measure import Distribution, WarmUp
from lmk.bench.operations import Cost
from lmk.bench.peaks import Bandwidth, Peak
from lmk.bench.roofline import Roofline


@dataclass(frozen=True)
class AnyRecord:
    """The common part of all records; records that are not a `BenchRecord` may contain more."""

    schema_version: int
    kind: str
    command: str
    date: str
    environment: Environment
    before: Condition
    after: Condition
    other_load_cores: float | None
    disturbed: bool | None
    settings: dict[str, Any]
    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class BenchRecord(AnyRecord):
    """The record of `lmk bench`."""

    model: NamedModel
    graph: Cost
    peaks: list[Peak]
    bandwidths: list[Bandwidth]
    rows: list[Row]  # type: ignore[assignment]  # frozen, but to mypy a list can be changed


@dataclass(frozen=True)
class NamedModel:
    """The model that was measured."""

    name: str
    sha256: str
    landmarks: int


@dataclass(frozen=True)
class Row:
    """One case; `why_not` is the reason if it was not measured."""

    runtime: str
    device: str
    precision: str
    threads: int | None
    why_not: str | None
    measured: Measured | None
    roofline: Roofline | None


@dataclass(frozen=True)
class Measured:
    """Figures of one case."""

    description: str
    landmarks: int
    threads: int | None
    cold_start: ColdStart
    warm_up: WarmUp
    stages_ms: dict[str, Distribution]
    drift_percent: float
    peak_memory_mb: float | None
    energy: list[Energy]
    before: Condition
    after: Condition
    other_load_cores: float | None
    disturbed: bool | None
    throughput: list[Throughput]
    peak_gpu_memory_mb: int | None
    accuracy: Accuracy
    layers: dict[str, int]


@dataclass(frozen=True)
class ColdStart:
    """Seconds from the start of the process to the first landmarks."""

    imports_s: float
    load_s: float
    first_inference_s: float
    total_s: float


@dataclass(frozen=True)
class Throughput:
    """Images per second in batches of one size, and the memory of the process."""

    batch: int
    images_per_s: float
    peak_memory_mb: float | None


@dataclass(frozen=True)
class Accuracy:
    """Distance of the landmarks from the reference's, in input pixels."""

    reference: str
    source: str
    images: int
    mean_px: float
    p99_px: float
    max_px: float
