"""The terms of an adaptation's loss. A new one is a line in a table here, and an option."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from lmk.training.adaptation.views import Pair
from lmk.training.options import AdaptOptions


@dataclass(frozen=True)
class Outputs:
    """What the networks compute for a batch of pairs: the input of every term.

    heatmaps (2 B, K, H, W) are those of the views, then those of the deformed views. Landmarks
    (B, K, 2) are in heatmap pixels: xy those of the views, xy_deformed those of the deformed views,
    xy_expected where xy are expected in these. Where no term needs the deformed views, xy_deformed
    and their heatmaps have B = 0. `reconstruct` is None before the reconstruction begins, and
    without a generator; perceptual_distance compares images (B, 3, S, S).
    """

    pair: Pair
    heatmaps: Tensor
    xy: Tensor
    xy_deformed: Tensor
    xy_expected: Tensor
    reconstruct: Callable[[], Tensor] | None
    perceptual_distance: Callable[[Tensor, Tensor], Tensor]

    @cached_property
    def reconstruction(self) -> Tensor:
        """The generator's copy of the views (B, 3, S, S), computed once."""
        assert self.reconstruct
        return self.reconstruct()


@dataclass(frozen=True)
class Term:
    """A scalar of a batch, and its weight; `both_views` if it needs landmarks of deformed views."""

    weight: Callable[[AdaptOptions], float]
    measure: Callable[[Outputs, AdaptOptions], Tensor]
    both_views: bool = False


def equivariance(xy: Tensor, xy_expected: Tensor, size: int) -> Tensor:
    """Smooth L1 between landmarks and where a known transform moved them (Thewlis et al., 2017).

    xy, xy_expected (B, K, 2) in heatmap pixels. Points expected outside the size x size frame are
    left out, since nothing is visible there. The mean is over all points, so that the shares of
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


# Terms of the reconstruction; --reconstruction weights their sum.
RECONSTRUCTION = {
    "pixel": Term(lambda _: 1.0, lambda out, _: F.mse_loss(out.reconstruction, out.pair.view)),
    "perceptual": Term(
        lambda options: options.perceptual_factor,
        lambda out, _: out.perceptual_distance(out.reconstruction, out.pair.view),
    ),
}
# Terms of the landmarks alone; --geometric-fade lowers their sum.
GEOMETRIC = {
    "equivariance": Term(
        lambda options: options.equivariance,
        lambda out, _: equivariance(out.xy_deformed, out.xy_expected, out.heatmaps.shape[-1]),
        both_views=True,
    ),
    "separation": Term(
        lambda options: options.separation,
        lambda out, options: separation(out.xy, options.separation_scale),
    ),
}


def need_both_views(options: AdaptOptions) -> bool:
    """Whether any term with a weight needs the landmarks of the deformed views."""
    terms = [*RECONSTRUCTION.values(), *GEOMETRIC.values()]
    return any(term.both_views and term.weight(options) > 0 for term in terms)


def measure(outputs: Outputs, options: AdaptOptions) -> dict[str, Tensor]:
    """Measure every term, unweighted; 0 where its inputs were not computed."""
    terms = GEOMETRIC | (RECONSTRUCTION if outputs.reconstruct else {})
    values = {name: outputs.xy.new_zeros(()) for name in RECONSTRUCTION | GEOMETRIC}
    for name, term in terms.items():
        if len(outputs.xy_deformed) or not term.both_views:
            values[name] = term.measure(outputs, options)
    return values


def total(values: Mapping[str, Tensor], options: AdaptOptions, done: float = 0.0) -> Tensor:
    """The weighted sum of all terms, after the share `done` of the training."""

    def weighted(terms: dict[str, Term]) -> Tensor:
        products = [term.weight(options) * values[name] for name, term in terms.items()]
        return torch.stack(products).sum()

    start = options.geometric_fade
    fade = 1.0 if done <= start else (1 - done) / (1 - start)  # linear, to 0 at the end
    return options.reconstruction * weighted(RECONSTRUCTION) + fade * weighted(GEOMETRIC)
