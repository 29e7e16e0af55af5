from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lmk.geometry import boxes_of_crops
from lmk.inference.regions.choose import choose_region
from lmk.inference.regions.landmarks import LandmarkSearch
from lmk.inference.regions.open import open_finder
from lmk.model.framing import Framing
from lmk.system.errors import UsageError

FRAME = np.zeros((90, 160, 3), np.uint8)
KNOWS = Framing(((1.0, 2.0), (3.0, 4.0)), 1.0, 0.5, finder="cascade:cat")
KNOWS_NOT = Framing(((1.0, 2.0), (3.0, 4.0)), 1.0, 0.5)


def test_center_and_box() -> None:
    assert open_finder("center").find(FRAME).tolist() == boxes_of_crops([35, 0, 90, 90]).tolist()
    finder = open_finder("box:3.5,-10,150,20")
    assert finder.find(FRAME).tolist() == [[3.5, -10, 150, 20, 0]]
    assert finder.exact


@pytest.mark.parametrize("corner", ["160,0", "0,90", "-20,0", "0,-30"])
def test_a_box_must_touch_the_frame(corner: str) -> None:
    with pytest.raises(UsageError, match=f"box:{corner},20,30 lies outside .* 160 x 90 pixels"):
        open_finder(f"box:{corner},20,30").find(FRAME)
    x, y = (int(number) for number in corner.split(","))
    inward = [x - (x > 0) + (x < 0), y - (y > 0) + (y < 0), 20, 30]
    found = open_finder(f"box:{','.join(map(str, inward))}").find(FRAME)
    assert found.tolist() == [[*inward, 0]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("middle", "expected center, landmarks, box"),
        ("box:1,2,3", "box:X,Y,W,H"),
        ("box:1,2,0,3", "width > 0"),
        ("cascade:dog", "cascade:cat"),
        ("onnx:none.onnx", "the file does not exist"),
        ("onnx:none.onnx#cat", "onnx:none.onnx: the file does not exist"),
    ],
)
def test_bad_words_are_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        open_finder(text)


@pytest.mark.parametrize(
    ("text", "framing", "still", "exact", "follow"),
    [
        ("", KNOWS, False, False, True),
        ("", KNOWS, True, False, False),
        ("", KNOWS_NOT, True, True, False),
        ("", KNOWS_NOT, False, True, False),
        ("", None, False, True, False),
        ("center", KNOWS, False, True, False),
        ("track", KNOWS, False, False, True),
        ("track:center", KNOWS_NOT, False, True, True),
        ("cascade:face", None, True, False, False),
    ],
)
def test_the_region_that_suits_model_and_source(
    text: str, framing: Framing | None, still: bool, exact: bool, follow: bool
) -> None:
    finder, follows = choose_region(text, framing, still)
    assert (finder.exact, follows) == (exact, follow)


@pytest.mark.parametrize(("text", "still"), [("", False), ("", True), ("track", False)])
def test_a_model_that_was_measured_for_it_is_found_by_its_landmarks(text: str, still: bool) -> None:
    measured = replace(KNOWS_NOT, find_scores=(0.6, 0.05))
    finder, follows = choose_region(text, measured, still)
    assert isinstance(finder, LandmarkSearch)
    assert follows != still


def test_pictures_are_not_followed() -> None:
    with pytest.raises(UsageError, match="--region cascade:cat  which searches every picture"):
        choose_region("track", KNOWS, still=True)


def test_track_without_a_finder_asks_for_one() -> None:
    with pytest.raises(UsageError, match="names no detector"):
        choose_region("track", KNOWS_NOT, False)
