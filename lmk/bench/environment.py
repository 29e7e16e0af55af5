"""The machine and the software that figures belong to."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lmk.artifact import catalogue
from lmk.bench import gpu
from lmk.system.machine import chip, installed_versions, memory_mb, usable_cores
from lmk.system.version import __version__

PACKAGES = ("numpy", "onnx", "opencv-python", *catalogue.PACKAGES)
FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimddp")


@dataclass(frozen=True)
class Environment:
    """Machine and software in a record; see `environment`."""

    chip: str
    features: list[str]
    cores: int
    usable_cores: list[int]
    processor_quota: float | None
    memory_mb: int | None
    system: str
    virtual_machine: bool
    gpu: dict[str, Any] | None
    variables: dict[str, str]
    versions: dict[str, str]


def environment() -> dict[str, Any]:
    """Chip, cores, memory, system and versions; no names of the machine or its user."""
    found = Environment(
        chip=chip(),
        features=features(),
        cores=os.cpu_count() or 1,
        usable_cores=usable_cores(),
        processor_quota=quota(),
        memory_mb=memory_mb(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        virtual_machine="hypervisor" in _flags(),
        gpu=gpu.facts(),
        variables={name: os.environ[name] for name in sorted(os.environ) if _sets_threads(name)},
        versions=versions(),
    )
    return asdict(found)


def machine_name() -> str:
    """A name for files with this machine's figures, from chip, cores and GPU."""
    cores = len(usable_cores())
    parts = [chip(), f"{cores} core{'s' if cores > 1 else ''}"]
    card = gpu.facts()
    if card:
        parts.append(str(card["name"]))
    return re.sub(r"[^a-z0-9]+", "-", " ".join(parts).lower()).strip("-")


def versions() -> dict[str, str]:
    """Versions of lmk, Python and the packages that compute."""
    own = {"lmk": __version__, "python": platform.python_version()}
    return own | installed_versions(PACKAGES)


def features() -> list[str]:
    """The CPU's instruction sets that decide which precisions are fast."""
    flags = _flags()
    return [name for name in FEATURES if name in flags]


def quota(root: Path = Path("/")) -> float | None:
    """Number of cores that a container may use; None without a limit."""
    file = root / "sys/fs/cgroup/cpu.max"
    if not file.is_file():
        return None
    allowed, period = file.read_text().split()
    return None if allowed == "max" else int(allowed) / int(period)


def _flags() -> set[str]:
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.is_file() else []
    listed = (line for line in lines if line.lower().startswith(("flags", "features")))
    return set(next(listed, "").partition(":")[2].split())


def _sets_threads(name: str) -> bool:
    return name.endswith("_NUM_THREADS") or name.startswith("KMP_")


if __name__ == "__main__":
    print(machine_name())
