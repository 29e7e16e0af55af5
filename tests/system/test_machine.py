"""What a machine says of itself, read from files like those of Linux."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import psutil
import pytest

from lmk.system import machine

MEMINFO = """\
MemTotal:        7990000 kB
MemFree:          123456 kB
MemAvailable:    {available} kB
Buffers:            1000 kB
Cached:          2000000 kB
Active:          2000000 kB
Inactive:        1000000 kB
Shmem:              1000 kB
SwapTotal:       5000000 kB
SwapFree:        {swap} kB
HugePages_Total:       0
"""
CPUINFO = """\
processor\t: 0
model\t\t: 17
model name\t: AMD EPYC: a made-up one
processor\t: 1
model name\t: another
"""
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads files like those of Linux")
BOARD = "NVIDIA Jetson Orin Nano Developer Kit"


@pytest.fixture(autouse=True)
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the files that a machine has; this one has none yet."""
    for name in ("CPUINFO", "DEVICE_TREE_MODEL"):
        monkeypatch.setattr(machine, name, tmp_path / name)
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path), raising=False)
    (tmp_path / "vmstat").write_text("pswpin 0\npswpout 0\n")
    return tmp_path


@on_linux
def test_free_memory_is_what_is_available_with_the_free_swap(system: Path) -> None:
    (system / "meminfo").write_text(MEMINFO.format(available=3000000, swap=1000001))
    assert machine.free_memory_mb() == 4096  # 4,000,001 KiB are 4,096.001024 MB
    assert machine.memory_mb() == 8181
    (system / "meminfo").write_text(MEMINFO.format(available=2000000, swap=0))
    assert machine.free_memory_mb() == 2048


@on_linux
def test_without_the_file_memory_is_unknown() -> None:
    assert machine.free_memory_mb() is None
    assert machine.memory_mb() is None


def test_chip_is_the_processors_name(system: Path) -> None:
    (system / "CPUINFO").write_text(CPUINFO)
    (system / "DEVICE_TREE_MODEL").write_text(f"{BOARD}\0")
    assert machine.chip() == "AMD EPYC: a made-up one"


def test_chip_is_the_board_where_the_processor_has_no_name(system: Path, monkeypatch) -> None:
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    (system / "CPUINFO").write_text("processor\t: 0\nCPU part\t: 0xd42\n")
    assert machine.chip() == "aarch64"
    (system / "DEVICE_TREE_MODEL").write_text("Raspberry Pi 5 Model B Rev 1.0\0")
    assert machine.chip() == "Raspberry Pi 5 Model B Rev 1.0"


def test_a_jetson_is_told_by_its_board(system: Path) -> None:
    assert machine.jetson_model() is None
    (system / "DEVICE_TREE_MODEL").write_text("Raspberry Pi 5 Model B Rev 1.0\0")
    assert machine.jetson_model() is None
    (system / "DEVICE_TREE_MODEL").write_text(f"{BOARD}\0")
    assert machine.jetson_model() == BOARD


@pytest.mark.skipif(sys.platform == "win32", reason="the fake nvpmodel is a shell script")
def test_power_mode_is_what_nvpmodel_says(system: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(system))
    tool = system / "nvpmodel"

    def says(answer: str, exit_code: int = 0) -> None:
        script = f"#!/bin/sh\n[ \"$*\" = -q ] && printf '{answer}'\nexit {exit_code}\n"
        tool.write_text(script)
        tool.chmod(0o755)

    assert machine.nvidia_power_mode() is None
    says("NVPM WARN: power mode is not persistent\\nNV Power Mode: MAXN_SUPER\\n2\\n")
    assert machine.nvidia_power_mode() == "MAXN_SUPER"
    says("NVPM ERROR: needs root\\n", exit_code=1)
    assert machine.nvidia_power_mode() is None
