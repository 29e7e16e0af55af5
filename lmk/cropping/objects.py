"""Find the objects of a picture, and the squares that frame them as in training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lmk.arrays import FloatArray, Image
from lmk.data.decode import MIN_SIDE_PX
from lmk.geometry import crops_of_boxes
from lmk.inference.boxes import SAME, apart
from lmk.inference.landmarker import Landmarker
from lmk.inference.regions.landmarks import Finding
from lmk.model.framing import Framing
from lmk.system.errors import UsageError

MOST = 32  # objects of one picture: more of them are seldom large enough to learn from


@dataclass(frozen=True, eq=False)
class Framed:
    """N objects of a picture, the surest first.

    squares: float32 (N, 4), x, y, width, height in image pixels, x, y the left and top edge: what a
    crop shows. scores: (N,), the mean score of each object's landmarks. left_out: how many others
    were found, by the reason.
    """

    squares: FloatArray
    scores: FloatArray
    left_out: dict[str, int]


class ObjectFinder:
    """Finds objects with a model, and frames them as in its training.

    region: as in `Landmarker`. margin: added on each side of the training's square, as a share of
    it. least_score: mean score of landmarks that are an object's; None for the model's own. Raises
    UsageError for a model without framing, and what `Landmarker` raises.
    """

    def __init__(
        self, model: str, region: str = "", margin: float = 0.0, least_score: float | None = None
    ) -> None:
        self._landmarker = Landmarker(model, region=region)
        framing = self._landmarker.backend.framing
        if framing is None:
            raise UsageError(
                f"{model} has no framing, which says how much of a picture belongs to an object: "
                "expected a model of lmk train or lmk distill with at least two landmarks"
            )
        self._framing: Framing = framing
        self._margin = margin
        measured = framing.least_score(Finding().threshold)
        self.least_score = measured if least_score is None else least_score

    def find(self, image_bgr: Image) -> Framed:
        """Find the objects of a picture, uint8 BGR (H, W, 3), at most MOST.

        An object's square comes from the landmarks in the box in which it was found.
        """
        found = self._landmarker(image_bgr)
        boxes = self._framing.fit(found.xy, found.score)[0][:, :4]
        scores, squares = found.score.mean(1), crops_of_boxes(boxes)
        order = np.argsort(-scores, kind="stable")
        sure = order[scores[order] >= self.least_score]
        large = sure[squares[sure, 2] >= MIN_SIDE_PX]
        single = apart(squares, large, SAME)
        kept = single[:MOST]
        left_out = {
            f"with a mean score below {self.least_score:.3g}": len(order) - len(sure),
            f"smaller than {MIN_SIDE_PX} px": len(sure) - len(large),
            "found twice": len(large) - len(single),
            f"beyond the {MOST} surest of a picture": len(single) - len(kept),
        }
        return Framed(_grown(squares[kept], self._margin), scores[kept], left_out)


def _grown(squares_xywh: FloatArray, margin: float) -> FloatArray:
    """Squares (N, 4) with a margin on each side, as a share of their side."""
    border = margin * squares_xywh[:, 2:]
    return np.concatenate([squares_xywh[:, :2] - border, squares_xywh[:, 2:] + 2 * border], axis=1)
