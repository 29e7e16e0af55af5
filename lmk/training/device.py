"""Where training runs and in which precision: what was asked for, or an error."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, get_args

import torch

from lmk.errors import UnavailableError, UsageError

Precision = Literal["auto", "fp32", "bf16"]


@dataclass(frozen=True)
class Compute:
    """A device and the precision of the networks' arithmetic on it."""

    device: torch.device
    bf16: bool

    def autocast(self) -> AbstractContextManager[object]:
        """Context in which convolutions run in the chosen precision."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)

    def describe(self) -> str:
        """One phrase for a person: device and precision."""
        return f"{self.device}, {'bf16' if self.bf16 else 'fp32'}"


def select_compute(device: str = "auto", precision: str = "auto") -> Compute:
    """Resolve --device and --precision.

    `auto` takes a GPU if there is one, and bf16 where the hardware computes in it. Raises
    UsageError for an unknown word and UnavailableError for a device that is not here.
    """
    if precision not in get_args(Precision):
        raise UsageError(f"precision {precision!r}: expected {', '.join(get_args(Precision))}")
    chosen = _select_device(device)
    if precision == "auto":
        return Compute(chosen, _computes_bf16(chosen))
    return Compute(chosen, precision == "bf16")


def _select_device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"device {name!r}: expected auto, cpu, cuda or cuda:N") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UnavailableError(
            f"device {name} is not here: torch sees {torch.cuda.device_count()} CUDA devices. "
            "Choose --device cpu or mend the driver"
        )
    if device.type not in ("cpu", "cuda"):
        raise UsageError(f"device {name!r}: expected auto, cpu, cuda or cuda:N")
    return device


def _computes_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    # torch emulates bf16 on processors without it, far slower than float32, and has no public
    # question for the difference.
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, check, lambda: False)() for check in checks)
