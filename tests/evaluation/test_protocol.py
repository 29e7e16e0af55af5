from __future__ import annotations

import numpy as np
import pytest
from evaluation.dots import edit, write_dots

from lmk.evaluation.annotated import load_annotated
from lmk.evaluation.protocol import Protocol, make_benchmark
from lmk.system.errors import DataError
from lmk.system.progress import Reporter


def spoil(content: dict) -> None:
    """Image 1 lacks its nose; the eyes of image 2 coincide."""
    content["annotations"][1]["keypoints"][6:9] = [0, 0, 0]
    content["annotations"][2]["keypoints"][3:5] = content["annotations"][2]["keypoints"][:2]


def test_unusable_images_are_left_out_and_counted(tmp_path, dots) -> None:
    test = load_annotated(edit(write_dots(tmp_path / "a", 6, seed=0), spoil), Reporter())
    train = load_annotated(edit(write_dots(tmp_path / "b", 5, seed=1), spoil), Reporter())
    benchmark = make_benchmark(test, train, Protocol())
    np.testing.assert_array_equal(np.flatnonzero(benchmark.test_usable), [0, 3, 4, 5])
    np.testing.assert_array_equal(np.flatnonzero(benchmark.train_usable), [0, 2, 3, 4])
    assert benchmark.training_images == 4
    assert benchmark.exclusions == [
        "1 of 6 images of a lack points",
        "1 of 6 images of a have no length above 0 (eyes)",
        "1 of 5 images of b lack points",
    ]


def test_cross_validation_trains_on_what_the_largest_fold_leaves(dots) -> None:
    test = load_annotated(dots[0], Reporter())
    assert make_benchmark(test, None, Protocol(folds=5)).training_images == 12 - 3
    assert make_benchmark(test, None, Protocol(folds=12)).training_images == 11
    alone = make_benchmark(test, None, Protocol(folds=13))
    assert "fewer than the 13 folds" in alone.regression_obstacle()


def test_sets_with_other_points_are_an_error(tmp_path, dots) -> None:
    test = load_annotated(dots[0], Reporter())
    train = load_annotated(write_dots(tmp_path, 3, seed=0, annotated=False), Reporter())
    with pytest.raises(DataError, match=r"have different points: left_eye.* and none"):
        make_benchmark(test, train, Protocol())


def test_obstacles_to_regressions(tmp_path, dots) -> None:
    plain = load_annotated(write_dots(tmp_path / "plain", 3, seed=0, annotated=False), Reporter())
    benchmark = make_benchmark(plain, None, Protocol())
    assert benchmark.exclusions == []
    assert "has no annotated points" in benchmark.regression_obstacle()

    def close_eyes(content: dict) -> None:
        for annotation in content["annotations"]:
            annotation["keypoints"][3:5] = annotation["keypoints"][:2]

    file = edit(write_dots(tmp_path / "blind", 4, seed=0), close_eyes)
    blind = load_annotated(file, Reporter())
    benchmark = make_benchmark(blind, load_annotated(dots[1], Reporter()), Protocol())
    assert "no image of" in benchmark.regression_obstacle()
    assert make_benchmark(blind, None, Protocol(normalize="image")).regression_obstacle() != ""
    other = make_benchmark(blind, None, Protocol(normalize="image", folds=2))
    assert other.regression_obstacle() == ""
