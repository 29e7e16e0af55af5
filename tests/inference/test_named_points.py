"""Named points through every runtime, from folders, adapter files, folded and signed files."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
from named_models import NAMES, named_folder

from lmk import Landmarker
from lmk.cli import main
from lmk.data.annotations import read_annotations
from lmk.data.photograph import photograph
from lmk.geometry import apply_affine, input_to_image_of
from lmk.inference.backends.onnxruntime import GpuSession, OnnxRuntimeBackend
from lmk.inference.backends.select import open_backend
from lmk.model.folder import Model, find_model
from lmk.system.progress import Reporter

Call = Callable[[str], tuple[int, str, str]]


@pytest.fixture
def lmk(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """Call the command line with one line; gives exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def call(line: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lmk", *shlex.split(line)])
        with pytest.raises(SystemExit) as end:
            main()
        return (end.value.code or 0, *capfd.readouterr())

    return call


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One for all tests: the files of an hourglass take a second to build."""
    monkeypatch.setenv("LMK_CACHE", str(tmp_path_factory.getbasetemp() / "named-cache"))


@pytest.fixture(scope="module")
def network(small_core: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return named_folder(small_core, tmp_path_factory.mktemp("network") / "feet")


@pytest.fixture(scope="module")
def adapter(adapter_model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return named_folder(adapter_model, tmp_path_factory.mktemp("adapter") / "mugs")


def pictures(side: int, count: int = 2) -> np.ndarray:
    cells = np.random.default_rng(6).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return cells.repeat(side // 8, 1).repeat(side // 8, 2)


@pytest.mark.parametrize("kind", ["network", "adapter"])
def test_every_runtime_finds_the_same_points(kind: str, request: pytest.FixtureRequest) -> None:
    folder = str(request.getfixturevalue(kind))
    torch = open_backend(folder, "torch")
    images = pictures(torch.input_size)
    expected = torch.infer(images)
    assert expected.points.shape == (2, 3, 2)
    point_map = find_model(folder).point_map()
    np.testing.assert_array_equal(expected.points, point_map(expected.landmarks))
    assert np.abs(expected.points[0] - expected.points[1]).max() > 0.5
    for runtime in ("onnxruntime", "openvino", "ncnn"):
        backend = open_backend(folder, runtime)
        assert backend.points.names == NAMES
        np.testing.assert_allclose(backend.infer(images).points, expected.points, atol=0.02)


def test_points_come_back_from_a_device(network: Path) -> None:
    """On the CPU, where the same steps work."""
    plain = OnnxRuntimeBackend(str(network), "cpu")
    session = onnxruntime.InferenceSession(str(plain._path), providers=["CPUExecutionProvider"])
    steps = GpuSession(onnxruntime, session, ("landmarks", "scores", "points"), "cpu")
    images = pictures(plain.input_size)
    steps.upload(images)
    steps.compute()
    for found, expected in zip(steps.download(), plain.infer(images), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_landmarker_gives_points_by_name_in_image_pixels(network: Path) -> None:
    landmarker = Landmarker(network, region="center")
    image = pictures(128, 1)[0]
    boxes = np.float32([[10, 5, 80, 80, 0], [30, 20, 70, 70, 40]])
    found = landmarker(image, boxes)
    assert landmarker.point_names == NAMES
    side = landmarker.backend.input_size
    to_image = input_to_image_of(boxes, side)
    point_map = find_model(str(network)).point_map()
    back = np.stack([cv2.invertAffineTransform(matrix) for matrix in to_image])
    xy_input = apply_affine(back.astype(np.float32), found.xy)
    expected = apply_affine(to_image, point_map(xy_input))
    left = found.points[:, landmarker.point_names.index("nose_tip")]
    np.testing.assert_allclose(left, expected[:, 2], atol=0.02)
    assert landmarker(image, np.empty((0, 4), np.float32)).points.shape == (0, 3, 2)


def test_a_named_adapter_is_packed_signed_verified_shown_and_run(
    lmk: Call, adapter: Path, core_model: Model, tmp_path: Path
) -> None:
    names = ", ".join(NAMES)
    assert lmk(f"adapter pack {adapter} -o mugs.adapter")[0] == 0
    lmk("adapter keygen me")
    assert lmk("adapter sign mugs.adapter --key me.key")[0] == 0
    code, told, err = lmk(f"adapter verify mugs.adapter --key me.pub --core {core_model.folder}")
    assert (code, err) == (0, "")
    assert f"points  {names}\n" in told
    assert "skeleton  left_pupil-nose_tip, right_pupil-nose_tip\n" in told
    assert f"points    {names}\n" in lmk("adapter show mugs.adapter")[1]
    content = bytearray(Path("mugs.adapter").read_bytes())
    place = content.index(b"points.mean")  # in the header, which says where its tensor is
    first = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:first])
    assert place < first
    content[first + header["points.mean"]["data_offsets"][0]] ^= 1
    Path("changed.adapter").write_bytes(content)
    code, _, err = lmk(f"adapter verify changed.adapter --core {core_model.folder}")
    assert (code, "does not match its manifest" in err) == (1, True)


def test_a_folded_and_signed_file_finds_the_points_of_its_folder(
    lmk: Call, adapter: Path, core_model: Model
) -> None:
    lmk(f"adapter pack {adapter} -o mugs.adapter")
    assert lmk(f"fold {core_model.folder} mugs.adapter -o out")[0] == 0
    lmk("adapter keygen me")
    assert lmk("adapter sign out/mugs.onnx --key me.key")[0] == 0
    assert lmk("adapter verify out/mugs.onnx --key me.pub")[0] == 0
    written = json.loads(Path("out/mugs.onnx.json").read_text())
    assert written["points"]["names"] == list(NAMES)
    images = pictures(128)
    found = Landmarker("out/mugs.onnx", require_signature="me.pub", region="center").backend
    expected = open_backend(str(adapter), "onnxruntime").infer(images).points
    np.testing.assert_allclose(found.infer(images).points, expected, atol=0.02)


def test_a_run_over_pictures_writes_what_reads_as_annotations(
    lmk: Call, network: Path, tmp_path: Path
) -> None:
    """Its names are said, and `models show` and `lmk run` say the same."""
    Path("photos").mkdir()
    for name, picture in zip("ab", pictures(128), strict=True):
        cv2.imwrite(f"photos/{name}.png", picture)
    code, _, err = lmk(
        f"run photos -m {network} --no-show --region box:8,8,100,100 -o photos/few.json -o out.csv "
        "-o drawn"
    )
    assert code == 0, err
    assert "feet: named points left_pupil, right_pupil, nose_tip" in err
    given = read_annotations(tmp_path / "photos" / "few.json", Reporter())
    assert [path.name for path in given.paths] == ["a.png", "b.png"]
    assert given.names == list(NAMES)
    landmarker = Landmarker(network)
    for path, xy in zip(given.paths, given.xy_image, strict=True):
        found = landmarker(cv2.imread(str(path)), np.float32([8, 8, 100, 100]))
        np.testing.assert_allclose(xy, found.points[0], atol=0.02)
    assert len(Path("out.csv").read_text().splitlines()) == 1 + 2 * 3
    told = lmk(f"models show {network}")[1]
    assert f"points  {', '.join(NAMES)}\nskeleton  left_pupil-nose_tip" in told


def test_objects_are_cropped_with_a_named_model(lmk: Call, tmp_path: Path) -> None:
    """The same crops as with the model that was named."""
    folder = named_folder(find_model("faces-tiny"), tmp_path / "named")
    cv2.imwrite("photo.png", photograph())
    for model, output in (("faces-tiny", "plain"), (folder, "crops")):
        code, told, _ = lmk(f"data crop photo.png -m {model} -o {output} --png")
        assert (code, "1 crops of 160 x 160 px" in told) == (0, True)
    assert Path("crops/crops.csv").read_text() == Path("plain/crops.csv").read_text()


def test_only_the_first_names_of_many_are_said(
    lmk: Call, small_core: Model, tmp_path: Path
) -> None:
    names = [f"p{k}" for k in range(11)]
    folder = named_folder(small_core, tmp_path / "feet", names, ())
    cv2.imwrite("a.png", pictures(128)[0])
    _, _, err = lmk(f"run a.png -m {folder} --no-show --region center")
    assert "feet: named points p0, p1, p2, p3, p4, p5, p6, p7 and 3 more" in err
