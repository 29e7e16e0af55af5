"""The page, its routes and its session, in a real browser where there is one."""

from __future__ import annotations

import errno
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
from chromium import Page, browser, needs_browser
from PIL import Image

from lmk.data.photograph import FACE_SIDE, FACE_XY, photograph
from lmk.geometry import apply_affine, invert_affine
from lmk.inference.crops import cut_crops
from lmk.system.progress import Reporter

pytest.importorskip("uvicorn")

from lmk.annotating.app import make_app
from lmk.annotating.gallery import Gallery
from lmk.annotating.guide import Guide
from lmk.annotating.points_file import HIDDEN, open_points_file
from lmk.annotating.session import Session
from lmk.web.server import serving

NAMES = ["left_eye", "right_eye", "nose"]
PLACES = np.array([[206.0, 112], [240, 110], [224, 128]])  # about there in the photograph
COUNT, SIDE = 6, 240


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], np.ndarray]:
    """A face in several poses, 240 x 200, and where its points are; the first lies on its side."""
    folder, random = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    side = FACE_SIDE * random.uniform(0.9, 1.2, COUNT)
    corner = np.array(FACE_XY) + random.normal(0, 4, (COUNT, 2)) - side[:, None] / 2
    boxes = np.c_[corner, side, side, random.normal(0, 8, COUNT)]
    crops, to_image = cut_crops(photograph(), boxes, SIDE)
    paths = []
    for number, crop in enumerate(crops):
        picture, exif = Image.fromarray(crop[:200]), Image.Exif()
        if number == 0:  # stored on its side: the upright picture is that of the others
            picture = picture.transpose(Image.Transpose.ROTATE_90)
            exif[0x0112] = 6
        paths.append(folder / f"{number}.jpg")
        picture.save(paths[-1], quality=95, exif=exif)
    return paths, np.stack([apply_affine(invert_affine(m), PLACES) for m in to_image])


class Site:
    """A session that is served."""

    def __init__(self, stack: ExitStack, folder: Path, paths, model=None, wanted=None) -> None:
        self.path = folder / "few.json"
        self.file = stack.enter_context(open_points_file(self.path, NAMES, paths))
        guide = Guide(model, NAMES, paths, Reporter()) if model else None
        if guide:
            stack.callback(guide.close)
        self.guide = guide
        self.session = Session(Gallery(paths), self.file, guide, wanted)
        self.url = stack.enter_context(serving(make_app(self.session), "127.0.0.1", 0, Reporter()))

    def post(self, path: str, body: bytes, ours: bool = True) -> tuple[int, str]:
        headers = {"X-Lmk": "1"} if ours else {}
        request = urllib.request.Request(self.url + path, body, headers, method="POST")
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def get(self, path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(self.url + path) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def keypoints(self) -> list[list[float]]:
        return [one["keypoints"] for one in json.loads(self.path.read_text())["annotations"]]


@contextmanager
def site(paths: list[Path], **options) -> Iterator[Site]:
    with ExitStack() as stack:
        found = Site(stack, paths[0].parent, paths, **options)
        stack.callback(lambda: found.path.unlink(missing_ok=True))
        yield found


def marks(*values: object) -> bytes:
    return json.dumps({"marks": values}).encode()


def test_points_are_saved_and_pictures_are_shown_upright(faces) -> None:
    paths, _ = faces
    with site(paths) as one:
        assert json.loads(one.get("next")[1]) == {"number": 0}
        task = json.loads(one.get("task/0")[1])
        assert task["size"] == [240, 200]
        assert task["marks"] == [None, None, None]
        status, jpeg = one.get("picture/0")
        assert status == 200
        assert jpeg[:2] == b"\xff\xd8"
        assert one.post("points/0", marks([3.5, 4], None, HIDDEN))[0] == 200
        assert json.loads(one.get("task/0")[1])["marks"] == [[3.5, 4], None, HIDDEN]
        assert one.keypoints() == [[3.5, 4, 2, 0, 0, 0, 0, 0, 0]]
        assert json.loads(one.get("state")[1])["done"] == 0
        assert one.post("points/0", marks([3.5, 4], HIDDEN, HIDDEN))[0] == 200
        assert json.loads(one.get("state")[1])["done"] == 1
        assert json.loads(one.get("next?after=0")[1]) == {"number": 1}


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "not points"),
        (b"{", 400, "not points"),
        (b"\xff", 400, "not points"),
        (marks([1, 2], [3, 4]), 422, "expected 3 points, got 2"),
        (marks([1, 2], [3, 4], [5]), 400, "not points"),
        (marks([1, 2], [3, 4], "seen"), 400, "not points"),
        (marks([1, 2], [3, 4], [240, 4]), 422, "nose is at 240, 4, outside the picture"),
        (marks([1, 2], [3, 4], [5, 1e12]), 400, "not points"),
        (b'{"marks":[null,null,NaN]}', 400, "not points"),
        (b'{"marks":[null,null,null],"more":1}', 400, "not points"),
        (b'{"marks":[' + b"null," * 100_000 + b"null]}", 413, "too many"),
    ],
)
def test_what_is_sent_is_checked(faces, body: bytes, status: int, said: str) -> None:
    with site(faces[0]) as one:
        found, text = one.post("points/1", body)
        assert (found, said in text) == (status, True)
        assert not one.path.exists()


def test_pictures_are_asked_for_by_number_alone(faces) -> None:
    with site(faces[0]) as one:
        for path in ("picture/6", "task/99999999999", "picture/../few.json", "picture/-1"):
            assert one.get(path)[0] == 404
        assert one.post("points/6", marks(None, None, None))[0] == 404


def test_only_the_page_itself_changes_anything(faces) -> None:
    with site(faces[0]) as one:
        assert one.post("points/0", marks([1, 2], None, None), ours=False)[0] == 403
        assert one.post("finish", b"", ours=False)[0] == 403
        assert not one.session.finished.is_set()
        assert one.post("finish", b"")[0] == 204
        assert one.session.finished.is_set()


def test_another_name_of_this_machine_is_refused(faces) -> None:
    """As of a page elsewhere whose name points here."""
    with site(faces[0]) as one:
        port = int(one.url.rstrip("/").rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"GET /state HTTP/1.1\r\nHost: evil.example\r\n\r\n")
            assert b" 403 " in connection.recv(1 << 12).split(b"\r\n")[0]


def test_a_picture_that_is_gone_is_told(faces, tmp_path: Path) -> None:
    paths = [tmp_path / path.name for path in faces[0][:2]]
    for source, path in zip(faces[0], paths, strict=False):
        path.write_bytes(source.read_bytes())
    with site(paths) as one:
        paths[0].unlink()
        status, said = one.get("task/0")
        assert status == 422
        assert b"0.jpg" in said
        assert one.get("task/1")[0] == 200


def test_pictures_that_were_passed_over_come_last(faces) -> None:
    with site(faces[0][:4]) as one:
        asked = [one.session.next(None)]
        while len(asked) < 6:
            asked.append(one.session.next(asked[-1]))
        assert asked == [0, 1, 2, 3, 0, 1]
        one.post("points/2", marks([1, 2], [3, 4], [5, 6]))
        assert [one.session.next(1), one.session.next(0), one.session.next(3)] == [0, 3, 0]


def test_the_goal_is_reached_and_skipped_pictures_are_not_asked_for(faces) -> None:
    with site(faces[0], wanted=2) as one:
        assert one.post("points/0", b'{"marks":[null,null,null],"skipped":true}')[0] == 200
        assert json.loads(one.get("next?after=0")[1]) == {"number": 1}
        for number in (1, 2):
            one.post(f"points/{number}", marks([1, 2], [3, 4], [5, 6]))
        assert json.loads(one.get("next?after=2")[1]) == {"number": None}
        state = json.loads(one.get("state")[1])
        assert (state["done"], state["skipped"], state["goal"]) == (2, 1, 2)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser() as opened:
        yield opened


def opened(page: Page, one: Site, width: int = 1200, height: int = 800) -> None:
    page.size(width, height)
    page.open(one.url)
    page.wait_for("task && picture !== null")


def on_screen(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a pixel of the picture is in the window."""
    left, top = page.value("[canvas.getBoundingClientRect().x, canvas.getBoundingClientRect().y]")
    at = page.value(f"toScreen([{x}, {y}])")
    return left + at[0], top + at[1]


def saved(page: Page) -> None:
    page.wait_for("!unsaved.size && !saving")


@needs_browser
def test_three_clicks_are_three_points_at_these_pixels(faces, page: Page) -> None:
    """The second one zoomed, where a pixel of the screen is a fraction of one of the picture."""
    with site(faces[0]) as one:
        opened(page, one)
        page.click(*on_screen(page, 60, 50))
        page.mouse.move(*on_screen(page, 150, 50))
        page.mouse.wheel(0, -400)
        page.wait_for("view.scale > 5")
        page.click(*on_screen(page, 150.5, 50.25))
        page.click(*on_screen(page, 120, 60))
        saved(page)
        found = np.array(one.keypoints()[0]).reshape(3, 3)
        np.testing.assert_allclose(found[:, :2], [[60, 50], [150.5, 50.25], [120, 60]], atol=0.6)
        assert found[1, :2] == pytest.approx([150.5, 50.25], abs=0.2)
        assert one.session.done == 1
        box = page.value("byId('next').getBoundingClientRect().toJSON()")
        page.click(box["x"] + 20, box["y"] + 10)
        page.wait_for("task && task.number === 1")


@needs_browser
def test_a_point_is_dragged_hidden_and_undone(faces, page: Page) -> None:
    with site(faces[0]) as one:
        opened(page, one)
        page.click(*on_screen(page, 60, 50))
        page.mouse.move(*on_screen(page, 60, 50))
        page.mouse.down()
        page.mouse.move(*on_screen(page, 70, 55))
        page.mouse.up()
        saved(page)
        assert one.keypoints()[0][:3] == pytest.approx([70, 55, 2], abs=0.6)
        page.key("h")
        page.click(*on_screen(page, 100, 90))
        saved(page)
        assert one.file.marks(0)[0] == HIDDEN
        for _ in range(3):
            page.key("u")
        saved(page)
        assert one.file.marks(0)[0] == pytest.approx((60, 50), abs=0.6)
        assert one.file.marks(0)[1:] == [None, None]


@needs_browser
def test_keys_do_everything(faces, page: Page) -> None:
    with site(faces[0]) as one:
        opened(page, one)
        page.key("ArrowRight")  # a cross in the middle, 120, 100
        page.key("Shift+ArrowDown")  # by ten
        page.key(" ")
        page.key("ArrowLeft")
        page.key(" ")
        page.key("h")
        page.key("Tab")
        page.key("Tab")
        page.key("ArrowUp")
        saved(page)
        found = np.array(one.keypoints()[0]).reshape(3, 3)
        np.testing.assert_allclose(found[:2, :2], [[120, 110], [120, 99]], atol=0.01)
        page.key("Enter")
        page.wait_for("task && task.number === 1")
        page.key("s")
        page.wait_for("task && task.number === 2")
        assert one.file.skipped(1)
        page.key("p")
        page.wait_for("task && task.number === 1")


@needs_browser
def test_fingers_place_drag_and_pinch_on_a_phone(faces, page: Page) -> None:
    with site(faces[0]) as one:
        opened(page, one, 390, 844)
        for place in ((60, 50), (150, 60)):
            page.touch("touchStart", on_screen(page, *place))
            page.touch("touchEnd")
        page.touch("touchStart", on_screen(page, 60, 50))
        page.touch("touchMove", on_screen(page, 80, 80))
        assert page.value("held.touch")  # the loupe is shown
        page.touch("touchEnd")
        saved(page)
        found = np.array(one.keypoints()[0]).reshape(3, 3)
        np.testing.assert_allclose(found[:2, :2], [[80, 80], [150, 60]], atol=1)
        scale = page.value("view.scale")
        middle = on_screen(page, 120, 100)
        page.touch("touchStart", (middle[0] - 30, middle[1]), (middle[0] + 30, middle[1]))
        page.touch("touchMove", (middle[0] - 90, middle[1]), (middle[0] + 90, middle[1]))
        page.touch("touchEnd")
        assert page.value("view.scale") == pytest.approx(3 * scale, rel=0.05)
        assert one.file.marks(0)[2] is None  # a pinch places nothing
        assert page.value("document.documentElement.scrollWidth") <= 390


@needs_browser
def test_the_third_picture_begins_with_a_prediction_that_enter_accepts(faces, page: Page) -> None:
    paths, places = faces
    with site(paths, model="faces-small") as one:
        opened(page, one)
        page.wait_for("state && state.ready")
        for _ in range(2):
            number = page.value("task.number")
            for place in places[number]:
                page.click(*on_screen(page, *place))
            saved(page)
            page.key("Enter")
            page.wait_for(f"task && task.number !== {number}")
        page.wait_for("task.predicted")
        number = page.value("task.number")
        predicted = np.array(page.value("task.predicted"))
        assert np.linalg.norm(predicted - places[number], axis=1).max() < 12  # of 240
        page.wait_for("state.error")
        page.key("Enter")
        saved(page)
        np.testing.assert_allclose(one.file.marks(number), predicted, atol=0.02)
        assert one.session.done == 3


@needs_browser
def test_clicks_place_the_points_in_their_order_also_beside_predictions(faces, page: Page) -> None:
    paths, _ = faces
    with site(paths) as one:
        opened(page, one)
        page.value("void (task.predicted = [[20, 20], [30, 20], [40, 20]])")
        for place in ((100, 100), (150, 100), (120, 150)):
            page.click(*on_screen(page, *place))
        saved(page)
        found = np.array(one.keypoints()[0]).reshape(3, 3)[:, :2]
        np.testing.assert_allclose(found, [[100, 100], [150, 100], [120, 150]], atol=0.6)


@needs_browser
def test_a_picture_that_cannot_be_read_is_told_and_left_out(faces, page: Page, tmp_path) -> None:
    paths = [tmp_path / f"{number}.jpg" for number in range(3)]
    paths[0].write_bytes(b"no picture")
    for path, source in zip(paths[1:], faces[0], strict=False):
        path.write_bytes(source.read_bytes())
    with site(paths) as one:
        page.size(1200, 800)
        page.open(one.url)
        page.wait_for("byId('end-text').textContent.includes('0.jpg')")
        for number in (1, 2, 1):
            page.key("Enter")
            page.wait_for(f"task && task.number === {number}")


@needs_browser
def test_a_picture_that_goes_away_holds_nobody_up(faces, page: Page, tmp_path) -> None:
    paths = [tmp_path / f"{number}.jpg" for number in range(2)]
    for path, source in zip(paths, faces[0], strict=False):
        path.write_bytes(source.read_bytes())
    with site(paths) as one:
        opened(page, one)
        paths[0].unlink()
        one.session.gallery._kept.clear()
        page.click(*on_screen(page, 60, 50))
        page.wait_for("byId('note').textContent.startsWith('Not saved') && !saving")
        assert "0.jpg" in page.value("byId('note').textContent")
        page.key("Enter")
        page.wait_for("task && task.number === 1")
        page.key("s")
        page.wait_for("ended")  # the first one is not asked for again


@needs_browser
def test_what_could_not_be_written_is_written_later(faces, page: Page, monkeypatch) -> None:
    with site(faces[0]) as one, monkeypatch.context() as patch:
        opened(page, one)
        patch.setattr(Path, "write_text", full_disk)
        page.click(*on_screen(page, 60, 50))
        page.click(*on_screen(page, 150, 60))
        page.wait_for("byId('note').textContent.includes('Trying again')")
        assert not one.path.exists()
        patch.undo()
        page.wait_for("!unsaved.size && !saving && byId('note').hidden")
        assert [mark is not None for mark in one.file.marks(0)] == [True, True, False]


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@needs_browser
def test_a_reloaded_page_goes_on_and_goes_back(faces, page: Page) -> None:
    with site(faces[0]) as one:
        for number in (0, 1):
            one.post(f"points/{number}", marks([10 + number, 20], [30, 40], HIDDEN))
        one.post("points/2", marks([60, 50], None, None))
        opened(page, one)
        assert page.value("[task.number, current, state.done]") == [2, 1, 2]
        page.key("p")
        page.wait_for("task.number === 1")
        assert page.value("marks") == [[11, 20], [30, 40], HIDDEN]


@needs_browser
def test_the_zoom_stays_when_the_page_changes_its_size(faces, page: Page) -> None:
    with site(faces[0]) as one:
        opened(page, one)
        page.key("+")
        scale = page.value("view.scale")
        page.size(1000, 700)
        page.wait_for("canvas.width === canvas.clientWidth && canvas.clientWidth < 800")
        assert page.value("view.scale") == scale
        page.key("0")
        assert page.value("view.scale") < scale
        page.size(1200, 800)
        ends = "toScreen([-0.5, 0])[0] + toScreen([239.5, 0])[0]"  # as far from both edges
        page.wait_for(f"canvas.clientWidth > 800 && Math.abs({ends} - canvas.clientWidth) < 0.01")


@needs_browser
def test_neither_the_right_button_nor_a_pinch_changes_a_point(faces, page: Page) -> None:
    with site(faces[0]) as one:
        opened(page, one)
        at = on_screen(page, 60, 50)
        page.click(*at, button="right")
        assert page.value("marks") == [None, None, None]
        page.click(*at)
        saved(page)
        before = page.value("marks")
        page.touch("touchStart", at)
        page.touch("touchMove", (at[0] + 40, at[1]))
        assert page.value("marks") != before
        page.touch("touchStart", (at[0] + 40, at[1]), (at[0] + 200, at[1]))
        page.touch("touchEnd")
        assert page.value("marks") == before


@needs_browser
def test_the_list_keeps_its_place_and_its_entries(faces, page: Page) -> None:
    """It is brought up to date every second, and must not move under the hand."""
    with site(faces[0]) as one:
        opened(page, one, 1200, 400)
        page.value("void (window.first = byId('points').children[0])")
        page.value("void (byId('points').scrollTop = 40)")
        top = page.value("byId('points').scrollTop")
        assert top > 0
        page.value("show()")
        assert page.value("[byId('points').children[0] === first, byId('points').scrollTop]") == [
            True,
            top,
        ]
