"""Picture files as inputs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from lmk.arrays import Image
from lmk.data.decode import decode_image, read_image
from lmk.labelling.inputs.shard import Input, Shard
from lmk.labelling.place import Place, open_place
from lmk.system.errors import DataError
from lmk.system.opencv import cv2
from lmk.system.text import writable


def read(shard: Shard) -> Iterator[Input]:
    """Yield the pictures of a shard; they are read when they are loaded."""
    folder = open_place(shard.folder)
    for number, name in enumerate(shard.names, shard.first):
        yield Input(number, 0.0, writable(name), partial(_load, folder, name))


def _load(folder: Place, name: str) -> Image:
    place = folder.below(name)
    path = place.local
    try:
        return bgr(read_image(path) if path else decode_image(place.read(), str(place)))
    except DataError as error:  # its name has a column of its own
        raise DataError(str(error).removeprefix(f"{place} ")) from error


def bgr(image_rgb: Image) -> Image:
    """RGB to BGR, in an array of its own."""
    image_bgr: Image = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR)  # ten times as fast as numpy
    return image_bgr
