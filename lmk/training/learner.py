"""What the loop trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

EVALUATION_SEED = 2**32 - 1  # of the evaluation batch: the same pictures at every evaluation


@dataclass(frozen=True)
class Observation:
    """An evaluation of the evaluation batch: loss, sample picture, figures, warnings.

    `picture` is uint8 RGB (H, W, 3); `warnings` say what is wrong, by the name of the figure that
    shows it.
    """

    loss: float
    picture: npt.NDArray[np.uint8]
    figures: Mapping[str, float] = field(default_factory=dict)
    warnings: Mapping[str, str] = field(default_factory=dict)


class Learner(Protocol):
    """Named modules, their optimiser, and the losses of one step.

    All randomness of a step follows from its number, so there is no random state to keep. Whatever
    else a step leaves to later ones is in a module, as a parameter or a buffer.
    """

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """What a checkpoint holds."""

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        """Updates what is learnable."""

    @property
    def batch_size(self) -> int:
        """Pictures, or pairs of views of them, per step."""

    def losses(self, step: int) -> dict[str, Tensor]:
        """Scalars of step `step`; "loss" is minimised, the others are logged."""

    def observe(self) -> Observation:
        """Evaluate on the evaluation batch, in evaluation mode."""
