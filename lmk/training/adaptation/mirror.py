"""Which landmark becomes which in a mirrored picture: searched once in a training, then kept."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from lmk.architectures.network import LandmarkNetwork
from lmk.data.packed import Crops
from lmk.data.resize import resize_crops, spread_crops
from lmk.networks.detect import detect
from lmk.training.adaptation.involution import best_involution, mirror_distances
from lmk.training.device import Compute

SEARCH_CROPS = 1024
# Mean distance between mirrored landmarks and their partners above which nothing is mirrored, in
# px of a 128 px picture. Faces trained without mirrored views are at 8.5; ten points
# without any symmetry, anywhere in the middle 80 px, at 19 by chance (median; under 12 in one case
# of twenty).
LIMIT_PX = 12.0
PICTURE_PX = 128


class Mirror(nn.Module):
    """The partners of K landmarks and how well they fit; buffers, so that checkpoints hold them.

    It stays on the processor, where asking whether there are any waits for no device.
    """

    partner: Tensor
    distance_px: Tensor

    def __init__(self, num_landmarks: int) -> None:
        super().__init__()
        self.register_buffer("partner", torch.full((num_landmarks,), -1))
        self.register_buffer("distance_px", torch.tensor(-1.0))

    @property
    def searched(self) -> bool:
        """Whether partners were searched."""
        return self.distance_px.item() >= 0

    @property
    def fits(self) -> bool:
        """Whether partners were found that are near enough."""
        return self.searched and self.distance_px.item() <= LIMIT_PX

    def search(self, network: LandmarkNetwork, beta: float, crops: Crops, compute: Compute) -> None:
        """Find the partners by which the network fits mirrored crops best, alike in all processes.

        Leaves the network in evaluation mode. Landmarks that are not finite decide nothing.
        """
        size = network.architecture.input_size
        images = resize_crops(spread_crops(crops, SEARCH_CROPS), size)
        mirrored = np.ascontiguousarray(images[:, :, ::-1])
        xy, xy_mirrored = (detect(network, beta, each)[0] for each in (images, mirrored))
        distances = mirror_distances(xy, xy_mirrored, size) * (PICTURE_PX / size)
        finite = bool(np.isfinite(distances).all())
        # Batch norms of several processors differ until the first one's are sent to all.
        if found := compute.agree(best_involution(distances) if finite else None):
            self.partner.copy_(torch.tensor(found[0]))
            self.distance_px.fill_(found[1])

    def warning(self) -> str | None:
        """Say that nothing is mirrored because nothing fits."""
        if not self.searched or self.fits:
            return None
        return (
            f"--mirror is off: in mirrored pictures landmarks are {self.distance_px.item():.1f} px "
            f"of {PICTURE_PX} from the best partners, more than {LIMIT_PX:g}. Raise --mirror-from, "
            "or leave out --mirror for objects without two like sides"
        )
