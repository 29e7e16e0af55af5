"""Choose the region of a run: the requested one, or the default for model and source."""

from __future__ import annotations

from lmk.inference.regions.base import Finder
from lmk.inference.regions.landmarks import DEFAULT, Finding, LandmarkSearch
from lmk.inference.regions.open import open_finder
from lmk.model.framing import Framing
from lmk.system.errors import UsageError

TRACK = "track"


def choose_region(
    text: str, framing: Framing | None, still: bool, finding: Finding = DEFAULT
) -> tuple[Finder, bool]:
    """Return the finder, and whether its objects are tracked.

    text: that of a finder (see `open_finder`), `track` or `track:FINDER`. If empty, the detector
    that the model names, or else its landmarks where it was measured how they are found, in every
    picture, or tracked in a video; for other models the centred square. finding: what landmarks
    search for; another finder takes only the default. Raises UsageError, WeightsError,
    UnavailableError.
    """
    finder, tracked = _choose(text, framing, still, finding)
    if finding == DEFAULT:
        return finder, tracked
    if not isinstance(finder, LandmarkSearch):
        raise UsageError(
            "--find-min-size, --find-threshold and --find-angles are for a search by landmarks: "
            "choose --region landmarks or track:landmarks"
        )
    if finding.threshold != DEFAULT.threshold and not (framing and framing.find_scores):
        raise UsageError(
            "--find-threshold: this model does not know how its landmarks score where there is no "
            "object. Train it again with this version of lmk"
        )
    return finder, tracked


def _choose(
    text: str, framing: Framing | None, still: bool, finding: Finding
) -> tuple[Finder, bool]:
    kind, _, finder = text.partition(":")
    known = _known(framing)
    if not text:
        return open_finder(known or "center", finding), bool(known) and not still
    if kind != TRACK:
        return open_finder(text, finding), False
    if still:
        raise UsageError(
            f"--region {text}: tracking needs a video, not pictures. Choose  --region "
            f"{finder or known or 'center'}  which searches every picture"
        )
    if not finder and not known:
        raise UsageError(
            "--region track: this model names no detector for its objects. Name a region, such as "
            "track:landmarks, track:cascade:face or track:onnx:FILE"
        )
    return open_finder(finder or str(known), finding), True


def _known(framing: Framing | None) -> str | None:
    """What finds the objects of a model with this framing."""
    if framing is None:
        return None
    return framing.finder or ("landmarks" if framing.find_scores else None)
