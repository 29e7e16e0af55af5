"""The exported page in a real browser."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
from chromium import Page, browser, needs_browser
from named_models import NAMES, named_folder
from sites import RUNTIME, needs_packages, plain_server

import lmk
from lmk.browser.runtime_files import pinned
from lmk.browser.serving.serve_site import site_app
from lmk.data.photograph import PHOTOGRAPH, photograph
from lmk.data.synthetic import draw
from lmk.demo.clip import FPS, frames, write_clip
from lmk.model.folder import find_model
from lmk.system.progress import Reporter
from lmk.web.server import serving

pytestmark = [needs_browser, needs_packages]

READY = "document.getElementById('status').textContent === 'Ready'"
FOUND = "document.getElementById('status').textContent === '1 found'"
MESSAGE = (
    "!document.getElementById('message').hidden && document.getElementById('message').textContent"
)


@contextmanager
def opened(address: str, *flags: str, script: str = "", **context: Any) -> Iterator[Page]:
    """The page, and no request or error that does not belong to it.

    script: runs before the page's own.
    """
    elsewhere, errors = [], []
    with browser(flags, **context) as page:
        host = address.split("/")[2]
        inner = page.playwright
        inner.route(
            lambda url: host not in url and not url.startswith(("blob:", "data:")),
            lambda route: (elsewhere.append(route.request.url), route.abort()),
        )
        inner.on("pageerror", lambda error: errors.append(str(error)))
        inner.on(
            "console",
            lambda said: errors.append(said.text) if "Content Security" in said.text else None,
        )
        if script:
            inner.add_init_script(script)
        page.open(address)
        yield page
        assert not elsewhere
        assert not errors


def fake_camera(clip: Path) -> tuple[str, ...]:
    return (
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={clip}",
    )


def saved_lines(page: Page) -> list[dict[str, Any]]:
    if page.playwright.is_hidden("#save-landmarks"):
        page.playwright.click("[data-do=save]")
    with page.playwright.expect_download() as download:
        page.playwright.click("[data-do=save-landmarks]")
    return [json.loads(line) for line in download.value.path().read_text().splitlines()]


def test_a_picture_has_the_landmarks_of_python_within_a_quarter_of_a_pixel(address: str) -> None:
    expected = lmk.Landmarker("faces-small")(photograph())
    with opened(address) as page:
        page.wait_for(READY)
        page.playwright.set_input_files("#file", PHOTOGRAPH)
        page.wait_for(FOUND)
        (line,) = saved_lines(page)
    (found,) = line["objects"]
    assert (line["source"], line["frame"], found["model"]) == (PHOTOGRAPH.name, 0, "faces-small")
    apart_px = np.linalg.norm(np.array(found["landmarks"]) - expected.xy[0], axis=1)
    assert apart_px.max() < 0.25 * expected.boxes[0, 2] / 128  # of the input, in picture pixels
    assert np.allclose(found["box"], expected.boxes[0], atol=0.5)
    assert np.allclose(found["scores"], expected.score[0], atol=0.04)
    assert found["confidence"] == pytest.approx(expected.confidence[0], abs=1e-3)


def test_a_camera_is_tracked_and_its_landmarks_saved(address: str, camera: Path) -> None:
    flags = (*fake_camera(camera), "--use-fake-ui-for-media-stream")
    with opened(address, *flags, permissions=["camera"]) as page:
        page.wait_for(READY)
        page.playwright.click("[data-do=camera]")
        page.wait_for(FOUND)
        page.playwright.evaluate(
            "() => new Promise((done) => { let left = 20;"
            "addEventListener('landmarks', () => { left -= 1; if (!left) done() }) })"
        )
        assert "frames/s" in page.playwright.inner_text("#speed")
        page.playwright.press("body", "Space")
        assert page.playwright.inner_text("#pause") == "Play"
        lines = saved_lines(page)
        page.playwright.click("[data-do=close]")
        page.wait_for("!document.getElementById('start').hidden")
    with_face = [line for line in lines if line["objects"]]
    assert len(with_face) >= 20
    assert {line["objects"][0]["id"] for line in with_face} == {1}
    times = [line["time_s"] for line in lines]
    assert times == sorted(set(times))


def test_another_camera_is_chosen(address: str) -> None:
    flags = ("--use-fake-device-for-media-stream=device-count=2", "--use-fake-ui-for-media-stream")
    with opened(address, *flags, permissions=["camera"]) as page:
        page.wait_for(READY)
        page.playwright.click("[data-do=camera]")
        page.playwright.wait_for_selector("#turn", state="visible")
        which = "document.getElementById('turn') && globalThis.used.at(-1)"
        page.value(
            "globalThis.used = []; const get = navigator.mediaDevices.getUserMedia"
            ".bind(navigator.mediaDevices); navigator.mediaDevices.getUserMedia = async (asked) =>"
            "{ used.push(JSON.stringify(asked.video.deviceId)); await new Promise((done) =>"
            "setTimeout(done, 300)); return get(asked) }; 0"
        )
        page.playwright.click("#turn")
        first = page.wait_for(which)
        page.playwright.click("#turn")  # waits until the button can be seen again
        page.wait_for(f"globalThis.used.length === 2 && {which} !== {json.dumps(first)}")


SLOW_CAMERA = """
  const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
  navigator.mediaDevices.getUserMedia = async (asked) => {
    const stream = await get(asked)
    await new Promise((done) => { globalThis.give = done })
    globalThis.given = stream
    return stream
  }
"""


def test_a_camera_that_opens_after_another_choice_is_closed_again(
    address: str, tmp_path: Path
) -> None:
    write_clip(tmp_path / "clip.mp4")
    flags = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with opened(address, *flags, script=SLOW_CAMERA, permissions=["camera"]) as page:
        page.wait_for(READY)
        page.playwright.click("[data-do=camera]")
        page.wait_for("globalThis.give")
        page.playwright.set_input_files("#file", tmp_path / "clip.mp4")
        page.playwright.wait_for_selector("#seek", state="visible")
        page.value("globalThis.give(), 0")
        page.wait_for("globalThis.given.getTracks().every((track) => track.readyState === 'ended')")
        assert page.playwright.is_visible("#seek")


def test_a_video_file_is_tracked_paused_and_sought(address: str, tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4")
    with opened(address) as page:
        page.wait_for(READY)
        page.playwright.set_input_files("#file", tmp_path / "clip.mp4")
        page.wait_for(FOUND)
        assert page.playwright.is_visible("#seek")
        page.playwright.click("#pause")
        assert page.playwright.inner_text("#pause") == "Play"
        page.playwright.fill("#seek", "0.99")
        page.playwright.click("#pause")
        page.wait_for("document.getElementById('pause').textContent === 'Play again'")
        lines = saved_lines(page)
        page.playwright.click("#pause")
        page.wait_for("document.getElementById('pause').textContent === 'Pause'")
    assert lines[0]["source"] == "clip.mp4"
    assert lines[-1]["time_s"] > 5.9
    found = [line for line in lines if line["objects"]]
    index = round(found[0]["time_s"] * FPS)
    expected = lmk.Landmarker("faces-small")(list(frames())[index])
    (face,) = found[0]["objects"]
    apart_px = np.linalg.norm(np.array(face["landmarks"]) - expected.xy[0], axis=1)
    assert apart_px.mean() < 0.02 * expected.boxes[0, 2]  # searched from another box


def test_the_picture_is_drawn_with_its_landmarks(address: str, tmp_path: Path) -> None:
    with opened(address) as page:
        page.wait_for(READY)
        page.playwright.set_input_files("#file", PHOTOGRAPH)
        page.wait_for(FOUND)
        page.playwright.click("[data-do=save]")
        with page.playwright.expect_download() as download:
            page.playwright.click("[data-do=save-picture]")
        download.value.save_as(tmp_path / "drawn.png")
    drawn = cv2.imread(str(tmp_path / "drawn.png"))
    found = lmk.Landmarker("faces-small")(photograph())
    assert drawn.shape == photograph().shape
    x, y = np.round(found.xy[0, 0]).astype(int)
    blue, green, red = drawn[y, x].astype(int)
    assert red > 200 > 120 > max(green, blue)  # landmark 0 is red
    changed = np.abs(drawn.astype(int) - photograph().astype(int)).max(2) > 40
    assert 0.0005 < changed.mean() < 0.02


@pytest.mark.parametrize(
    ("script", "flags", "words"),
    [
        ("", ("--deny-permission-prompts",), "was not allowed"),
        (
            "navigator.mediaDevices.getUserMedia = () => "
            "Promise.reject(new DOMException('', 'NotFoundError'))",
            (),
            "no camera",
        ),
        (
            "navigator.mediaDevices.getUserMedia = () => "
            "Promise.reject(new DOMException('', 'NotReadableError'))",
            (),
            "in use by another program",
        ),
        ("Object.defineProperty(navigator, 'mediaDevices', {value: undefined})", (), "no camera"),
    ],
)
def test_a_camera_that_does_not_start_is_a_sentence(
    address: str, script: str, flags: tuple[str, ...], words: str
) -> None:
    with opened(address, *flags, "--use-fake-device-for-media-stream", script=script) as page:
        page.wait_for(READY)
        page.playwright.click("[data-do=camera]")
        assert words in page.wait_for(MESSAGE)
        assert page.playwright.is_visible("[data-do=open]")


def test_a_browser_without_webassembly_is_told(address: str) -> None:
    with opened(address, script="delete globalThis.WebAssembly") as page:
        assert "no WebAssembly" in page.wait_for(MESSAGE)


def test_an_old_browser_shows_what_it_lacks(address: str) -> None:
    with browser(java_script_enabled=False) as page:
        page.playwright.goto(address)
        assert page.playwright.is_visible("#old")
        assert page.playwright.is_hidden("#ways")


def test_a_changed_runtime_is_refused(site: Path, tmp_path: Path) -> None:
    shutil.copytree(site, tmp_path / "site")
    script = tmp_path / "site" / "onnxruntime-web" / "ort.wasm.bundle.min.module.js"
    script.write_text(script.read_text() + "\nglobalThis.changed = true\n")
    with plain_server(tmp_path) as root, opened(f"{root}site/") as page:
        assert "not the expected file" in page.wait_for(MESSAGE)
        assert page.value("globalThis.changed") is None


def test_a_damaged_model_is_told(site: Path, tmp_path: Path) -> None:
    shutil.copytree(site, tmp_path / "site")
    model = tmp_path / "site" / "faces-small.onnx"
    model.write_bytes(model.read_bytes()[:5000])
    with plain_server(tmp_path) as root, opened(f"{root}site/") as page:
        assert "export it again" in page.wait_for(MESSAGE)


def test_a_model_that_is_not_there_stays_told(site: Path, tmp_path: Path) -> None:
    shutil.copytree(site, tmp_path / "site")
    (tmp_path / "site" / "faces-small.onnx").unlink()
    with plain_server(tmp_path) as root, opened(f"{root}site/") as page:
        assert "answers 404" in page.wait_for(MESSAGE)
        page.playwright.click("[data-do=example]")
        page.wait_for("!document.getElementById('bar').hidden")
        assert page.playwright.inner_text("#status") == "The model is not loaded"
        assert "answers 404" in page.wait_for(MESSAGE)


def test_without_a_gpu_the_processor_goes_on(address: str) -> None:
    with opened(address) as page:
        page.wait_for(READY)
        page.playwright.click("[data-do=example]")
        page.wait_for(FOUND)
        page.playwright.click("[data-do=options]")
        page.playwright.select_option("[name=backend]", "webgpu")
        assert "no GPU" in page.wait_for(MESSAGE)
        page.wait_for(FOUND)
        assert page.playwright.input_value("[name=backend]") == "auto"
        page.playwright.click("#message")
        assert page.playwright.is_hidden("#message")


def short_clip(path: Path, count: int) -> Path:
    """The first frames of the demo's clip."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"VP80"), FPS, (640, 480))
    for frame in list(frames())[:count]:
        writer.write(cv2.resize(frame, (640, 480)))
    writer.release()
    return path


def test_the_frame_of_a_video_that_stands_is_searched_to_the_end(
    address: str, tmp_path: Path
) -> None:
    clip = short_clip(tmp_path / "three.webm", 3)
    with opened(address) as page:
        page.wait_for(READY)
        page.playwright.set_input_files("#file", clip)
        page.wait_for(FOUND)
        lines = saved_lines(page)
    assert 1 <= len(lines) <= 3
    assert lines[-1]["objects"]


def test_a_sound_without_a_picture_is_no_video(address: str, tmp_path: Path) -> None:
    sound = tmp_path / "sound.webm"
    tone = ["-f", "lavfi", "-i", "sine=duration=1", "-c:a", "libopus", str(sound)]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *tone], check=True)
    with opened(address) as page:
        page.wait_for(READY)
        page.playwright.set_input_files("#file", sound)
        assert "cannot show sound.webm" in page.wait_for(MESSAGE)


def test_a_dropped_file_is_opened(address: str, tmp_path: Path) -> None:
    encoded = base64.b64encode(PHOTOGRAPH.read_bytes()).decode()
    with opened(address) as page:
        page.wait_for(READY)
        page.playwright.evaluate(
            "(encoded) => { const bytes = Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0));"
            "const dataTransfer = new DataTransfer();"
            "dataTransfer.items.add(new File([bytes], 'face.jpg', {type: 'image/jpeg'}));"
            "document.body.dispatchEvent(new DragEvent('drop',"
            "{bubbles: true, cancelable: true, dataTransfer})) }",
            encoded,
        )
        page.wait_for(FOUND)


def test_a_file_that_is_no_picture_is_told(address: str, tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("no picture")
    (tmp_path / "notes.mp4").write_text("no video")
    with opened(address) as page:
        page.wait_for(READY)
        for name in ("notes.png", "notes.mp4"):
            page.playwright.set_input_files("#file", tmp_path / name)
            page.wait_for(f"({MESSAGE} || '').includes('{name}')")
        page.playwright.set_input_files("#file", PHOTOGRAPH)
        page.wait_for(FOUND)
        assert page.playwright.is_hidden("#message")


def test_choices_are_kept_and_nothing_else(address: str) -> None:
    with opened(address) as page:
        page.wait_for(READY)
        page.playwright.set_input_files("#file", PHOTOGRAPH)
        page.wait_for(FOUND)
        page.playwright.press("body", "o")
        page.playwright.check("[name=boxes]")
        page.playwright.select_option("[name=backend]", "wasm")
        page.wait_for(FOUND)
        page.open(address)
        page.wait_for(READY)
        assert page.value("document.querySelector('[name=boxes]').checked")
        assert page.value("Object.keys(localStorage)") == ["lmk"]
        assert page.value("document.cookie") == ""
        page.value('localStorage.setItem(\'lmk\', \'{"boxes": 3, "backend": "x", "y": 1}\')')
        page.open(address)
        page.wait_for(READY)
        assert page.value("document.querySelector('[name=backend]').value") == "auto"


def test_everything_is_reached_by_the_keyboard(address: str) -> None:
    with opened(address) as page:
        page.wait_for(READY)
        page.key("Tab")
        assert page.value("document.activeElement.dataset.do") == "camera"
        page.key("Tab")
        page.key("Tab")
        page.key("Enter")
        page.wait_for(FOUND)
        assert page.value("document.activeElement.id") == "pause"
        page.key("s")
        assert page.playwright.is_visible("#save-picture, [data-do=save-picture]")
        page.key("o")
        assert page.playwright.is_visible("[name=boxes]")
        assert page.playwright.is_hidden("[data-do=save-picture]")
        page.playwright.focus("[name=backend]")
        page.key("s")  # chooses in the list
        assert page.playwright.is_visible("[name=boxes]")
        page.key("Escape")
        assert page.playwright.is_hidden("[name=boxes]")
        page.key("Escape")
        page.wait_for("!document.getElementById('start').hidden")
        unnamed = page.value(
            "[...document.querySelectorAll('button, input, select')].filter((each) =>"
            "!each.textContent.trim() && !each.labels?.length && !each.ariaLabel"
            "&& !each.hidden).length"
        )
        assert unnamed == 0


@pytest.mark.parametrize(("width", "height"), [(320, 568), (390, 844), (844, 390), (1600, 1000)])
def test_nothing_is_cut_off(address: str, width: int, height: int) -> None:
    with opened(address, reduced_motion="reduce") as page:
        page.size(width, height)
        page.wait_for(READY)
        for action in ("example", "options"):
            outside = page.value(
                "[...document.querySelectorAll('header *, #start button, .buttons button')]"
                ".filter((each) => each.offsetParent).filter((each) => {"
                "const r = each.getBoundingClientRect();"
                "return r.left < 0 || r.right > innerWidth || r.top < 0 || r.bottom > innerHeight"
                "}).map((each) => each.id || each.textContent)"
            )
            assert not outside
            page.playwright.click(f"[data-do={action}]")
            page.wait_for(FOUND)


def test_threads_where_the_page_is_isolated(site: Path) -> None:
    script = "Object.defineProperty(navigator, 'hardwareConcurrency', {value: 4})"
    with (
        serving(site_app(site), "127.0.0.1", 0, Reporter()) as url,
        opened(url, script=script) as page,
    ):
        page.wait_for(READY)
        assert page.value("crossOriginIsolated")
        page.playwright.click("[data-do=example]")
        page.wait_for("document.getElementById('speed').textContent.includes('2 threads')")
        page.wait_for(FOUND)


def test_the_runtime_of_the_cdn_is_checked(tmp_path: Path) -> None:
    lmk.export("faces-tiny", tmp_path, "web", reference=None)
    asked = []

    def answer(route: Any) -> None:
        asked.append(route.request.url)
        name = route.request.url.rpartition("/")[2]
        headers = {"access-control-allow-origin": "*"}
        if name.endswith("mjs"):
            headers["content-type"] = "text/javascript"
        route.fulfill(body=(RUNTIME / "dist" / name).read_bytes(), headers=headers)

    with plain_server(tmp_path) as root, opened(root) as page:
        page.playwright.route(f"{pinned().base}**", answer)
        page.open(root)
        page.wait_for(READY)
        page.playwright.click("[data-do=example]")
        page.wait_for(FOUND)
    wasm = pinned().wasm
    assert {f"{pinned().base}{file.name}" for file in (wasm.module, wasm.binary)} <= set(asked)


def test_named_points_are_those_of_python_and_drawn_with_their_skeleton(tmp_path: Path) -> None:
    folder = named_folder(find_model("faces-small"), tmp_path / "named")
    lmk.export(folder, tmp_path / "site", "web", runtime_files=RUNTIME, reference=None)
    expected = lmk.Landmarker(folder)(photograph())
    with plain_server(tmp_path / "site") as root, opened(root) as page:
        page.wait_for(READY)
        assert page.playwright.inner_text("#what") == "Finds 3 points"
        page.playwright.set_input_files("#file", PHOTOGRAPH)
        page.wait_for(FOUND)
        page.playwright.click("[data-do=options]")
        page.playwright.check("[name=labels]")
        page.playwright.check("[name=landmarks]")
        page.screenshot(tmp_path / "named.png")
        (line,) = saved_lines(page)
    (found,) = line["objects"]
    assert tuple(found["points"]) == NAMES
    apart_px = np.linalg.norm(np.array(list(found["points"].values())) - expected.points[0], axis=1)
    assert apart_px.max() < 0.25 * expected.boxes[0, 2] / 128


def test_an_int8_model_runs_in_the_page(tmp_path: Path) -> None:
    images = draw(32, seed=3)[0]
    (tmp_path / "foxes").mkdir()
    for index, image in enumerate(images):
        cv2.imwrite(str(tmp_path / "foxes" / f"{index}.png"), image)
    exported = lmk.export(
        "faces-tiny",
        tmp_path / "site",
        "web",
        "int8",
        runtime_files=RUNTIME,
        calibration_data=tmp_path / "foxes",
        reference="onnx",
    )
    assert exported.parity
    assert "onnxruntime-web" in exported.parity.runtime
    assert exported.parity.p99_px > 0


GPU = (
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    "--enable-features=Vulkan",
    "--enable-unsafe-swiftshader",
)
ON_GPU = """async (folder) => {
  if (!await navigator.gpu?.requestAdapter()) return null
  const { Landmarker } = await import(`${folder}lmk.js`)
  const image = new Image()
  image.src = `${folder}example.jpg`
  await image.decode()
  const found = {}
  for (const backend of ["wasm", "webgpu"]) {
    const landmarker = await Landmarker.load(`${folder}faces-small.onnx`, { backend })
    const [object] = await landmarker.detect(image, { boxes: [[60, 20, 120, 120]] })
    found[backend] = { ...landmarker.backend, landmarks: object.landmarks }
  }
  return found
}"""


def test_the_gpu_gives_the_same_landmarks(address: str) -> None:
    on_wasm = "localStorage.setItem('lmk', '{\"backend\": \"wasm\"}')"
    with opened(address, *GPU, script=on_wasm) as page:
        found = page.playwright.evaluate(ON_GPU, address)
    if found is None:
        pytest.skip("this Chromium has no WebGPU in software")
    assert (found["wasm"]["name"], found["webgpu"]["name"]) == ("wasm", "webgpu")
    apart_px = np.abs(np.subtract(found["wasm"]["landmarks"], found["webgpu"]["landmarks"]))
    assert apart_px.max() < 0.05


LIBRARY = """async ([folder, box]) => {
  const { Landmarker, LmkError } = await import(`${folder}lmk.js`)
  const landmarker = await Landmarker.load(`${folder}faces-small.onnx`, { backend: "wasm" })
  const image = new Image()
  image.src = `${folder}example.jpg`
  await image.decode()
  const [whole] = await landmarker.detect(image)
  const [same] = await landmarker.detect(image, { boxes: [whole.box] })
  const none = await landmarker.detect(image, { boxes: [] })
  const messages = []
  const said = (error) => `${error instanceof LmkError} ${error.message}`
  const failing = [
    () => landmarker.detect(image, { boxes: [[0, 0, -1, 5]] }),
    () => landmarker.detect(new Image()),
    () => landmarker.detect(image, { finding: { minSize: 2 } }),
    () => Landmarker.load(`${folder}index.html`),
    () => Landmarker.load(`${folder}missing.onnx`),
    () => Landmarker.load(`${folder}faces-small.onnx`, { backend: "webgpu" }),
    () => landmarker.infer(new Uint8Array(7)),
    () => landmarker.track().track(image, NaN),
    () => Landmarker.load(`${folder}faces-small.onnx`, { threads: 0 }),
    () => landmarker.detect(new ImageData(8192, 4097)),
  ]
  for (const call of failing) {
    messages.push(await call().catch(said))
  }
  const pending = landmarker.detect(image, null)
  await Promise.all([landmarker.release(), landmarker.release()])
  const last = await pending
  messages.push(await landmarker.detect(image).catch(said))
  return { whole, same, none, last, messages, name: landmarker.name }
}"""


def test_the_library_is_used_by_other_pages(address: str) -> None:
    with opened(address) as page:
        page.wait_for(READY)
        found = page.playwright.evaluate(LIBRARY, [address, None])
    assert found["name"] == "faces-small"
    assert len(found["whole"]["landmarks"]) == 10
    assert np.allclose(found["same"]["box"], found["whole"]["box"])
    assert found["none"] == []
    assert found["last"] == [found["whole"]]
    words = (
        "expected a box",
        "wait until it is loaded",
        "expected minSize",
        "no ONNX model",
        "answers 404",
        "no GPU",
        "49152 bytes each",
        "a time in seconds",
        "threads of 1 to 64",
        "million pixels",
        "was released",
    )
    for message, expected in zip(found["messages"], words, strict=True):
        assert message.startswith("true ")
        assert expected in message
