"""Which region a run uses: as asked for, or what suits the model and the source."""

from __future__ import annotations

from lmk.inference.regions.base import Finder
from lmk.inference.regions.open import open_finder
from lmk.model.framing import Framing
from lmk.system.errors import UsageError

TRACK = "track"


def choose_region(text: str, framing: Framing | None, still: bool) -> tuple[Finder, bool]:
    """Return the finder, and whether its objects are followed.

    `text` is a finder's (see `open_finder`), `track` or `track:FINDER`, or empty: then the finder
    that the model knows looks in every picture and is tracked in a video; without one it is the
    centre.
    Raises UsageError, WeightsError, UnavailableError.
    """
    kind, _, finder = text.partition(":")
    known = framing.finder if framing else None
    if not text:
        return open_finder(known or "center"), bool(known) and not still
    if kind != TRACK:
        return open_finder(text), False
    if still:
        raise UsageError(
            f"--region {text}: pictures have nothing to follow. Choose  --region "
            f"{finder or known or 'center'}  which looks in every picture"
        )
    if not finder and not known:
        raise UsageError(
            "--region track: this model names no finder for its objects. Say one, such as "
            "track:center, track:cascade:face or track:onnx:FILE"
        )
    return open_finder(finder or str(known)), True
