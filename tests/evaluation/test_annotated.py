from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from evaluation.dots import NAMES, SCALE, draw_points, edit, to_input, write_dots

from lmk.evaluation.annotated import default_normalizer, load_annotated, normalizer_px
from lmk.system.errors import DataError, UsageError
from lmk.system.progress import Reporter


def test_points_are_in_input_pixels_of_the_centred_square(dots) -> None:
    data = load_annotated(dots[0], Reporter())
    assert data.images.shape == (12, 128, 128, 3)
    assert data.name == "test"
    assert data.names == NAMES
    np.testing.assert_allclose(data.xy_input, to_input(draw_points(12, 0)), atol=1e-4)
    # The first dot is red, and its middle the brightest.
    y, x = np.unravel_index(data.images[3, :, :, 0].argmax(), (128, 128))
    np.testing.assert_allclose([x, y], data.xy_input[3, 0], atol=1.5)


def test_normalizers_by_hand(dots) -> None:
    data = load_annotated(dots[0], Reporter())
    expected = [SCALE * math.dist(left, right) for left, right, *_ in draw_points(12, 0)]
    np.testing.assert_allclose(normalizer_px(data, "eyes"), expected, rtol=1e-5)
    expected = [SCALE * math.dist(points[0], points[2]) for points in draw_points(12, 0)]
    np.testing.assert_allclose(normalizer_px(data, "left_eye,nose"), expected, rtol=1e-5)
    np.testing.assert_allclose(normalizer_px(data, "box"), SCALE * 100)  # a box of 60 x 80
    np.testing.assert_array_equal(normalizer_px(data, "image"), 128)


def test_default_normalizer_follows_the_annotation(dots) -> None:
    data = load_annotated(dots[0], Reporter())
    assert default_normalizer(data) == "eyes"
    other = replace(data, names=["neck", "right_eye", "nose", "brow"])
    assert default_normalizer(other) == "box"
    assert default_normalizer(replace(other, diagonal_px=data.diagonal_px * np.nan)) == "image"


def test_unknown_normalizers_are_errors(dots) -> None:
    data = load_annotated(dots[0], Reporter())
    with pytest.raises(UsageError, match="no points tail, only left_eye"):
        normalizer_px(data, "nose,tail")
    with pytest.raises(UsageError, match="expected eyes, box, image"):
        normalizer_px(data, "nose")


def test_points_that_are_not_labelled_are_missing(tmp_path) -> None:
    file = write_dots(tmp_path, 4, seed=0)

    def hide(content: dict) -> None:
        content["annotations"][1]["keypoints"][6:9] = [0, 0, 0]
        content["annotations"][2]["keypoints"][0] = None
        del content["annotations"][3]

    data = load_annotated(edit(file, hide), Reporter())
    assert len(data.images) == 4
    np.testing.assert_array_equal(data.complete, [True, False, False, False])
    np.testing.assert_array_equal(data.labelled[1], [True, True, False, True])
    assert not data.labelled[3].any()
    assert np.isnan(data.diagonal_px[3])


def test_pictures_need_no_points(tmp_path) -> None:
    data = load_annotated(write_dots(tmp_path, 3, seed=0, annotated=False), Reporter())
    assert data.images.shape == (3, 128, 128, 3)
    assert data.xy_input.shape == (3, 0, 2)


def test_hash_follows_images_and_points(tmp_path, dots) -> None:
    first = load_annotated(dots[0], Reporter()).sha256
    again = write_dots(tmp_path / "same", 12, seed=0)
    assert load_annotated(again, Reporter()).sha256 == first

    def move(content: dict) -> None:
        content["annotations"][5]["keypoints"][0] += 1

    assert load_annotated(edit(again, move), Reporter()).sha256 != first


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ('{"images": [], "annotations": [], "categories": []}', "lists no images"),
    ],
)
def test_an_empty_file_is_an_error(tmp_path, text: str, message: str) -> None:
    file = tmp_path / "set.json"
    file.write_text(text)
    with pytest.raises(DataError, match=message):
        load_annotated(file, Reporter())
