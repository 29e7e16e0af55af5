"""Label shards: the work of one process, alone or in a cluster."""

from __future__ import annotations

from contextlib import closing

from lmk.labelling.find import ObjectFinder
from lmk.labelling.inputs.read import read_batches
from lmk.labelling.inputs.shard import Shard
from lmk.labelling.model import LabelModel
from lmk.labelling.options import LabelOptions
from lmk.labelling.part import Counts, write_part
from lmk.labelling.place import Place
from lmk.labelling.rows import RowMaker

REMOTE_THREADS = 16  # which wait for the network most of the time


class Worker:
    """Labels one shard after another.

    source: the title of pictures in rows. threads: that decode.
    """

    def __init__(
        self, model: LabelModel, options: LabelOptions, output: Place, source: Place, threads: int
    ) -> None:
        self._model, self._options = model, options
        self._output, self._source = output, source
        self._threads = threads if source.local else max(threads, REMOTE_THREADS)
        self._finder = ObjectFinder(model.landmarker)

    def label(self, shard: Shard) -> Counts:
        """Write the part of a shard, whole or not at all. Raises WeightsError, OutputError."""
        model = self._model
        names = model.landmarker.point_names
        rows = RowMaker(self._title(shard), model.name, model.places, names)
        reading = read_batches(shard, self._options.image_column, self._threads)
        with closing(reading) as batches:
            found = map(self._finder.find, batches)
            return write_part(self._output / shard.part, found, rows)

    def _title(self, shard: Shard) -> str:
        """Of pictures the source as it was given, else the name of the table, tar or video."""
        return str(self._source) if shard.kind == "pictures" else shard.names[0]
