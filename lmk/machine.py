"""What this machine is: free memory, and whether it is a Jetson."""

from __future__ import annotations

from pathlib import Path

MEMINFO = Path("/proc/meminfo")
DEVICE_TREE_MODEL = Path("/proc/device-tree/model")


def free_memory_mb() -> int | None:
    """Memory that a program could still take, in 10^6 bytes; None where it cannot be read."""
    if MEMINFO.is_file():
        for line in MEMINFO.read_text().splitlines():
            name, _, value = line.partition(":")
            if name == "MemAvailable":
                return int(value.split()[0]) * 1024 // 1_000_000
    return None


def jetson_model() -> str | None:
    """The board's name, such as "NVIDIA Jetson Orin Nano Developer Kit", or None elsewhere."""
    if not DEVICE_TREE_MODEL.is_file():
        return None
    name = DEVICE_TREE_MODEL.read_text(errors="replace").strip("\0\n ")
    return name if "jetson" in name.lower() else None
