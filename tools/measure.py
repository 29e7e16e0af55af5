"""Measure an adapted model on annotated crops: forward, backward, consistency, spread.

python tools/measure.py MODEL --test aflw/test.json --regressor cnnfp/annotated.json [--save]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from lmk.data.coco import KeypointSet, load_keypoints
from lmk.evaluation.consistency import consistency
from lmk.evaluation.detect import Floats, crops_to_input, detector
from lmk.evaluation.regression import backward_error, forward_error
from lmk.evaluation.spread import spread
from lmk.geometry import INPUT_SIZE, resize_xy
from lmk.model.folder import find_model
from lmk.networks.load import load_network
from lmk.progress import Reporter


def measure(
    model: str, test_file: Path, regressor_file: Path, limit: int | None
) -> dict[str, float]:
    """Figures of one model; errors in percent of the distance between the eyes."""
    report = Reporter()
    train, test = (load_keypoints(file, report) for file in (regressor_file, test_file))
    detect = detector(*load_network(model))
    images = crops_to_input(test.crops)[:limit]
    found_train, found_test = detect(crops_to_input(train.crops)[:limit]), detect(images)
    train_xy, test_xy = annotated(train)[:limit], annotated(test)[:limit]
    eyes = [test.names.index("left_eye"), test.names.index("right_eye")]
    between = np.linalg.norm(test_xy[:, eyes[0]] - test_xy[:, eyes[1]], axis=-1)
    points = (found_train, train_xy, found_test, test_xy, between)
    apart = spread(found_test)
    return {
        "forward %": round(forward_error(*points).mean, 2),
        "backward %": round(backward_error(*points).mean, 2),
        "consistency px": round(consistency(detect, images).average, 2),
        "nearest neighbour px": round(apart.nearest_px, 1),
        "motion px": round(apart.motion_px, 1),
    }


def annotated(data: KeypointSet) -> Floats:
    """Annotated points (N, A, 2) in input pixels."""
    xy_input: Floats = resize_xy(data.xy_crop, INPUT_SIZE / data.crops.shape[1])
    return xy_input


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--regressor", type=Path, required=True)
    parser.add_argument("--limit", type=int, help="use the first N images of each set")
    parser.add_argument("--save", action="store_true", help="write the figures into the manifest")
    given = parser.parse_args()
    figures = measure(given.model, given.test, given.regressor, given.limit)
    print(json.dumps(figures, indent=2))
    if given.save:
        source = f"{given.test.parent.name}, regressor {given.regressor.parent.name}"
        find_model(given.model).with_figures({**figures, "measured on": source})
