"""Labels as rows of a table: those of `lmk run -o out.parquet`, and at least one per input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lmk.labelling.find import Labels
from lmk.system.errors import missing_extra

try:
    import pyarrow
except ImportError as error:
    raise missing_extra("pyarrow", "label") from error

TEXT = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())  # each text is kept once
SCHEMA = pyarrow.schema(
    {
        "source": TEXT,
        "frame": pyarrow.int64(),
        "time_s": pyarrow.float64(),
        "name": TEXT,
        "model": TEXT,
        "id": pyarrow.int64(),
        "landmark": pyarrow.int64(),
        "x": pyarrow.float32(),
        "y": pyarrow.float32(),
        "score": pyarrow.float32(),
        "angle": pyarrow.float32(),
        "point": TEXT,
        "error": TEXT,
    }
)
"""The columns of `video.sinks.rows.Row`, without opacity, which is of labels over time, and with
`error`. `id` numbers the objects of an input from 1. An input without an object has one row, whose
columns from id to point are null; so has one that cannot be used, with the reason in `error`."""


class RowMaker:
    """Makes the rows of one shard. point_names: of the places, none for landmarks."""

    def __init__(self, source: str, model: str, places: int, point_names: Sequence[str]) -> None:
        self._source, self._model, self._places = source, model, places
        self._points = point_names

    def rows(self, labels: Sequence[Labels]) -> Any:
        """A pyarrow.RecordBatch of SCHEMA with the rows of some inputs, in order."""
        places = self._places
        objects = np.array([len(one.angles) for one in labels])
        counts = np.maximum(objects * places, 1)
        of_input = np.repeat(np.arange(len(labels)), counts)
        empty = np.repeat(objects == 0, counts)
        row = np.arange(len(of_input)) - np.repeat(np.cumsum(counts) - counts, counts)
        landmark = row % places
        score, angle, xy = (np.zeros((len(row), *more), np.float32) for more in ((), (), (2,)))
        xy[~empty] = np.concatenate([one.xy.reshape(-1, 2) for one in labels])
        score[~empty] = np.concatenate([one.scores.ravel() for one in labels])
        angle[~empty] = np.concatenate([one.angles.repeat(places) for one in labels])
        all_rows = np.zeros(len(row), np.int32)
        errors = [one.error for one in labels]
        columns = {
            "source": _text(all_rows, [self._source]),
            "frame": np.array([one.number for one in labels], np.int64)[of_input],
            "time_s": np.round([one.time_s for one in labels], 6)[of_input],
            "name": _text(of_input, [one.name for one in labels]),
            "model": _text(all_rows, [self._model]),
            "id": pyarrow.array(row // places + 1, mask=empty),
            "landmark": pyarrow.array(landmark, mask=empty),
            "x": pyarrow.array(xy[:, 0], mask=empty),
            "y": pyarrow.array(xy[:, 1], mask=empty),
            "score": pyarrow.array(score, mask=empty),
            "angle": pyarrow.array(angle, mask=empty),
            "point": _text(landmark % max(len(self._points), 1), self._points or [""], empty),
            "error": _text(of_input, errors, np.array([not one for one in errors])[of_input]),
        }
        arrays = [pyarrow.array(column) for column in columns.values()]
        return pyarrow.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def _text(
    index: npt.NDArray[np.integer[Any]],
    texts: Sequence[str],
    mask: npt.NDArray[np.bool_] | None = None,
) -> Any:
    """A column with the texts at these places."""
    places = pyarrow.array(index.astype(np.int32), mask=mask)
    return pyarrow.DictionaryArray.from_arrays(places, pyarrow.array(texts, pyarrow.string()))
