from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from colour_detector import dots_image

from lmk import Landmarker
from lmk.data.photograph import FACE_XY, photograph
from lmk.geometry import crops_of_boxes
from lmk.inference.regions import cascade
from lmk.system.errors import DataError, UsageError, WeightsError

XY = np.array([[88.0, 60.5], [131.3, 90.2], [104.6, 121.9]])
IMAGE = dots_image((233, 181), XY)
# Every box holds the dots whole: inside, beyond an edge, shrinking, growing.
BOXES = [(50, 28, 121, 118), (20, -60, 190, 260), (-90, 10, 330, 170)]


@pytest.fixture(scope="module", params=["onnxruntime", "openvino"])
def landmarker(request: pytest.FixtureRequest, detector: Path) -> Landmarker:
    return Landmarker(detector, runtime=request.param)


def test_landmarker_finds_dots_in_image_pixels_for_any_box(landmarker: Landmarker) -> None:
    found = landmarker(IMAGE, BOXES)
    assert found.xy.dtype == found.score.dtype == np.float32
    assert found.xy.shape == (3, 3, 2)
    # A pixel of the largest crop is 2.6 image pixels; the centroid is known to a fraction of it.
    np.testing.assert_allclose(found.xy, np.broadcast_to(XY, (3, 3, 2)), atol=0.1)
    np.testing.assert_array_equal(found.image_index, [0, 0, 0])


def test_landmarker_looks_into_turned_boxes(landmarker: Landmarker) -> None:
    """Also those of its own results, which may be given again."""
    found = landmarker(IMAGE, [(*BOXES[0], 70.0), (*BOXES[1], -140.0)])
    np.testing.assert_allclose(found.xy, np.broadcast_to(XY, (2, 3, 2)), atol=0.1)
    assert found.angles.tolist() == [70, -140]
    assert found.boxes.shape == (2, 4)
    assert np.isnan(found.confidence).all()
    again = landmarker(IMAGE, np.c_[found.boxes, found.angles])
    np.testing.assert_array_equal(again.xy, found.xy)


def test_landmarker_without_boxes_takes_the_centred_square(landmarker: Landmarker) -> None:
    # A bright dot left of the centred square (x < 26) must not pull the centroid.
    image = np.maximum(IMAGE, dots_image((233, 181), np.array([[5.0, 90.0]] * 3), sigma=2))
    found = landmarker(image)
    np.testing.assert_allclose(found.xy[0], XY, atol=0.1)


def test_landmarker_looks_in_its_region_where_no_boxes_are_given(detector: Path) -> None:
    landmarker = Landmarker(detector, region="box:50,28,121,118")
    found = landmarker([IMAGE, IMAGE], [None, BOXES[1]])
    np.testing.assert_array_equal(found.boxes, np.float32([[50, 28, 121, 118], BOXES[1]]))
    np.testing.assert_allclose(found.xy, [XY, XY], atol=0.1)
    with pytest.raises(UsageError, match="tracking needs a video, not pictures"):
        Landmarker(detector, region="track")


def test_landmarker_needs_no_finder_where_boxes_are_given(monkeypatch) -> None:
    monkeypatch.setattr(cascade.cv2, "CascadeClassifier", no_cascade)
    landmarker = Landmarker("faces")
    assert landmarker(photograph(), (165.5, 62, 118, 118)).xy.shape == (1, 10, 2)
    with pytest.raises(RuntimeError, match="no cascade"):
        landmarker(photograph())


def no_cascade(_: str) -> None:
    raise RuntimeError("no cascade")


def test_landmarker_finds_faces_by_the_models_own_finder() -> None:
    landmarker, image = Landmarker("faces"), photograph()
    blank = np.full((120, 90, 3), 120, np.uint8)
    moved = np.pad(image, ((40, 0), (0, 200), (0, 0)))
    found = landmarker([image, blank, moved])
    np.testing.assert_array_equal(found.image_index, [0, 2])
    np.testing.assert_allclose(found.xy[0].mean(0), FACE_XY, atol=25)
    np.testing.assert_allclose(found.boxes[1] - found.boxes[0], [0, 40, 0, 0], atol=12)


def test_landmarker_takes_one_flat_box(landmarker: Landmarker) -> None:
    np.testing.assert_allclose(landmarker(IMAGE, BOXES[1]).xy, [XY], atol=0.1)


def test_landmarker_keeps_rows_in_order_over_images_of_different_sizes(
    landmarker: Landmarker,
) -> None:
    moved = XY * 0.8 + (30.0, 11.0)
    images = [IMAGE, dots_image((190, 301), moved), IMAGE]
    found = landmarker(images, [np.array(BOXES[:2]), np.empty((0, 4)), None])
    np.testing.assert_array_equal(found.image_index, [0, 0, 2])
    found = landmarker(images[:2], [BOXES[0], (55, 15, 120, 130)])
    np.testing.assert_array_equal(found.image_index, [0, 1])
    np.testing.assert_allclose(found.xy, [XY, moved], atol=0.1)


def test_landmarker_returns_no_rows_for_no_boxes(landmarker: Landmarker) -> None:
    found = landmarker(IMAGE, np.empty((0, 4)))
    assert found.xy.shape == (0, 3, 2)
    assert found.score.shape == (0, 3)


def test_landmarker_scores_come_from_the_model(landmarker: Landmarker) -> None:
    # A dot's mass in the input is 255 * 2 pi sigma^2 * scale^2, its score mass / (mass + 1000).
    side = crops_of_boxes(BOXES[0])[0, 2]
    mass = 255 * 2 * np.pi * 36 * (128 / side) ** 2
    score = landmarker(IMAGE, BOXES[0]).score
    np.testing.assert_allclose(score, np.full((1, 3), mass / (mass + 1000)), rtol=1e-3)


def test_earlier_results_survive_later_calls(landmarker: Landmarker) -> None:
    first = landmarker(IMAGE, BOXES[0])
    kept = first.xy.copy(), first.score.copy()
    landmarker(IMAGE[:, ::-1], BOXES[1])
    np.testing.assert_array_equal(first.xy, kept[0])
    np.testing.assert_array_equal(first.score, kept[1])


GREY = IMAGE[:, :, 0]


@pytest.mark.parametrize(
    ("image", "word"),
    [
        (GREY, "COLOR_GRAY2BGR"),
        (IMAGE.astype(np.float32), "float32"),
        (IMAGE[:0], r"\(0, 233, 3\)"),
        (np.dstack([IMAGE, GREY]), r"\(181, 233, 4\)"),
        ([IMAGE, None], "NoneType"),
        ([], "at least one"),
        ("photo.jpg", "got str"),
    ],
    ids=["grey", "float", "empty", "alpha", "not an array", "no image", "a path"],
)
def test_landmarker_refuses_images(detector: Path, image: object, word: str) -> None:
    with pytest.raises(DataError, match=word) as caught:
        Landmarker(detector)(image)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("boxes", "word"),
    [
        ((10, 10, 0, 20), "width > 0"),
        ((10, 10, 20, -3), "height > 0"),
        ((10, float("nan"), 20, 20), "finite"),
        ((10, 10, float("inf"), 20), "finite"),
        ((10, 10, 20), r"\(3,\)"),
        ([[[1, 2, 3, 4]]], r"\(1, 1, 4\)"),
        ("10,10,20,20", "numbers"),
        ([(1, 2, 3, 4), (1, 2)], "numbers"),
    ],
)
def test_landmarker_refuses_boxes(detector: Path, boxes: object, word: str) -> None:
    with pytest.raises(UsageError, match=word) as caught:
        Landmarker(detector)(IMAGE, boxes)
    assert "\n" not in str(caught.value)


def test_landmarker_refuses_a_list_of_boxes_of_another_length(detector: Path) -> None:
    with pytest.raises(UsageError, match="list of 2"):
        Landmarker(detector)([IMAGE, IMAGE], [BOXES[0]])


def test_landmarks_that_are_no_numbers_are_an_error(landmarker: Landmarker) -> None:
    with pytest.raises(WeightsError, match="NaN"):
        landmarker(np.zeros_like(IMAGE))  # no mass, so the centroid is 0 / 0


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_landmarker_runs_without_torch(detector: Path, tmp_path: Path, runtime: str) -> None:
    np.save(tmp_path / "image.npy", IMAGE)
    program = f"""
import sys
sys.modules["torch"] = None  # importing it now fails
import numpy as np
from lmk import Landmarker
found = Landmarker({str(detector)!r}, {runtime!r})(np.load({str(tmp_path / "image.npy")!r}))
assert not [n for n in sys.modules if n.split(".")[0] in ("torch", "torchvision") and n != "torch"]
assert sys.modules["torch"] is None
print(found.xy.tolist())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.array(eval(done.stdout)), [XY], atol=0.1)
