from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dots import Dots, dots

from lmk.system.errors import DataError, WeightsError
from lmk.system.progress import Reporter
from lmk.training.distillation.health import check_labels, check_scatter
from lmk.training.distillation.labels import (
    Labels,
    cache_labels,
    cached_labels,
    label,
    labels_place,
)


def test_views_are_carried_back_and_averaged() -> None:
    crops, xy = dots(70)  # more than a chunk
    found = label(crops, [Dots()], 4, False, 0, Reporter())
    assert found.xy.shape == (70, 3, 2)
    assert found.xy.dtype == found.spread.dtype == np.float32
    assert np.abs(found.xy - xy).max() < 0.5
    assert found.spread.max() < 0.7
    assert found.partner is None
    assert np.isnan(found.partner_px)


def test_a_single_view_is_the_crop_itself() -> None:
    crops, xy = dots(3)
    found = label(crops, [Dots()], 1, False, 0, Reporter())
    np.testing.assert_allclose(found.xy, xy, atol=0.2)
    assert (found.spread == 0).all()


def test_landmarks_of_mirrored_views_swap() -> None:
    """The dots left and right keep their order in mirrored crops, as a nose and two eyes do."""
    crops, xy = dots(6)
    found = label(crops, [Dots()], 2, True, 0, Reporter())
    assert found.partner == [0, 2, 1]
    assert np.abs(found.xy - xy).max() < 0.5


def test_teachers_are_averaged_and_their_spread_is_in_px_of_128() -> None:
    crops, xy = dots(2)
    one, other = Dots(), Dots()
    one.off, other.off = 2.0, -2.0  # input pixels; each call turns the sign: -2 and +2
    found = label(crops, [one, other], 1, False, 0, Reporter())
    np.testing.assert_allclose(found.xy, xy, atol=0.2)
    # 2 px in x and y of 64 are 2 * sqrt(2) * 128 / 64 px of 128; two samples: times sqrt(2).
    np.testing.assert_allclose(found.spread, 2 * 2**0.5 * 2 * 2**0.5, rtol=1e-3)


def test_nan_is_an_error() -> None:
    teacher = Dots()
    teacher.off = float("nan")
    with pytest.raises(WeightsError, match="NaN"):
        label(dots(2)[0], [teacher], 2, False, 0, Reporter())


def test_labels_come_back_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMK_CACHE", str(tmp_path))
    place = labels_place("a", ["b"], 2, True, 0)
    assert place != labels_place("a", ["b"], 2, True, 1)
    assert cached_labels(place, 4, 3) is None
    written = Labels(*(np.random.rand(4, 3, 2), np.random.rand(4, 3)), [0, 2, 1], 1.5)
    cache_labels(place, written)
    assert cached_labels(place, 5, 3) is None
    assert cached_labels(place, 4, 2) is None
    read = cached_labels(place, 4, 3)
    assert read is not None
    np.testing.assert_array_equal(read.xy, written.xy)
    np.testing.assert_array_equal(read.spread, written.spread)
    assert (read.partner, read.partner_px) == ([0, 2, 1], 1.5)
    file = place.find()
    assert file is not None
    file.write_bytes(file.read_bytes()[:50])
    assert cached_labels(place, 4, 3) is None


def made(apart: float = 20.0) -> tuple[Labels, np.ndarray]:
    xy = np.zeros((5, 3, 2), np.float32)
    xy[:, :, 0] = np.arange(3) * apart
    found = Labels(xy, np.zeros((5, 3), np.float32), None, float("nan"))
    return found, np.zeros((5, 128, 128, 3), np.uint8)


class Words(Reporter):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)

    warn = say


def test_good_labels_pass_in_silence() -> None:
    words = Words()
    check_labels(*made(), words)
    check_scatter(0.7, words)
    assert not words.said


def test_poor_labels_warn_with_the_figure() -> None:
    words = Words()
    check_labels(*made(apart=2.0), words)
    check_scatter(4.0, words)
    assert "2.0 px apart in a 128 px picture" in words.said[0]
    assert "differ by 4.0 px" in words.said[1]


def test_hopeless_labels_are_an_error() -> None:
    with pytest.raises(DataError, match="coincide"):
        check_labels(*made(apart=0.1), Words())
    with pytest.raises(DataError, match=r"15\.0 px"):
        check_scatter(15.0, Words())
