from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evaluation.dots import NAMES, edit, to_input, write_dots

from lmk.evaluation.annotated import load_annotated
from lmk.evaluation.comparison import differences
from lmk.evaluation.measure import measure, measure_all
from lmk.evaluation.metrics.consistency import CONSISTENCY
from lmk.evaluation.metrics.nme import NME
from lmk.evaluation.metrics.pck import PCK
from lmk.evaluation.metrics.regression import BACKWARD, FORWARD
from lmk.evaluation.metrics.robustness import ROBUSTNESS
from lmk.evaluation.protocol import Protocol, make_benchmark
from lmk.inference.backends.base import Inferred
from lmk.model.points import NO_POINTS, NamedPoints
from lmk.system.errors import DataError, UsageError
from lmk.system.progress import Reporter


def benchmark_of(test, train=None, **options):
    load = [load_annotated(file, Reporter()) if file else None for file in (test, train)]
    return make_benchmark(*load, Protocol(**options))


def values(evaluation) -> dict[str, float]:
    return {figure.name: figure.value for figure in evaluation.figures()}


def test_a_detector_that_finds_the_points_has_almost_no_error(evaluated, dots) -> None:
    """K = 3 landmarks, A = 4 points, the fourth a mean of two; the pictures are not square."""
    evaluation = measure(evaluated, benchmark_of(*dots), Reporter())
    assert evaluation.skipped == [
        "nme: it has no named points",
        "pck, pckh: its 3 landmarks have no names, but there are 4 points",
    ]
    assert evaluation.get(FORWARD).keys() == evaluation.get(BACKWARD).keys() == {1, 5, 10, None}
    found = values(evaluation)
    assert found["forward error"] < 1
    assert found["backward error"] < 1
    assert found["forward error above 10 %"] == 0
    assert found["consistency"] < 0.2
    assert found["mirrored, same index"] < 0.1
    assert found["other brightness"] < 0.3
    assert found["nearest neighbour"] > 20
    assert evaluation.get(FORWARD)[1].mean > 10  # one image knows no shape but its own
    assert len(evaluation.get(FORWARD)[1].percent) == 10


def test_noise_draws_the_centroids_of_black_pictures_to_the_middle(evaluated, dots) -> None:
    evaluation = measure(evaluated, benchmark_of(*dots, robustness_images=5), Reporter())
    assert evaluation.get(ROBUSTNESS).noise.distance_px.shape == (5, 3)
    assert len(set(evaluation.get(ROBUSTNESS).index.tolist())) == 5
    assert values(evaluation)["noise"] > 5


def test_mirror_partners_that_the_model_names_are_a_figure_of_their_own(evaluated, dots) -> None:
    benchmark = benchmark_of(*dots)
    assert "mirrored, its partners" not in values(measure(evaluated, benchmark, Reporter()))
    named = replace(evaluated, mirrored=[1, 0, 2])
    found = values(measure(named, benchmark, Reporter()))
    assert found["mirrored, same index"] < 0.1  # colours stay on their sides
    assert found["mirrored, its partners"] > 5


def test_cross_validation_where_there_is_no_training_set(evaluated, dots) -> None:
    evaluation = measure(evaluated, benchmark_of(dots[0], folds=3), Reporter())
    assert evaluation.get(FORWARD).keys() == {1, 5, None}
    assert evaluation.get(FORWARD)[None].percent.shape == (1, 12)
    assert values(evaluation)["forward error"] < 2


def test_counts_are_those_asked_for_or_an_error(evaluated, dots) -> None:
    evaluation = measure(evaluated, benchmark_of(*dots, counts=(7, 2), draws=3), Reporter())
    assert list(evaluation.get(FORWARD)) == [2, 7, None]
    assert evaluation.get(FORWARD)[7].percent.shape == (3, 12)
    with pytest.raises(DataError, match="15 training images requested, but only 14"):
        measure(evaluated, benchmark_of(*dots, counts=(15,)), Reporter())


def test_images_without_all_points_still_count_for_consistency(evaluated, tmp_path, dots) -> None:
    def hide(content: dict) -> None:
        content["annotations"][2]["keypoints"][2] = 0

    file = edit(write_dots(tmp_path / "a", 6, seed=0), hide)
    evaluation = measure(evaluated, benchmark_of(file, dots[1]), Reporter())
    assert evaluation.get(FORWARD)[None].percent.shape == (1, 5)
    assert evaluation.get(CONSISTENCY).distance_px.shape == (6, 3)
    assert np.isfinite(list(values(evaluation).values())).all()


def test_plain_pictures_have_no_regressions(evaluated, tmp_path) -> None:
    file = write_dots(tmp_path / "plain", 4, seed=0, annotated=False)
    evaluation = measure(evaluated, benchmark_of(file), Reporter())
    assert evaluation.get(FORWARD) is evaluation.get(BACKWARD) is evaluation.get(PCK) is None
    assert evaluation.get(CONSISTENCY) is not None
    assert [reason.split(":")[0] for reason in evaluation.skipped] == [
        "nme",
        "forward, backward, pck, pckh",
    ]
    with pytest.raises(DataError, match=r"forward of .* has no annotated points"):
        measure(evaluated, benchmark_of(file, metrics=("forward",)), Reporter())


def test_only_what_was_asked_for_is_measured(evaluated, dots) -> None:
    benchmark = benchmark_of(*dots, metrics=("backward", "spread"))
    evaluation = measure(evaluated, benchmark, Reporter())
    assert values(evaluation).keys() == {"backward error", "nearest neighbour", "motion"}
    assert evaluation.skipped == []


def test_joints_of_a_core_are_found_by_name(evaluated, dots) -> None:
    """The landmarks carry names in another order than the annotation; a neck is 3 px away."""
    names = ["neck", "head_top", "left_hand"]
    benchmark = benchmark_of(*dots)
    test = benchmark.test
    points = test.xy_input[:, [1, 2, 0]]  # annotated: head_top, left_hand, neck
    points[:, 2, 0] += 3
    test = replace(test, xy_input=points, names=["head_top", "left_hand", "neck"])
    core = replace(evaluated, landmark_names=names)
    evaluation = measure(core, make_benchmark(test, None, Protocol()), Reporter())
    assert values(evaluation)["PCKh@0.5"] == 100
    assert evaluation.get(FORWARD) is None
    assert (
        "forward, backward: its landmarks have names, so it is measured only on request"
        in evaluation.skipped
    )
    # Within a tenth of 14 px: all but the neck.
    diagonal = np.full_like(test.diagonal_px, 14)
    test = replace(test, diagonal_px=diagonal)
    evaluation = measure(core, make_benchmark(test, None, Protocol()), Reporter())
    np.testing.assert_allclose(evaluation.get(PCK).per_joint, [1, 1, 0])
    assert values(evaluation)["PCK@0.1"] == pytest.approx(100 * 2 / 3)


def test_points_without_any_length_are_skipped_with_the_reason(evaluated, dots) -> None:
    """The names are there, but nowhere both ends of the length that errors are divided by."""
    names = ["neck", "head_top", "left_eye", "right_eye"]
    benchmark = benchmark_of(*dots)
    points = benchmark.test.xy_input.copy()
    points[::2, ::2] = np.nan
    points[1::2, 1::2] = np.nan
    core = replace(evaluated, landmark_names=[*names[::-1]])
    core = replace(core, backend=Named(evaluated.backend))
    test = replace(benchmark.test, xy_input=points, names=names)
    evaluation = measure(core, make_benchmark(test, None, Protocol()), Reporter())
    assert evaluation.get(CONSISTENCY) is not None
    said = " / ".join(evaluation.skipped)
    assert "no image of" in said.partition("pck: ")[2]
    assert "has no image with both neck and head_top labelled" in said.partition("pckh: ")[2]
    with pytest.raises(DataError, match="both neck and head_top"):
        measure(core, make_benchmark(test, None, Protocol(metrics=("pckh",))), Reporter())


class Named:
    """A backend with a fourth landmark, the first once more."""

    description, num_landmarks, input_size, points = "named", 4, 128, NO_POINTS

    def __init__(self, backend) -> None:
        self._backend = backend

    def infer(self, images):
        xy, scores, points = self._backend.infer(images)
        xy, scores = (np.concatenate([each, each[:, :1]], axis=1) for each in (xy, scores))
        return Inferred(xy, scores, points)


def test_an_exported_core_is_measured_in_the_annotation_s_order(evaluated, dots) -> None:
    test = benchmark_of(*dots).test
    test = replace(test, xy_input=test.xy_input[:, :3], names=["neck", "head_top", "left_hand"])
    benchmark = make_benchmark(test, None, Protocol(metrics=("pckh",)))
    assert values(measure(evaluated, benchmark, Reporter())) == {"PCKh@0.5": 100}
    default = measure(evaluated, make_benchmark(test, None, Protocol()), Reporter())
    assert "pck, pckh: its landmarks have no names" in default.skipped


def test_models_are_compared_with_the_first(evaluated, dots) -> None:
    """The second model's landmarks lie 3 px across: the same errors by regression, not by turns."""

    class Shifted:
        description, num_landmarks, input_size, points = "shifted", 3, 128, NO_POINTS

        def infer(self, images):
            found = evaluated.backend.infer(images)
            return found._replace(landmarks=found.landmarks + np.array([3, 0], np.float32))

    shifted = replace(evaluated, name="shifted", backend=Shifted())
    benchmark = benchmark_of(*dots)
    evaluations = measure_all([evaluated, shifted], benchmark, Reporter())
    (compared,) = differences(evaluations, seed=0)
    assert compared["forward error"].value == pytest.approx(0, abs=1e-3)
    assert compared["consistency"].value > 0.2
    assert compared["consistency"].clear
    # Mirrored, the shift goes the other way: 6 px apart.
    assert compared["mirrored, same index"].value == pytest.approx(6, abs=0.2)
    assert "motion" not in compared


def test_models_that_cannot_be_compared_are_errors(evaluated, dots) -> None:
    class Other:
        description, num_landmarks, input_size = "other", 5, 128

    benchmark = benchmark_of(*dots)
    other = replace(evaluated, name="other", backend=Other())
    with pytest.raises(UsageError, match=r"different numbers of landmarks.* 3, other has 5"):
        measure_all([evaluated, other], benchmark, Reporter())


def test_annotation_is_in_the_landmarks_frame(evaluated, dots) -> None:
    benchmark = benchmark_of(*dots)
    assert benchmark.test.names == NAMES
    found = evaluated.find(benchmark.test.images, Reporter())
    np.testing.assert_allclose(found, benchmark.test.xy_input[:, :3], atol=0.3)
    np.testing.assert_allclose(to_input(np.array([[100, 80]])), [[64, 64]], atol=0.5)


class Pointed:
    """Another backend's landmarks as named points, the second 3 px to the right."""

    description, input_size, transfers = "named", 128, None
    points = NamedPoints(("nose", "left_eye", "other"))

    def __init__(self, backend, landmarks: int = 3) -> None:
        self._backend, self.num_landmarks = backend, landmarks

    def infer(self, images):
        xy, scores, _ = self._backend.infer(images)
        points = xy[:, [2, 0, 1]] + np.float32([[0, 0], [3, 0], [50, 50]])
        return Inferred(xy[:, : self.num_landmarks], scores[:, : self.num_landmarks], points)


def test_named_points_are_measured_by_their_names(evaluated, dots) -> None:
    """The file has three dots and a point between them; the model's "other" is none of them."""
    test = benchmark_of(dots[0], normalize="image")
    assert test.test.names == NAMES
    named = replace(evaluated, name="named", sha256="n", backend=Pointed(evaluated.backend))
    evaluation = measure(named, test, Reporter())
    by_point = dict(zip(NAMES, evaluation.get(NME).per_point, strict=True))
    assert by_point["left_eye"] == pytest.approx(100 * 3 / 128, abs=0.2)
    assert by_point["nose"] < 0.2
    assert np.isnan([by_point["right_eye"], by_point["brow"]]).all()
    assert values(evaluation)["NME"] == pytest.approx(50 * 3 / 128, abs=0.2)
    assert evaluation.found.shape == (12, 3, 2)  # those of the model, as without names
    assert evaluation.get(FORWARD) is not None


def test_points_of_other_names_are_told(evaluated, dots) -> None:
    backend = Pointed(evaluated.backend)
    backend.points = NamedPoints(("a", "b", "c"))
    other = replace(evaluated, sha256="o", backend=backend)
    with pytest.raises(DataError, match=r"nme of dots\.onnx: its points are a, b, c, those of"):
        measure(other, benchmark_of(dots[0], metrics=("nme",)), Reporter())


def test_models_of_other_numbers_of_landmarks_are_compared_by_their_points(evaluated, dots) -> None:
    pair = [
        replace(
            evaluated, name=str(count), sha256=str(count), backend=Pointed(evaluated.backend, count)
        )
        for count in (2, 3)
    ]
    evaluations = measure_all(pair, benchmark_of(dots[0], normalize="image"), Reporter())
    (compared,) = differences(evaluations, seed=0)
    assert compared["NME"].value == pytest.approx(0, abs=1e-6)
    with pytest.raises(UsageError, match="compared by their named points alone"):
        measure_all(pair, benchmark_of(dots[0], metrics=("forward",)), Reporter())
