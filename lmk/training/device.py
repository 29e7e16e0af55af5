"""The device and precision of a training: the requested ones, or an error."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

import torch
from torch import nn

from lmk.system.errors import UnavailableError, UsageError
from lmk.system.progress import Reporter
from lmk.training.processes import join

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Precision = Literal["auto", "fp32", "bf16"]
Shared = TypeVar("Shared")


@dataclass(frozen=True)
class Compute:
    """A device, how networks compute on it, and the processes that share it.

    bf16: precision of convolutions and matrix products. channels_last: the memory order that their
    fast kernels need, off only for comparisons. compiled: runs networks through torch.compile. With
    `fabric` every process computes its share of each batch and gradients are averaged. Batch norms
    then normalise over all processes on GPUs, and over their own share on CPUs, where running
    statistics are those of the first process.
    """

    device: torch.device
    bf16: bool
    compiled: bool = False
    fabric: Fabric | None = None
    channels_last: bool = True

    def place(self, module: nn.Module) -> Any:
        """Move a network to the device, in place, and return the module for its forward pass."""
        module.to(self.device, memory_format=self.memory_format)  # type: ignore[call-overload]
        called: Any = torch.compile(module) if self.compiled else module
        if self.fabric is None or not any(p.requires_grad for p in module.parameters()):
            return called
        if self.device.type == "cuda":
            nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
        return self.fabric.setup_module(called, move_to_device=False)

    @property
    def memory_format(self) -> torch.memory_format:
        """Memory format of networks and pictures."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def autocast(self) -> AbstractContextManager[object]:
        """Context in which convolutions run in the chosen precision."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)

    @property
    def processes(self) -> int:
        """Number of processes that share each batch."""
        return self.fabric.world_size if self.fabric else 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes files and reports."""
        return self.fabric is None or self.fabric.is_global_zero

    def rows(self, batch: int) -> slice:
        """This process's rows of a batch. Raises UsageError when it cannot be shared evenly."""
        if batch % self.processes:
            raise UsageError(
                f"a batch of {batch} cannot be shared by {self.processes} processes: choose a "
                f"--batch-size that is a multiple of {self.processes}"
            )
        share, rank = batch // self.processes, self.fabric.global_rank if self.fabric else 0
        return slice(rank * share, (rank + 1) * share)

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process; all processes must call it at the same time."""
        if self.fabric is None:
            return flag
        total = self.fabric.all_reduce(
            torch.tensor(float(flag), device=self.device), reduce_op="sum"
        )
        return bool(total.item() > 0)  # type: ignore[union-attr]

    def agree(self, value: Shared) -> Shared:
        """What the first process has; all processes must ask at the same time."""
        return value if self.fabric is None else self.fabric.broadcast(value)

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.fabric:
            self.fabric.barrier()

    def describe(self) -> str:
        """One phrase for users: device, precision and other differences from the default."""
        parts = [str(self.device), "bf16" if self.bf16 else "fp32"]
        parts += ["compiled"] if self.compiled else []
        parts += [f"{self.processes} processes"] if self.fabric else []
        return ", ".join(parts)


def select_compute(
    device: str = "auto", precision: str = "auto", compiled: bool = False
) -> Compute:
    """Resolve --device, --precision and --compile, and join torchrun's processes, if any.

    `auto` uses a GPU if there is one, and bf16 if the hardware supports it. Raises UsageError for
    an unknown word and UnavailableError for a device that is not on this machine.
    """
    if precision not in get_args(Precision):
        raise UsageError(f"precision {precision!r}: expected {', '.join(get_args(Precision))}")
    chosen = _select_device(device)
    fabric = join(chosen.type)
    chosen = fabric.device if fabric else chosen
    bf16 = _computes_bf16(chosen) if precision == "auto" else precision == "bf16"
    # torch's convolutions on GPUs are TF32 by default, which rounds the factors to 10 bits.
    torch.backends.cudnn.allow_tf32 = bf16
    return Compute(chosen, bf16, compiled, fabric)


def reporter(compute: Compute) -> Reporter:
    """Reporter of a training, silent in all processes but the first."""
    from rich.console import Console

    return Reporter() if compute.first else Reporter(Console(quiet=True))


def _select_device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"device {name!r}: expected auto, cpu, cuda or cuda:N") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UnavailableError(
            f"device {name} is not available: torch finds {torch.cuda.device_count()} CUDA "
            "devices. Choose --device cpu or repair the driver"
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
