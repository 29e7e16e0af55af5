"""Apply the models of a run to frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lmk.inference.backends.base import Backend
from lmk.inference.rounds import ModelError, in_rounds
from lmk.system.errors import WeightsError
from lmk.video.context import RunContext
from lmk.video.result import Objects, no_objects
from lmk.video.sources.base import Frame
from lmk.video.tracker import Tracker

MODEL_FAILURES = 10  # in a row, after which the model is broken and the run ends


@dataclass(frozen=True, eq=False)
class RunModel:
    """A model of a run, and the function that makes its tracker per source.

    name: its name in results. landmark_names: K names, or none if the model has none.
    """

    name: str
    backend: Backend
    new_tracker: Callable[[], Tracker]
    landmark_names: Sequence[str] = ()


class ModelStep:
    """Finds the objects of one model in the newest frames of the sources, all in one batch."""

    def __init__(self, model: RunModel, sources: int, context: RunContext) -> None:
        self._model, self._context = model, context
        self._trackers = [model.new_tracker() for _ in range(sources)]
        self._failures_in_a_row = 0

    def __call__(self, frames: Mapping[int, Frame]) -> list[Objects]:
        """Find the objects in at most one frame per source, by the source's number.

        A frame on which the model fails has no objects. Raises WeightsError when it fails
        MODEL_FAILURES times in a row, and what a finder raises.
        """
        smooth, clock = self._context.controls.filtering, self._context.stages.time
        searches = [
            (frame.image_bgr, self._trackers[source].track(frame.image_bgr, frame.time_s, smooth))
            for source, frame in frames.items()
        ]
        try:
            found = in_rounds(self._model.backend, searches, clock)
            self._failures_in_a_row = 0
        except ModelError as error:  # one frame does not end the run
            self._count_failure(error, len(frames))
            backend = self._model.backend
            none = no_objects(self._model.name, backend.num_landmarks, backend.points)
            return [none for _ in frames]
        return found

    def _count_failure(self, error: Exception, frames: int) -> None:
        """Count a failure; raise it when there were too many in a row."""
        name, failures = self._model.name, self._context.failures
        self._failures_in_a_row += 1
        if self._failures_in_a_row >= MODEL_FAILURES:
            raise WeightsError(
                f"{name} failed {MODEL_FAILURES} times in a row; last error: {error}. Choose "
                "another --runtime or --device"
            ) from error
        if not failures[name]:
            self._context.report.warn(f"{name} failed on a frame; the run continues: {error}")
        failures[name] += frames
