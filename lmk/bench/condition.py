"""The state of a machine: clocks, power, temperature, and the load of other programs."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lmk.bench import gpu
from lmk.system.machine import free_memory_mb, nvidia_power_mode, usable_cores

ROOT = Path("/")
DISTURBED_SHARE = 0.05  # of the usable cores' time, taken by other programs


@dataclass(frozen=True)
class Condition:
    """The state of a machine in a record; see `condition`."""

    load_average: float | None
    free_memory_mb: int | None
    governor: str | None
    clock_mhz: float | None
    power_mode: str | None
    temperature_c: float | None
    gpu: dict[str, Any] | None


def condition(root: Path = ROOT) -> dict[str, Any]:
    """Values that may change during a measurement; None where unknown."""
    found = Condition(
        load_average=load_average(),
        free_memory_mb=free_memory_mb(),
        governor=governor(root),
        clock_mhz=clock_mhz(root),
        power_mode=power_mode(root),
        temperature_c=temperature_c(root),
        gpu=gpu.condition(),
    )
    return asdict(found)


def load_average() -> float | None:
    """Runnable processes over the last minute."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def governor(root: Path = ROOT) -> str | None:
    """The frequency governors of all cores, such as "performance"."""
    found = {_text(path) for path in _cores(root, "cpufreq/scaling_governor")}
    return ", ".join(sorted(found - {""})) or None


def clock_mhz(root: Path = ROOT) -> float | None:
    """Mean clock of the cores now; in a virtual machine the value of its start."""
    texts = [_text(path) for path in _cores(root, "cpufreq/scaling_cur_freq")]
    clocks = [int(text) / 1000 for text in texts if text]  # a core that is off has none
    if not clocks:
        file = root / "proc/cpuinfo"
        lines = file.read_text().splitlines() if file.is_file() else []
        clocks = [float(line.partition(":")[2]) for line in lines if line.startswith("cpu MHz")]
    return round(sum(clocks) / len(clocks), 1) if clocks else None


def power_mode(root: Path = ROOT) -> str | None:
    """The platform's profile, mains or battery, and a Jetson's mode, as far as known."""
    found = []
    profile = root / "sys/firmware/acpi/platform_profile"
    if profile.is_file():
        found.append(_text(profile))
    supplies = sorted((root / "sys/class/power_supply").glob("*/online"))
    if supplies:
        found.append("mains" if any(_text(path) == "1" for path in supplies) else "battery")
    if mode := nvidia_power_mode():
        found.append(f"NV Power Mode: {mode}")
    return ", ".join(found) or None


def temperature_c(root: Path = ROOT) -> float | None:
    """The hottest sensor of the system in degrees Celsius."""
    zones = sorted((root / "sys/class/thermal").glob("thermal_zone*/temp"))
    zones += sorted((root / "sys/class/hwmon").glob("hwmon*/temp*_input"))
    found = [int(text) / 1000 for path in zones if (text := _text(path)).lstrip("-").isdigit()]
    return max(found, default=None)


@dataclass(frozen=True)
class Busy:
    """Core seconds that all programs, and that this process, have used so far.

    Only on the cores that this process may run on: load on others does not disturb it.
    """

    everyone_s: float
    own_s: float
    clock_s: float

    @staticmethod
    def now(root: Path = ROOT) -> Busy | None:
        """Read the counters; None if the system has none."""
        file = root / "proc/stat"
        if not file.is_file():
            return None
        # user, nice, system, idle, iowait, irq, softirq, steal: time that the host gave to others
        # is as lost as time that programs here took.
        usable = {f"cpu{core}" for core in usable_cores()}
        rows = [line.split()[:9] for line in file.read_text().splitlines()]
        ticks = [[int(word) for word in row[1:]] for row in rows if row and row[0] in usable]
        busy = sum(sum(core) - core[3] - core[4] for core in ticks)
        times = os.times()
        own = times.user + times.system + times.children_user + times.children_system
        return Busy(busy / os.sysconf("SC_CLK_TCK"), own, times.elapsed)

    def others(self, later: Busy) -> float:
        """Mean number of cores that other programs used between two readings."""
        everyone = later.everyone_s - self.everyone_s
        own = later.own_s - self.own_s
        return max(everyone - own, 0.0) / max(later.clock_s - self.clock_s, 1e-9)


def disturbed(other_cores: float | None) -> bool | None:
    """Whether the load of other programs makes figures unreliable; None if unknown."""
    return None if other_cores is None else other_cores > DISTURBED_SHARE * len(usable_cores())


def _cores(root: Path, name: str) -> list[Path]:
    return sorted((root / "sys/devices/system/cpu").glob(f"cpu[0-9]*/{name}"))


def _text(path: Path) -> str:
    """A sensor's text; empty if it cannot be read."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""
