"""Exports of the format web, without a browser."""

from __future__ import annotations

import html
import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from onnx import load, numpy_helper

import lmk
from lmk.artifact.onnx_model import build_onnx
from lmk.artifact.provenance import check_unchanged
from lmk.browser.runtime_files import declare, find_runtime, pinned
from lmk.data.photograph import PHOTOGRAPH, photograph
from lmk.exporting.short_weights import with_short_weights
from lmk.exporting.verify import in_onnxruntime
from lmk.model.folder import find_model
from lmk.system.errors import DataError, OutputError, UnavailableError, UsageError


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    exported = lmk.export("faces-tiny", folder, "web", reference="onnx")
    assert exported.path == folder / "faces-tiny.onnx"
    assert exported.parity
    assert "needs --runtime-files" in exported.parity.runtime
    assert 0 < exported.parity.max_px < 0.05  # of the file with its short weights
    return folder


def test_the_site_refers_to_the_pinned_runtime_by_its_hashes(site: Path) -> None:
    page = html.unescape((site / "index.html").read_text())
    policy = re.search(r'Security-Policy" content="([^"]*)"', page)
    assert policy
    assert pinned().base in policy[1]
    assert "unsafe-inline" not in policy[1]
    assert "'unsafe-eval'" not in policy[1]
    assert "{{" not in page
    declared = json.loads((site / "lmk" / "onnxruntime-web.json").read_text())
    assert f"@{declared['version']}/" in declared["base"]
    assert all(declared[kind]["binary"]["integrity"] for kind in ("wasm", "webgpu"))
    assert not (site / "onnxruntime-web").exists()
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < 2e6


def test_the_model_in_a_site_is_an_exported_file(site: Path) -> None:
    known = check_unchanged(site / "faces-tiny.onnx")
    assert (known.format, known.precision) == ("web", "fp32")
    assert known.command == "lmk export faces-tiny -o DIR -f web --precision fp32 --reference onnx"
    found = lmk.Landmarker(site / "faces-tiny.onnx", "onnxruntime")(photograph())
    expected = lmk.Landmarker("faces-tiny", "onnxruntime")(photograph())
    assert np.abs(found.xy - expected.xy).max() < 0.05


def test_a_site_is_written_again_over_an_older_one(site: Path) -> None:
    (site / "CNAME").write_text("landmarks.example")
    (site / "lmk" / "tracker.js").write_text("older")
    lmk.export("faces-tiny", site, "web", reference=None)
    assert (site / "CNAME").read_text() == "landmarks.example"
    assert "class Tracker" in (site / "lmk" / "tracker.js").read_text()


def test_what_an_earlier_export_left_is_removed(site: Path, tmp_path: Path) -> None:
    assert (site / "example.jpg").exists()
    for name in ("alone", "with-others"):
        folder, copied = tmp_path / name, tmp_path / name / "onnxruntime-web"
        shutil.copytree(site, folder)
        copied.mkdir()
        (copied / pinned().wasm.module.copied_name).write_text("older")
        if name == "with-others":
            (copied / "mine.txt").write_text("kept")
        lmk.export("cats-small", folder, "web", reference=None)
        assert not (folder / "example.jpg").exists()  # no cat is surely found in the face
        left = [path.name for path in copied.iterdir()] if copied.exists() else []
        assert left == (["mine.txt"] if name == "with-others" else [])


def test_a_page_of_others_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(OutputError, match="is another page, which would be replaced"):
        lmk.export("faces-tiny", tmp_path, "web", reference=None)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def test_copies_have_names_that_servers_serve_as_scripts() -> None:
    declared = json.loads(declare(copied=True))
    names = [declared[kind]["module"]["name"] for kind in ("wasm", "webgpu")]
    assert names == ["ort.wasm.bundle.min.module.js", "ort.webgpu.bundle.min.module.js"]
    assert json.loads(declare(copied=False))["wasm"]["module"]["name"].endswith(".mjs")


def test_short_weights_are_scaled_per_channel_and_half_as_large() -> None:
    proto = build_onnx(find_model("cats-small"))
    short = with_short_weights(proto)
    assert short.ByteSize() < 0.55 * proto.ByteSize()
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in short.graph.initializer}
    kernels = [name for name in arrays if f"{name}.high" in stored]
    assert len(kernels) == 19
    for name in kernels:
        high, low = (stored[f"{name}.{part}"].astype(int) for part in ("high", "low"))
        again = (256 * high + low - 32767) * stored[f"{name}.scale"]
        channels = tuple(range(1, again.ndim))
        largest = np.abs(arrays[name]).max(channels, keepdims=True)
        assert (np.abs(again - arrays[name]) <= 0.51 * largest / 32767).all()
    crops = np.random.default_rng(0).integers(0, 256, (2, 128, 128, 3), np.uint8)
    one, other = (in_onnxruntime(each).infer(crops).places for each in (proto, short))
    assert 0 < np.abs(one - other).max() < 0.1


def test_the_example_is_cut_to_what_is_found(site: Path, tmp_path: Path) -> None:
    example = cv2.imread(str(site / "example.jpg"))
    height, width = example.shape[:2]
    assert width / height == pytest.approx(4 / 3, abs=0.05)
    assert width < 512
    assert len(lmk.Landmarker("faces-small")(example).xy) == 1
    lmk.export("faces-tiny", tmp_path, "web", picture=PHOTOGRAPH, reference=None)
    assert (tmp_path / "example.jpg").read_bytes() == (site / "example.jpg").read_bytes()


def test_a_face_is_no_example_for_a_model_of_cats(tmp_path: Path) -> None:
    lmk.export("cats-small", tmp_path, "web", reference=None)
    assert not (tmp_path / "example.jpg").exists()
    assert 'data-example=""' in (tmp_path / "index.html").read_text()


def test_a_picture_without_an_object_is_refused(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((200, 300, 3), 128, np.uint8))
    with pytest.raises(DataError, match="nothing is found"):
        lmk.export(
            "faces-tiny", tmp_path / "site", "web", picture=tmp_path / "grey.png", reference=None
        )
    assert not (tmp_path / "site").exists()


def test_options_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    for words, options in (
        ("no such file", {"picture": tmp_path / "none.jpg"}),
        ("omit --batch", {"batch": 2}),
        ("not for web", {"heatmaps": True}),
        ("written in fp32, int8", {"precision": "fp16"}),
    ):
        with pytest.raises(UsageError, match=words):
            lmk.export("faces-tiny", tmp_path / "site", "web", reference=None, **options)
    with pytest.raises(UsageError, match="--picture is for web files"):
        lmk.export("faces-tiny", tmp_path / "site", picture=PHOTOGRAPH, reference=None)
    assert not (tmp_path / "site").exists()


def test_another_runtime_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for text in ("npm", str(tmp_path)):
        with pytest.raises(UnavailableError, match="npm install onnxruntime-web@"):
            find_runtime(text)
    package = tmp_path / "node_modules" / "onnxruntime-web" / "dist"
    package.mkdir(parents=True)
    for file in pinned():
        (package / file.name).write_text("another version")
    for text in ("npm", str(tmp_path), str(package)):
        with pytest.raises(UsageError, match=f"is not that of onnxruntime-web {pinned().version}"):
            find_runtime(text)


def test_a_name_in_the_page_is_no_markup(tmp_path: Path) -> None:
    from lmk.browser.write_site import SiteOptions, write_site

    lmk.export("faces-tiny", tmp_path, "onnx", reference=None)
    write_site(tmp_path / "faces-tiny.onnx", '"><script src=x>', SiteOptions())
    assert "<script src=x>" not in (tmp_path / "index.html").read_text()
    assert load(tmp_path / "faces-tiny.onnx")
