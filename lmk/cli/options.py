"""Options that several commands share, so that they read alike everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RunFolder = Annotated[
    Path, typer.Option("-o", "--output", help="Run folder: checkpoints, log and the model.")
]
MaxMinutes = Annotated[
    float | None,
    typer.Option(min=0, help="Stop cleanly after this time, with a checkpoint to resume from."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the run folder's checkpoint.")]
Seed = Annotated[int, typer.Option(help="Seed of weights, order and transforms.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
Precision = Annotated[
    str, typer.Option(help="auto (bf16 where the hardware computes in it), fp32 or bf16.")
]
ModelName = Annotated[
    str, typer.Argument(metavar="MODEL", help="A shipped model's name, or a run folder.")
]


def require_training() -> None:
    """Raise UnavailableError with the pip command unless the training extra is installed."""
    _require("train", "torch", "torchvision", "safetensors", "cv2")


def require_evaluation() -> None:
    """Raise UnavailableError with the pip command unless the evaluation extra is installed."""
    _require("eval", "cv2", "scipy", "jinja2")


def _require(extra: str, *modules: str) -> None:
    from importlib.util import find_spec

    from lmk.errors import missing_extra

    for module in modules:
        if find_spec(module) is None:
            raise missing_extra("opencv-python" if module == "cv2" else module, extra)
