"""Find the landmarks of one frame, and time each stage."""

from __future__ import annotations

import time

import numpy as np

from lmk.arrays import Image
from lmk.geometry import apply_affine
from lmk.inference.backends.base import Backend
from lmk.inference.crops import cut_crops
from lmk.inference.regions.places import center

STAGES = (
    "pre_processing",
    "host_to_device",
    "inference",
    "device_to_host",
    "decode",
    "end_to_end",
)


def timed_pass(backend: Backend, frame_bgr: Image) -> dict[str, float]:
    """Milliseconds of every stage of one frame, uint8 BGR (H, W, 3).

    Pre-processing crops and resizes the centred square; decode converts the landmarks to pixels of
    the frame. Copies are measured if the device has its own memory. The end-to-end time is that of
    the same pass.
    """
    ticks = [time.perf_counter()]
    crops, input_to_image = cut_crops(frame_bgr, center(frame_bgr), backend.input_size)
    ticks.append(time.perf_counter())
    if backend.transfers:
        backend.transfers.upload(crops)
        ticks.append(time.perf_counter())
        backend.transfers.compute()
        ticks.append(time.perf_counter())
        found = backend.transfers.download()
    else:
        found = backend.infer(crops)
    ticks.append(time.perf_counter())
    apply_affine(input_to_image, found.landmarks)
    apply_affine(input_to_image, found.points)
    ticks.append(time.perf_counter())
    copies = set() if backend.transfers else {"host_to_device", "device_to_host"}
    names = [name for name in STAGES[:-1] if name not in copies]
    milliseconds = (1000 * np.diff(ticks)).tolist()
    return dict(zip(names, milliseconds, strict=True)) | {
        "end_to_end": 1000 * (ticks[-1] - ticks[0])
    }
