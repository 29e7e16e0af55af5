"""Unsupervised adaptation: landmarks that help to reconstruct a view from a deformed view."""

from __future__ import annotations

from functools import partial

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
from lmk.training.adaptation.terms import Outputs, measure, need_both_views, total
from lmk.training.adaptation.views import Pair, Views
from lmk.training.device import Compute
from lmk.training.learner import Observation
from lmk.training.options import AdaptOptions
from lmk.training.samples import sheet, to_image


class AdaptLearner:
    """A network and a generator trained together on unlabelled crops (N, S, S, 3).

    `features` compare pictures. Without reconstruction they are not needed, and there is no
    generator.
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
        """Pairs per step."""
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
        partner = self.mirror.partner if self.mirror and self.mirror.fits else None
        outputs = self.forward(
            self.views.pair(step, partner), reconstruct=done >= self.options.reconstruction_from
        )
        values = measure(outputs, self.options)
        return {"loss": total(values, self.options, done), **values}

    def observe(self) -> Observation:
        """Evaluate on the evaluation batch; the geometric terms count in full."""
        for module in self.modules.values():
            module.eval()
        pair = self.views.fixed()
        with torch.no_grad():
            outputs = self.forward(pair)
            loss = float(total(measure(outputs, self.options), self.options))
        stride, size = self.architecture.stride, self.architecture.input_size
        found, found_deformed = (
            heatmap_to_input(xy, stride) for xy in (outputs.xy, outputs.xy_deformed)
        )
        points = (found, found_deformed, pair.to_deformed(found))
        xy_input, xy_input_deformed, moved = (each.cpu().numpy() for each in points)
        values = figures(xy_input, xy_input_deformed, moved, size)
        said = warnings(values, size)
        if self.mirror and self.mirror.searched:
            values["mirror_px"] = self.mirror.distance_px.item()
            said |= {"mirror_px": text} if (text := self.mirror.warning()) else {}
        view = to_image(pair.view)
        stages = [pair.deformed] + ([outputs.reconstruction] if outputs.reconstruct else [])
        rows = [(view, None), *((to_image(images), None) for images in stages), (view, xy_input)]
        return Observation(loss, sheet(rows), values, said)

    def forward(self, pair: Pair, reconstruct: bool = True) -> Outputs:
        """Run the networks on a batch of pairs, and compute what the terms of the loss need.

        In training without a term that needs them, the network does not see the deformed views.
        """
        count, stride = len(pair.view), self.architecture.stride
        # The deformed views cost as much as the views, and batch norms would take them in.
        both = need_both_views(self.options) or not self.network.training
        with self.compute.autocast():
            heatmaps = self._call("network", pair.seen if both else pair.seen[:count])
        found = softargmax(heatmaps, self.options.beta)[0]
        xy, xy_deformed = found[:count], found[count:]
        xy_expected = input_to_heatmap(pair.to_deformed(heatmap_to_input(xy, stride)), stride)
        generate = partial(self._reconstruct, pair.deformed, xy)
        return Outputs(
            pair,
            heatmaps,
            xy,
            xy_deformed,
            xy_expected,
            generate if reconstruct and "generator" in self.modules else None,
            self._perceptual_distance,
        )

    def _reconstruct(self, deformed: Tensor, xy: Tensor) -> Tensor:
        size = self.architecture.input_size // BOTTLENECK_STRIDE
        xy_bottleneck = resize_xy(xy, self.architecture.stride / BOTTLENECK_STRIDE)
        heatmaps = gaussian_heatmaps(xy_bottleneck, (size, size), self.options.sigma)
        with self.compute.autocast():
            return self._call("generator", deformed, heatmaps)

    def _perceptual_distance(self, images: Tensor, others: Tensor) -> Tensor:
        with self.compute.autocast():
            return self._distance(self._shrink(images), self._shrink(others))  # type: ignore[no-any-return]

    def _call(self, name: str, *inputs: Tensor) -> Tensor:
        """Call a network. In evaluation mode one process does, without the others."""
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
