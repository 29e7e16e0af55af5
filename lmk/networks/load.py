"""Model folders as torch networks."""

from __future__ import annotations

from lmk.model.fold import PROJECTION
from lmk.model.folder import Model, find_model
from lmk.networks.hourglass import Hourglass
from lmk.networks.projection import Scope, project
from lmk.networks.state import load_state


def load_network(model: str | Model, folded: bool = True) -> tuple[Hourglass, float]:
    """Read a shipped model or model folder as a network in evaluation mode, with its beta.

    With `folded=False` an adapter's projections stay apart, as in training. Raises WeightsError.
    """
    found = find_model(model) if isinstance(model, str) else model
    manifest = found.manifest
    network = Hourglass(manifest.num_landmarks)
    arrays = found.folded() if folded else found.unfolded()
    if manifest.kind == "adapter" and not folded:
        scope: Scope = "all" if f"stem_conv{PROJECTION}" in arrays else "3x3"
        network = project(network, manifest.num_landmarks, scope)
    load_state(network, arrays)
    return network.eval(), manifest.softargmax_beta
