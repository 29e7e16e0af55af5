"""Load model folders as torch networks."""

from __future__ import annotations

from lmk.architectures.network import LandmarkNetwork
from lmk.model.fold import PROJECTION
from lmk.model.folder import Model, find_model
from lmk.networks.projection import project_named
from lmk.networks.state import load_state


def load_network(model: str | Model, folded: bool = True) -> tuple[LandmarkNetwork, float]:
    """Read a shipped model or model folder as a network in evaluation mode, with its beta.

    With `folded=False` an adapter's projections stay separate, as in training. Raises WeightsError.
    """
    found = find_model(model) if isinstance(model, str) else model
    manifest = found.manifest
    network = found.architecture.make(manifest.num_landmarks)
    arrays = found.folded() if folded else found.unfolded()
    if manifest.kind == "adapter" and not folded:
        projected = {name.removesuffix(PROJECTION) for name in arrays if name.endswith(PROJECTION)}
        network = project_named(network, projected)
    load_state(network, arrays)
    return network.eval(), manifest.softargmax_beta
