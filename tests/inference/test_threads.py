"""One landmarker for many threads, and for other processes."""

from __future__ import annotations

import copy
import multiprocessing
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from lmk import Finding, Landmarker, Landmarks
from lmk.data.photograph import photograph
from lmk.inference import landmarker as module
from lmk.inference.regions.open import open_finder

THREADS, TIMES = 4, 2


@pytest.fixture
def often_switched() -> Iterator[None]:
    """Threads that take turns more often than usual, so that what they share is seen."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    """A face at a different place in each."""
    small = cv2.resize(photograph(), (160, 160), interpolation=cv2.INTER_AREA)
    return [np.roll(small, 6 * n, axis=1)[:, : 155 - n] for n in range(4)]


def assert_same(found: Landmarks, expected: Landmarks) -> None:
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-4)
    np.testing.assert_allclose(found.xy, expected.xy, atol=1e-3)  # px
    np.testing.assert_allclose(found.score, expected.score, atol=1e-4)


@pytest.mark.parametrize("region", ["cascade:face", "landmarks", "center"])
@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino", "torch", "ncnn"])
@pytest.mark.usefixtures("often_switched")
def test_each_call_gets_the_landmarks_of_its_own_picture(
    pictures: list[np.ndarray], runtime: str, region: str
) -> None:
    finding = Finding(0.4) if region == "landmarks" else Finding()
    landmarker = Landmarker("faces-tiny", runtime, region=region, finding=finding)
    alone = [landmarker(picture) for picture in pictures]
    assert len({each.xy.tobytes() for each in alone}) == len(pictures)
    with ThreadPoolExecutor(THREADS) as threads:
        found = list(threads.map(landmarker, pictures * TIMES))
    for one, expected in zip(found, alone * TIMES, strict=True):
        assert_same(one, expected)


def test_threads_that_need_the_finder_first_open_it_once(
    pictures: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    def slowly(*_: object) -> tuple[object, bool]:
        opened.append(1)
        time.sleep(0.02)
        return open_finder("center"), False

    monkeypatch.setattr(module, "choose_region", slowly)
    landmarker = Landmarker("faces-tiny", "onnxruntime")
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(landmarker, pictures[:THREADS]))
    assert len(opened) == 1


def test_a_landmarker_can_be_passed_to_another_process(pictures: list[np.ndarray]) -> None:
    landmarker = Landmarker(
        "faces-tiny", "onnxruntime", "cpu", "landmarks", Finding(min_size=0.3, angles=(0, 40))
    )
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as processes:
        found = processes.submit(landmarker, pictures[0]).result()
    expected = landmarker(pictures[0])
    assert len(expected.xy) == 1
    assert_same(found, expected)


def test_a_copy_finds_the_same(pictures: list[np.ndarray]) -> None:
    landmarker = Landmarker("faces-tiny", "onnxruntime", region="box:20,10,100,90")
    for again in (copy.copy(landmarker), copy.deepcopy(landmarker)):
        assert again.backend.name == "onnxruntime"
        assert_same(again(pictures[1]), landmarker(pictures[1]))
