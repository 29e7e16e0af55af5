"""Landmarks from a Triton server, for boxes in a picture.

python tools/examples/triton_client.py people.jpg --model faces-small [--url localhost:8001]
    [--box X,Y,W,H ...]

Needs tritonclient[grpc], and of lmk the crop rule alone (numpy, OpenCV): the client cuts the crop
round each box as in training, the server finds the landmarks, and the client carries them back into
the picture. Without a box the centred square of the picture is searched.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from tritonclient.grpc import InferenceServerClient, InferInput

from lmk.arrays import FloatArray, Image
from lmk.geometry import apply_affine
from lmk.inference.crops import cut_crops
from lmk.inference.regions.places import center


class Found(NamedTuple):
    """Landmarks xy float32 (N, K, 2), in pixels of the picture, and their scores (N, K)."""

    xy: FloatArray
    scores: FloatArray


class TritonLandmarker:
    """A model of a Triton server, for boxes of any number; `name` as in its model repository."""

    def __init__(self, client: InferenceServerClient, name: str) -> None:
        self._client, self._name = client, name
        config = client.get_model_config(name).config
        self._input_size, self._max_batch = config.input[0].dims[0], config.max_batch_size

    def __call__(self, image_bgr: Image, boxes_xywh: npt.ArrayLike) -> Found:
        """The landmarks in boxes (N, 4), N >= 1, of a picture, uint8 BGR (H, W, 3)."""
        crops, input_to_image = cut_crops(image_bgr, boxes_xywh, self._input_size)
        starts = range(0, len(crops), self._max_batch)
        found = [self._infer(crops[start : start + self._max_batch]) for start in starts]
        xy_input, scores = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return Found(apply_affine(input_to_image, xy_input), scores)

    def _infer(self, crops: npt.NDArray[np.uint8]) -> tuple[FloatArray, FloatArray]:
        images = InferInput("images", list(crops.shape), "UINT8")
        images.set_data_from_numpy(crops)
        answer = self._client.infer(self._name, [images])
        return answer.as_numpy("landmarks"), answer.as_numpy("scores")


def main(arguments: list[str] | None = None) -> None:
    """Print the landmarks of each box: x, y and score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture")
    parser.add_argument("--model", required=True)
    parser.add_argument("--url", default="localhost:8001", help="of the server's gRPC port")
    parser.add_argument("--box", action="append", default=[], help="X,Y,W,H in pixels; repeat it")
    given = parser.parse_args(arguments)
    image = cv2.imread(given.picture)
    if image is None:
        parser.error(f"{given.picture} is not a picture that OpenCV reads")
    boxes = [[float(value) for value in box.split(",")] for box in given.box] or center(image)
    with InferenceServerClient(given.url) as client:
        found = TritonLandmarker(client, given.model)(image, boxes)
    for number, (xy, scores) in enumerate(zip(found.xy, found.scores, strict=True)):
        for landmark, ((x, y), score) in enumerate(zip(xy, scores, strict=True)):
            print(f"box {number}, landmark {landmark}: {x:.1f} {y:.1f}, score {score:.2f}")


if __name__ == "__main__":
    main()
