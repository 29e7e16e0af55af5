"""Memory, the GPU, and the Jetson's board and power mode."""

from __future__ import annotations

import re
from pathlib import Path

from lmk.doctor.finding import Finding
from lmk.inference.cuda import Cuda
from lmk.system.errors import LmkError
from lmk.system.machine import free_memory_mb, jetson_model, nvidia_power_mode

NEEDED_MB = 400  # what `lmk run` takes with one model
POWER_MODES = Path("/etc/nvpmodel.conf")


def examine_hardware() -> list[Finding]:
    """Check the hardware."""
    findings = [_memory(), _gpu()]
    board = jetson_model()
    return [*findings, _jetson(board)] if board else findings


def _memory() -> Finding:
    free = free_memory_mb()
    if free is None:
        return Finding("free memory", "unknown on this system")
    if free >= NEEDED_MB:
        return Finding("free memory", f"{free} MB", essential=True)
    found, remedy = f"{free} MB of {NEEDED_MB} needed", "close other programs or add swap"
    return Finding("free memory", found, "broken", remedy, essential=True)


def _gpu() -> Finding:
    try:
        cuda = Cuda()
    except LmkError as error:
        return Finding("NVIDIA GPU", str(error).partition(":")[0], "absent")
    return Finding("NVIDIA GPU", str(cuda))


def _jetson(board: str) -> Finding:
    mode = nvidia_power_mode()
    found = f"{board}, power mode {mode or 'unknown'}"
    if mode is None or "MAXN" in mode:
        return Finding("Jetson", found)
    remedy = f"sudo nvpmodel -m {_fastest_mode()}  for full speed"
    return Finding("Jetson", found, "absent", remedy)


def _fastest_mode() -> str:
    """Number of the mode without a limit, which depends on the board."""
    text = POWER_MODES.read_text(errors="replace") if POWER_MODES.is_file() else ""
    found = re.search(r"POWER_MODEL\s+ID=(\d+)\s+NAME=MAXN", text)
    return found[1] if found else f"ID, the number of the largest mode in {POWER_MODES}"
