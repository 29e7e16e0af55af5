"""Unsupervised adaptation: landmarks that help to paint a picture from a deformed copy of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lmk.architectures.network import LandmarkNetwork
from lmk.data.packed import Crops
from lmk.geometry import heatmap_to_input, input_to_heatmap, resize_xy
from lmk.networks.generator import BOTTLENECK_STRIDE, Generator
from lmk.networks.perceptual import PerceptualDistance
from lmk.networks.projection import ProjectionConv2d
from lmk.networks.softargmax import gaussian_heatmaps, softargmax
from lmk.training.adaptation.health import figures, warnings
from lmk.training.adaptation.methods import train_mode
from lmk.training.adaptation.mirror import Mirror
from lmk.training.adaptation.terms import equivariance, separation
from lmk.training.adaptation.views import Pair, Views
from lmk.training.device import Compute
from lmk.training.learner import Observation
from lmk.training.options import AdaptOptions
from lmk.training.samples import sheet, to_image

TERMS = ("pixel", "perceptual", "equivariance", "separation")


class AdaptLearner:
    """A network and a generator trained together on unlabelled crops (N, S, S, 3).

    Without reconstruction there is no generator, and no need of `features` to compare pictures by.
    """

    def __init__(
        self,
        crops: Crops,
        network: LandmarkNetwork,
        features: nn.Module | None,
        options: AdaptOptions,
        compute: Compute,
    ) -> None:
        torch.manual_seed(options.seed)
        self.options, self.compute = options, compute
        self.network, self.architecture = network, network.architecture
        self.views = Views(crops, self.architecture.input_size, options, compute)
        self.modules: dict[str, nn.Module] = {"network": self.network}
        self._placed = {"network": compute.place(self.network)}
        self.mirror = Mirror(options.keypoints) if options.mirror else None
        if self.mirror:
            self.modules["mirror"] = self.mirror
        if options.reconstruction:
            generator = Generator(options.keypoints, options.generator_width)
            self.modules["generator"] = generator
            self._placed["generator"] = compute.place(generator)
            assert features is not None
            distance = PerceptualDistance(features, options.perceptual_norm)
            self._distance = compute.place(distance)
            distance.calibrate(self._shrink(self.views.fixed().view))
        self.optimizer = torch.optim.Adam(
            self._groups(), betas=(0.0, 0.9), weight_decay=options.weight_decay
        )
        if options.weight_decay and options.weight_decay_to == "zero":
            self.optimizer.register_step_pre_hook(self._pull_to_zero)

    @property
    def batch_size(self) -> int:
        """Pairs a step."""
        return self.options.batch_size

    @property
    def mirrored(self) -> list[int] | None:
        """Which landmark each becomes in a mirrored picture, once that is known."""
        return self.mirror.partner.tolist() if self.mirror and self.mirror.fits else None

    def losses(self, step: int) -> dict[str, Tensor]:
        """The terms of the loss of one batch of pairs, and their weighted sum."""
        done = step / self.options.steps
        if self.mirror and not self.mirror.searched and done >= self.options.mirror_from:
            self.mirror.search(self.network, self.options.beta, self.views.crops, self.compute)
        for module in self.modules.values():
            train_mode(module)
        paints = "generator" in self.modules and done >= self.options.reconstruction_from
        partner = self.mirror.partner if self.mirror and self.mirror.fits else None
        terms = self._terms(self.views.pair(step, partner), paints)[0]
        return {"loss": self._total(terms, _fade(done, self.options.geometric_fade)), **terms}

    def observe(self) -> Observation:
        """Look at one batch of fixed pairs; the geometric terms count in full."""
        for module in self.modules.values():
            module.eval()
        pair = self.views.fixed()
        with torch.no_grad():
            terms, xy, xy_deformed, painted = self._terms(pair, "generator" in self.modules)
        stride, size = self.architecture.stride, self.architecture.input_size
        found_in_view, found_in_deformed = (heatmap_to_input(p, stride) for p in (xy, xy_deformed))
        points = (found_in_view, found_in_deformed, pair.to_deformed(found_in_view))
        xy_input, xy_input_deformed, moved = (each.cpu().numpy() for each in points)
        found = figures(xy_input, xy_input_deformed, moved, size)
        said = warnings(found, size)
        if self.mirror and self.mirror.searched:
            found["mirror_px"] = self.mirror.distance_px.item()
            said |= {"mirror_px": text} if (text := self.mirror.warning()) else {}
        view = to_image(pair.view)
        middle = [] if painted is None else [(to_image(painted), None)]
        picture = sheet([(view, None), (to_image(pair.deformed), None), *middle, (view, xy_input)])
        return Observation(float(self._total(terms, 1.0)), picture, found, said)

    def _terms(
        self, pair: Pair, paints: bool
    ) -> tuple[dict[str, Tensor], Tensor, Tensor, Tensor | None]:
        """Unweighted terms, landmarks of both views (B, K, 2) in heatmap pixels, the painting.

        In training without equivariance the second views are not looked at, and have none.
        """
        options, count = self.options, len(pair.view)
        # The second views cost as much as the first, and batch norms would take them in.
        both = options.equivariance > 0 or not self.network.training
        with self.compute.autocast():
            heatmaps = self._call("network", pair.seen if both else pair.seen[:count])
        found = softargmax(heatmaps, options.beta)[0]
        xy, xy_deformed = found[:count], found[count:]
        terms = {name: xy.new_zeros(()) for name in TERMS}
        if both:
            stride, size = self.architecture.stride, self.architecture.heatmap_size
            moved = pair.to_deformed(heatmap_to_input(xy, stride))
            terms["equivariance"] = equivariance(xy_deformed, input_to_heatmap(moved, stride), size)
        terms["separation"] = separation(xy, options.separation_scale)
        if not paints:
            return terms, xy, xy_deformed, None
        painted = self._paint(pair.deformed, xy)
        terms["pixel"] = F.mse_loss(painted, pair.view)
        with self.compute.autocast():
            terms["perceptual"] = self._distance(self._shrink(painted), self._shrink(pair.view))
        return terms, xy, xy_deformed, painted

    def _total(self, terms: dict[str, Tensor], geometric: float) -> Tensor:
        options = self.options
        painting = terms["pixel"] + options.perceptual_factor * terms["perceptual"]
        tying = (
            options.equivariance * terms["equivariance"] + options.separation * terms["separation"]
        )
        return options.reconstruction * painting + geometric * tying

    def _paint(self, deformed: Tensor, xy: Tensor) -> Tensor:
        size = self.architecture.input_size // BOTTLENECK_STRIDE
        xy_bottleneck = resize_xy(xy, self.architecture.stride / BOTTLENECK_STRIDE)
        heatmaps = gaussian_heatmaps(xy_bottleneck, (size, size), self.options.sigma)
        with self.compute.autocast():
            return self._call("generator", deformed, heatmaps)

    def _call(self, name: str, *inputs: Tensor) -> Tensor:
        """Call a network; for a look, which one process takes alone, not together with others."""
        module = self.modules[name]
        called = self._placed[name] if module.training else module
        return called(*inputs)  # type: ignore[no-any-return]

    def _shrink(self, images: Tensor) -> Tensor:
        size = self.options.perceptual_size
        if size == images.shape[-1]:
            return images
        return F.interpolate(images, (size, size), mode="bilinear", antialias=True)

    def _groups(self) -> list[dict[str, object]]:
        options = self.options
        head = list(self.network.head.parameters())
        known = {id(p) for p in head}
        body = [p for p in self.network.parameters() if p.requires_grad and id(p) not in known]
        groups: list[dict[str, object]] = [
            {"params": body, "lr": options.rate_body},
            {"params": head, "lr": options.rate_head},
        ]
        if "generator" in self.modules:
            generator = list(self.modules["generator"].parameters())
            groups.append({"params": generator, "lr": options.rate_generator})
        return groups

    def _pull_to_zero(self, *_: object) -> None:
        """Make the decay of a projection I + delta pull to zero: Adam adds decay * delta alone."""
        for module in self.network.modules():
            if isinstance(module, ProjectionConv2d) and module.projection_delta.grad is not None:
                module.projection_delta.grad.diagonal().add_(self.options.weight_decay)


def _fade(done: float, start: float) -> float:
    """1 until the share `start` of the training, then linearly to 0 at its end."""
    return 1.0 if done <= start else (1 - done) / (1 - start)
