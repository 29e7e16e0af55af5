"""Energy of a run, where the machine measures it.

RAPL counts the CPU package, an INA3221 measures the rails of a Jetson, NVML counts an NVIDIA GPU.
The energy that the machine uses at rest is not subtracted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lmk.bench import gpu

ROOT = Path("/")
SAMPLE_S = 0.05
WHOLE_BOARD = ("VDD_IN", "POM_5V_IN")


class Meter(Protocol):
    """Counts energy between `start` and `stop`."""

    name: str

    def start(self) -> None:
        """Start to count."""

    def stop(self) -> float:
        """Joules since `start`."""


@dataclass(frozen=True)
class Energy:
    """The energy that one meter counted during the measured passes."""

    meter: str
    joules: float
    watts: float
    millijoules_a_frame: float


def measured(work: Callable[[], int], root: Path = ROOT) -> list[Energy]:
    """Do some work and return the energy per meter of this machine; empty without meters.

    `work` returns its number of frames.
    """
    meters = find_meters(root)
    began = time.perf_counter()
    for meter in meters:
        meter.start()
    frames = work()
    counted = [meter.stop() for meter in meters]
    seconds = time.perf_counter() - began
    return [
        Energy(meter.name, joules, joules / seconds, 1000 * joules / max(frames, 1))
        for meter, joules in zip(meters, counted, strict=True)
    ]


def find_meters(root: Path = ROOT) -> list[Meter]:
    """The meters of this machine that can be read."""
    meters: list[Meter] = []
    if packages := _packages(root):
        meters.append(Rapl(packages))
    if rails := _rails(root):
        meters.append(Ina(rails))
    if gpu.energy_j() is not None:
        meters.append(Nvml())
    return meters


class Rapl:
    """The energy counters of the CPU packages, which wrap around."""

    name = "RAPL, CPU packages"

    def __init__(self, packages: list[Path]) -> None:
        self._packages = packages

    def start(self) -> None:
        """See `Meter.start`."""
        self._before = [_number(package / "energy_uj") for package in self._packages]

    def stop(self) -> float:
        """See `Meter.stop`."""
        total = 0
        for package, before in zip(self._packages, self._before, strict=True):
            used = _number(package / "energy_uj") - before
            total += used if used >= 0 else used + _number(package / "max_energy_range_uj")
        return total / 1e6


class Ina:
    """Voltage times current of a Jetson's rails, read twenty times per second."""

    def __init__(self, rails: dict[str, tuple[Path, Path]]) -> None:
        self.name = f"INA3221, {', '.join(rails)}"
        self._rails = rails

    def start(self) -> None:
        """See `Meter.start`."""
        self._joules, self._done = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """See `Meter.stop`."""
        self._done.set()
        self._thread.join()
        return self._joules

    def watts(self) -> float:
        """Power of all rails now."""
        return sum(_number(mv) * _number(ma) for mv, ma in self._rails.values()) / 1e6

    def _sample(self) -> None:
        last, power, ended = time.perf_counter(), self.watts(), False
        while not ended:
            ended = self._done.wait(SAMPLE_S)
            now, latest = time.perf_counter(), self.watts()
            self._joules += (power + latest) / 2 * (now - last)
            last, power = now, latest


class Nvml:
    """The GPU's own energy counter."""

    name = "NVML, GPU"

    def start(self) -> None:
        """See `Meter.start`."""
        self._before = gpu.energy_j() or 0.0

    def stop(self) -> float:
        """See `Meter.stop`."""
        return (gpu.energy_j() or 0.0) - self._before


def _packages(root: Path) -> list[Path]:
    """Complete packages, without their parts, which would count twice; often only root can read."""
    found = []
    for domain in sorted((root / "sys/class/powercap").glob("intel-rapl:*")):
        try:
            if (domain / "name").read_text().startswith("package"):
                _number(domain / "energy_uj")
                found.append(domain)
        except OSError:
            continue
    return found


def _rails(root: Path) -> dict[str, tuple[Path, Path]]:
    """Files of voltage in mV and current in mA of the complete board, or else of all its rails."""
    rails = {}
    for chip in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        name = chip / "name"
        if not name.is_file() or not name.read_text().startswith("ina3221"):
            continue
        for label in sorted(chip.glob("in*_label")):
            number = label.name.removeprefix("in").removesuffix("_label")
            files = chip / f"in{number}_input", chip / f"curr{number}_input"
            if all(file.is_file() for file in files):
                rails[label.read_text().strip()] = files
    whole = {name: rails[name] for name in WHOLE_BOARD if name in rails}
    return whole or {name: files for name, files in rails.items() if name != "NC"}


def _number(path: Path) -> int:
    return int(path.read_text())
