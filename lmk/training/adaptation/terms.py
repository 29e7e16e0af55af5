"""Two terms that tie landmarks to the object without labels, both in heatmap pixels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def equivariance(xy: Tensor, xy_expected: Tensor, size: int) -> Tensor:
    """Smooth L1 between landmarks and where a known transform moved them (Thewlis et al., 2017).

    xy, xy_expected (B, K, 2) in heatmap pixels. Points expected outside the size x size frame are
    left out: nothing there is to be seen. The mean is over all points, so that the shares of
    several processes add up.
    """
    inside = ((xy_expected > -0.5) & (xy_expected < size - 0.5)).all(-1)
    error = F.smooth_l1_loss(xy, xy_expected, reduction="none").sum(-1)
    return (error * inside).mean()


def separation(xy: Tensor, scale: float) -> Tensor:
    """Mean over landmarks of sum over the others of exp(-d^2 / (2 scale^2)) (Zhang et al., 2018).

    xy (B, K, 2) and scale in heatmap pixels. 0 when far apart, K - 1 when all coincide.
    """
    distance2 = (xy[:, :, None] - xy[:, None]).square().sum(-1)
    closeness = torch.exp(-distance2 / (2 * scale**2))
    return closeness.sum(-1).mean() - 1
