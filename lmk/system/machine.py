"""Facts about this machine: chip, cores, packages, free memory, and whether it is a Jetson."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
DEVICE_TREE_MODEL = Path("/proc/device-tree/model")


def chip() -> str:
    """The CPU's name, such as "AMD EPYC", or the board's if the CPU has none."""
    if CPUINFO.is_file():
        for line in CPUINFO.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return _board() or platform.processor() or platform.machine()


def installed_versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions of those packages that are installed."""
    from importlib import metadata  # 40 ms, which not every start of lmk should wait for

    found = {}
    for package in packages:
        with suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def usable_cores() -> list[int]:
    """Numbers of the logical cores that this process may run on, in order."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def free_memory_mb() -> int | None:
    """Free memory and swap, in 10^6 bytes; None if unknown."""
    import psutil

    try:
        return (psutil.virtual_memory().available + psutil.swap_memory().free) // 1_000_000
    except OSError:
        return None


def memory_mb() -> int | None:
    """Memory of the machine in 10^6 bytes; None if unknown."""
    import psutil

    try:
        return psutil.virtual_memory().total // 1_000_000
    except OSError:
        return None


def nvidia_power_mode() -> str | None:
    """A Jetson's power mode, such as "MAXN"; None elsewhere."""
    tool = shutil.which("nvpmodel")
    if tool is None:
        return None
    done = subprocess.run([tool, "-q"], capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if "Power Mode" in line]
    return lines[0].partition(":")[2].strip() if lines else None


def jetson_model() -> str | None:
    """The board's name, such as "NVIDIA Jetson Orin Nano Developer Kit", or None elsewhere."""
    name = _board()
    return name if "jetson" in name.lower() else None


def _board() -> str:
    """Name of the board in its device tree, empty if there is none."""
    if not DEVICE_TREE_MODEL.is_file():
        return ""
    return DEVICE_TREE_MODEL.read_text(errors="replace").strip("\0\n ")
