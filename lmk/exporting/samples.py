"""Crops to verify and calibrate an export with, made as at run time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lmk.arrays import Images
from lmk.data.decode import read_image
from lmk.data.listing import list_images
from lmk.inference.crops import cut_crops
from lmk.inference.regions.places import center
from lmk.system.errors import DataError

DRAWN = 32
MAX_VERIFY = 200
MAX_CALIBRATION = 200
MIN_CALIBRATION = 32
HELD_OUT = 4  # without pictures to verify on, one calibration picture in so many is kept for it
FLAT_CONTRAST = 8.0  # intensities; a photograph's crop has several times this


@dataclass(frozen=True, eq=False)
class Samples:
    """uint8 RGB crops (N, S, S, 3), S the network's input size, their names, and their source."""

    crops: Images
    names: Sequence[str]
    source: str

    def split(self, every: int) -> tuple[Samples, Samples]:
        """Split: all samples except every `every`-th, and every `every`-th."""
        held = np.arange(len(self.crops)) % every == every - 1
        return self._take(~held, self.source), self._take(held, f"held-out part of {self.source}")

    def _take(self, chosen: npt.NDArray[np.bool_], source: str) -> Samples:
        names = [name for name, keep in zip(self.names, chosen, strict=True) if keep]
        return Samples(self.crops[chosen], names, source)


def drawn_samples(input_size: int, count: int = DRAWN) -> Samples:
    """The default samples: drawn foxes on textured backgrounds, rotated and scaled."""
    from lmk.data.synthetic import draw

    images = draw(count, seed=0)[0]
    names = [f"drawn fox {index}" for index in range(count)]
    return Samples(_crop(images, input_size), names, "drawn foxes")


def folder_samples(folder: Path, limit: int, input_size: int) -> Samples:
    """Centred squares of the pictures below a folder, at most `limit`, evenly spread.

    Raises DataError when there are none or one cannot be read.
    """
    paths = list_images(folder)
    chosen = [paths[i] for i in np.linspace(0, len(paths) - 1, min(limit, len(paths))).astype(int)]
    names = [str(path.relative_to(folder)) for path in chosen]
    return Samples(_crop([read_image(path) for path in chosen], input_size), names, folder.name)


def calibration_samples(folder: Path, input_size: int) -> Samples:
    """Crops to measure activation ranges on.

    Raises DataError when they are too few, or not photographs of different objects.
    """
    samples = folder_samples(folder, MAX_CALIBRATION, input_size)
    different = {crop.tobytes() for crop in samples.crops}
    if len(different) < MIN_CALIBRATION:
        raise DataError(
            f"{folder} has {len(different)} different pictures: calibration needs at least "
            f"{MIN_CALIBRATION}, better {MAX_CALIBRATION}, of the model's category"
        )
    flat = (samples.crops.std(axis=(1, 2, 3)) < FLAT_CONTRAST).mean()
    if flat > 0.5:
        raise DataError(
            f"{flat:.0%} of the pictures in {folder} are nearly uniform in colour: expected "
            "photographs of the model's category, not masks or blank frames"
        )
    return samples


def _crop(images_rgb: Sequence[Images] | Images, input_size: int) -> Images:
    images_bgr = (np.ascontiguousarray(image[:, :, ::-1]) for image in images_rgb)
    crops = [cut_crops(image, center(image), input_size)[0] for image in images_bgr]
    return np.concatenate(crops)
