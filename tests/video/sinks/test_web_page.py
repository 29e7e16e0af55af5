from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from chromium import Page, browser, needs_browser
from video.sinks.results import named, no_places, picture, result, write_all
from video.sinks.test_web_sink import Site

from lmk.drawing.draw import landmark_color
from lmk.video.result import Objects, Result
from lmk.video.sinks.video import video_sink

pytest.importorskip("uvicorn")
pytestmark = needs_browser

SIZE_WH = (160, 120)
PIXEL = """
(() => {
  const image = document.querySelectorAll("img")[%d], canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  return Array.from(context.getImageData(%d, %d, 1, 1).data).slice(0, 3);
})()
"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser() as page:
        yield page


@pytest.fixture
def site() -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(stack)


def moving(index: int, source: str = "clip", opacity: float = 1.0) -> Result:
    """A grey frame with two landmarks that go 10 pixels to the right a frame."""
    xy = np.array([[[30.0 + 10 * index, 40], [30 + 10 * index, 90]]], np.float32)
    box = np.array([[0, 0, 120, 120]], np.float32)
    ones = np.ones((1, 2), np.float32)
    places = np.array([3]), box, np.zeros(1), xy, 0.8 * ones, opacity * ones, ones[:, 0]
    found = Objects("dots", *places, *no_places(1))
    return result(index, index / 10, picture(128, SIZE_WH), source=source, objects=(found,))


def seen_at(page: Page, source: int, x: int, y: int) -> np.ndarray:
    """The colour, BGR, that the page shows at a pixel of the picture."""
    return np.array(page.value(PIXEL % (source, x, y))[::-1])


def shown(page: Page, source: int, number: int) -> None:
    page.wait_for(f"document.querySelectorAll('img')[{source}]?.dataset.number == '{number}'")


def test_the_page_shows_landmarks_that_follow(page: Page, site: Site) -> None:
    site.stages.add("model", 12.5)
    site.stages.drop("replaced by a newer frame", 7)
    page.open(site.url)
    for index in range(3):
        site.sink.write(moving(index, "camera 0"))
        site.sink.write(moving(2 * index, "camera 1"))
        for source, x in enumerate((30 + 10 * index, 30 + 20 * index)):
            shown(page, source, index + 1)
            for k, y in enumerate((40, 90)):
                difference = seen_at(page, source, x, y) - landmark_color(k)
                assert np.abs(difference).max() < 60  # JPEG halves the resolution of colour
            assert np.abs(seen_at(page, source, x + 30, 40) - 128).max() < 12
    text = page.wait_for("document.body.innerText.includes('70.0') && document.body.innerText")
    for words in (
        "camera 0",
        "camera 1",
        "dots 3",
        "model\t12.5",
        "replaced by a newer frame\t7",
        "0.80",
    ):
        assert words in text


def test_the_pages_buttons_work(page: Page, site: Site) -> None:
    page.open(site.url)
    site.sink.write(moving(0))
    shown(page, 0, 1)
    before = seen_at(page, 0, 0, 60)
    page.value("document.querySelector('[data-do=boxes]').click()")
    shown(page, 0, 2)
    assert seen_at(page, 0, 0, 60).min() > before.max() + 60  # the box's white edge
    page.value("document.querySelector('[data-do=pause]').click()")
    page.wait_for("document.querySelector('[data-do=pause]').ariaPressed == 'true'")
    assert site.controls.paused
    page.wait_for("document.getElementById('status').innerText.startsWith('paused')")


def test_the_page_names_named_points_and_can_hide_their_names(page: Page, site: Site) -> None:
    page.open(site.url)
    site.sink.write(moving(0))
    shown(page, 0, 1)
    hidden = "document.querySelector('[data-do=names]').hidden"
    page.wait_for("document.getElementById('objects').innerText.includes('dots 3')")
    assert page.value(hidden)
    large = replace(named(), boxes=np.float32([[0, 0, 120, 120]] * 2))
    large = replace(large, points=large.points * 8)
    site.sink.write(result(1, 0.1, picture(128, SIZE_WH), objects=(large,)))
    shown(page, 0, 2)
    text = page.wait_for(
        "document.body.innerText.includes('left_pupil') && document.body.innerText"
    )
    assert "right_pupil\t24.0\t32.0\t0.71" in text
    assert not page.value(hidden)
    page.wait_for("document.querySelector('[data-do=names]').ariaPressed == 'true'")
    page.value("document.querySelector('[data-do=names]').click()")
    shown(page, 0, 3)
    page.wait_for("document.querySelector('[data-do=names]').ariaPressed == 'false'")


def test_held_landmarks_are_called_so(page: Page, site: Site) -> None:
    page.open(site.url)
    site.sink.write(moving(0, opacity=0.5))
    page.wait_for("document.getElementById('objects').innerText.includes('held')")


def test_the_page_says_when_the_run_has_ended(page: Page, tmp_path: Path) -> None:
    with ExitStack() as stack:
        site = Site(stack)
        page.open(site.url)
        page.wait_for("document.getElementById('status')?.innerText.includes('frames/s')")
    page.wait_for("document.getElementById('status').innerText.includes('the run has ended')")


def test_the_token_leaves_the_address(page: Page) -> None:
    with ExitStack() as stack:
        site = Site(stack, token="a secret that is long")
        page.open(site.url)
        site.sink.write(moving(0))
        shown(page, 0, 1)
        assert page.value("location.href") == f"http://127.0.0.1:{site.port}/"
        assert page.value("document.cookie") == ""  # scripts do not see it


def test_a_phone_needs_no_sideways_scrolling(page: Page, site: Site) -> None:
    page.size(360, 740)
    page.open(site.url)
    site.sink.write(moving(0, "a camera with quite a long name that does not fit"))
    shown(page, 0, 1)
    page.wait_for("document.getElementById('objects').innerText.includes('0.80')")
    width = page.value("document.documentElement.scrollWidth")
    page.size(1280, 900)
    assert width <= 360


def test_recordings_play_and_seek_in_a_browser(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    times = np.cumsum([0.04, 0.2] * 20)
    frames = (result(i, t, picture(3 * i, SIZE_WH)) for i, t in enumerate(times))
    write_all(video_sink(path), frames)
    page.open(path.as_uri())
    video = "document.querySelector('video')"
    page.wait_for(f"{video}?.readyState >= 2")
    assert page.value(f"{video}.duration") == pytest.approx(times[-1] - times[0], abs=0.3)
    assert page.value(f"{video}.videoWidth") == SIZE_WH[0]
    page.value(f"{video}.pause(), {video}.currentTime = 3")
    page.wait_for(f"{video}.readyState >= 2 && !{video}.seeking")
    assert page.value(f"{video}.currentTime") == pytest.approx(3)
