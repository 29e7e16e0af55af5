"""Whether a teacher's landmarks can be learned: steady over the views of a picture, and apart."""

from __future__ import annotations

import numpy as np

from lmk.data.packed import Crops
from lmk.evaluation.formulas.spread import spread
from lmk.system.errors import DataError
from lmk.system.progress import Reporter
from lmk.training.adaptation.health import COLLAPSED_PX
from lmk.training.adaptation.mirror import LIMIT_PX, PICTURE_PX
from lmk.training.distillation.labels import Labels

# In px of a 128 px picture. On 150 pictures like those of their training, faces-small and cats have
# 0.35 and 0.7; on other categories 5.7 to 7.5, except cats on faces, 3.7. Views are not mirrored:
# landmarks that follow a side, as those of the shipped cats do, are steady and can be learned.
SCATTERED_PX, HOPELESS_PX = 2.0, 5.0
CHECKED_CROPS = 128
COINCIDENT_PX = 0.5


def check_scatter(scattered_px: float, report: Reporter) -> None:
    """Warn of landmarks that differ between the views of a picture, with the figure.

    scattered_px: their standard deviation over views that are not mirrored, in px of a 128 px
    picture. Raises DataError above a bound where nothing can be learned from them.
    """
    said = (
        f"the teacher's landmarks differ by {scattered_px:.1f} px between views of a "
        f"{PICTURE_PX} px picture"
    )
    if scattered_px > HOPELESS_PX:
        raise DataError(
            f"{said}, more than {HOPELESS_PX:g}: these are not pictures of its category, or it is "
            "not trained. Choose other pictures or another teacher"
        )
    if scattered_px > SCATTERED_PX:
        report.warn(f"{said}, more than {SCATTERED_PX:g}: are these pictures of its category?")


def check_agreement(apart_px: float) -> None:
    """Raise DataError for teachers whose landmarks are far apart, in px of a 128 px picture."""
    if apart_px > HOPELESS_PX:
        raise DataError(
            f"the teachers' landmarks differ by {apart_px:.1f} px in a {PICTURE_PX} px picture, "
            f"more than {HOPELESS_PX:g}: choose teachers with the same landmarks in the same order"
        )


def check_labels(labels: Labels, crops: Crops, report: Reporter) -> None:
    """Warn of labels that coincide, with the figure, and tell the mirror partners.

    Raises DataError for labels that nearly all coincide.
    """
    if labels.xy.shape[1] > 1:
        nearest = spread(labels.xy * (PICTURE_PX / crops.shape[1])).nearest_px
        said = f"the teacher's landmarks are {nearest:.1f} px apart in a {PICTURE_PX} px picture"
        if nearest < COINCIDENT_PX:
            raise DataError(f"{said}: they coincide. Choose another teacher")
        if nearest < COLLAPSED_PX:
            report.warn(f"{said}: several coincide. Train the teacher with --separation")
    if np.isfinite(labels.partner_px):
        _say_partners(labels, report)


def _say_partners(labels: Labels, report: Reporter) -> None:
    pairs = [f"{one}-{other}" for one, other in enumerate(labels.partner or []) if one < other]
    if labels.partner is None:
        report.say(
            f"no mirrored pictures: there, landmarks are {labels.partner_px:.1f} px in a "
            f"{PICTURE_PX} px picture from the best mirror partners, more than {LIMIT_PX:g}"
        )
    else:
        report.say(
            f"mirrored pictures: landmarks {', '.join(pairs) or 'without pairs'} swap "
            f"({labels.partner_px:.1f} px apart in a {PICTURE_PX} px picture)"
        )
