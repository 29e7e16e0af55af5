"""The frames of a video as inputs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from lmk.arrays import Image
from lmk.labelling.inputs.shard import Input, Shard
from lmk.labelling.place import Place, open_place
from lmk.system.errors import DataError, SourceError
from lmk.video.sources.recording import open_video


def read(shard: Shard) -> Iterator[Input]:
    """Yield the frames of a video. Raises DataError for one that cannot be read."""
    place = open_place(shard.folder).below(shard.names[0])
    try:
        with _on_disk(place) as path, open_video(path) as video:
            for frame in video:
                yield Input(frame.index, frame.time_s, "", partial(_same, frame.image_bgr))
    except SourceError as error:
        raise DataError(str(error)) from error


def _same(image_bgr: Image) -> Image:
    return image_bgr


@contextmanager
def _on_disk(place: Place) -> Iterator[Path]:
    """A video's path; one of object storage is copied, since FFmpeg cannot read there."""
    if place.local:
        yield place.local
        return
    with TemporaryDirectory(prefix="lmk-") as folder, place.opened() as source:
        path = Path(folder) / f"video{Path(place.path).suffix}"
        with path.open("wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
        yield path
