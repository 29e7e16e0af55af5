"""Accuracy of a supervised core on annotated crops."""

from __future__ import annotations

from lmk.data.coco import KeypointSet
from lmk.data.resize import resize_crops
from lmk.evaluation.formulas.pck import pckh
from lmk.geometry import resize_xy
from lmk.model.folder import Model
from lmk.networks.detect import detect
from lmk.networks.load import load_network


def evaluate_core(model: Model, data: KeypointSet) -> dict[str, float]:
    """Measure PCKh@0.5 in percent, decoded as at run time, by softargmax."""
    size = model.architecture.input_size
    images = resize_crops(data.crops, size)
    annotated = resize_xy(data.xy_crop, size / data.crops.shape[1])
    predicted = detect(*load_network(model), images)[0]
    result = pckh(predicted, annotated, data.labelled, data.names)
    return {"PCKh@0.5": round(100 * result.overall, 2)}
