"""Inference by Core ML on a Mac: for the parity check of an export, not a runtime of `lmk run`."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lmk.arrays import Images
from lmk.artifact.catalogue import PRECISIONS
from lmk.artifact.contract import check_signature, read_framing, read_points, unreadable
from lmk.artifact.coreml.package import convolutions, read_specification, signature_of
from lmk.inference.backends.base import Inferred, inferred
from lmk.inference.backends.batches import in_batches
from lmk.system.runtime_packages import import_coremltools


class CoreMlBackend:
    """A package in Core ML, on whatever part of the chip Core ML chooses. Raises WeightsError."""

    name = "coreml"
    transfers = None

    def __init__(self, path: Path) -> None:
        coremltools = import_coremltools()
        specification = read_specification(path)
        signature = signature_of(specification)
        self.num_landmarks, self.input_size = check_signature(signature, path)
        self.framing = read_framing(signature, path)
        self.points = read_points(signature, path)
        self._layers = convolutions(specification)
        self._path, self._model = path, coremltools.models.MLModel(str(path))
        words = PRECISIONS[signature.metadata["precision"]].words
        self.description = f"Core ML on {platform.mac_ver()[0]}, {platform.machine()}, {words}"

    def infer(self, images: npt.NDArray[np.uint8]) -> Inferred:
        """See `Backend.infer`; picture by picture."""
        return in_batches(self._infer, images, 1, 1)

    def layers(self) -> dict[str, int]:
        """See `Backend.layers`; as the program says."""
        return self._layers

    def _infer(self, images: Images) -> Inferred:
        from PIL import Image

        try:
            found = self._model.predict({"images": Image.fromarray(images[0])})
        except Exception as error:  # coremltools raises plain ones
            raise unreadable(self._path, error) from error
        points = [found["points"]] if self.points else []
        return inferred(found["landmarks"], found["scores"], *points)
