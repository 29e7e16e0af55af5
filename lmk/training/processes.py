"""Several processes: started by torchrun, joined by Lightning Fabric.

Fabric and not Accelerate, because it keeps its state in one object and not in the process.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

from lmk.system.errors import UsageError, missing_extra

if TYPE_CHECKING:
    from lightning_fabric import Fabric


LONGEST_WAIT = timedelta(days=2)


def join(device_type: str) -> Fabric | None:
    """Join the processes that torchrun started, or return None in a single process.

    Raises UnavailableError without Lightning Fabric, UsageError on an incomplete environment.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        return None
    if "LOCAL_WORLD_SIZE" not in os.environ:
        raise UsageError(
            "WORLD_SIZE is set but LOCAL_WORLD_SIZE is not: start several processes with "
            "torchrun --nproc-per-node N -m lmk train ..."
        )
    try:
        from lightning_fabric import Fabric
        from lightning_fabric.strategies.ddp import DDPStrategy
    except ImportError as error:
        raise missing_extra("lightning-fabric", "distributed") from error
    local = int(os.environ["LOCAL_WORLD_SIZE"])
    fabric = Fabric(
        accelerator="cuda" if device_type == "cuda" else "cpu",
        devices=local,
        num_nodes=world // local,
        strategy=DDPStrategy(
            process_group_backend="nccl" if device_type == "cuda" else "gloo",
            timeout=LONGEST_WAIT,  # for the first process, which may label millions of pictures
        ),
    )
    fabric.launch()
    return fabric
