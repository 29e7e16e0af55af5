from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

import lmk
from lmk.cli import app
from lmk.data.drawn import write_foxes
from lmk.data.photograph import FACE_SIDE, FACE_XY, photograph
from lmk.geometry import apply_affine, invert_affine
from lmk.inference.crops import cut_crops
from lmk.model.folder import find_model
from lmk.system.errors import DataError, OutputError, UsageError
from lmk.system.progress import Reporter

COUNT = 14
NAMES = ["left_eye", "right_eye", "nose"]
PLACES = np.array([[206.0, 112], [240, 110], [224, 128]])  # about there in the photograph


@pytest.fixture(scope="module")
def annotated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face in several poses, whose points are known because they are of one photograph.

    The pictures are 200 x 128, of which the crop is the middle. One point is missing in one.
    """
    folder, random = tmp_path_factory.mktemp("few"), np.random.default_rng(0)
    side = FACE_SIDE * random.uniform(0.9, 1.2, COUNT)
    corner = np.array(FACE_XY) + random.normal(0, 4, (COUNT, 2)) - side[:, None] / 2
    boxes = np.c_[corner, side, side, random.normal(0, 8, COUNT)]
    crops, to_image = cut_crops(photograph(), boxes, 128)
    images, annotations = [], []
    for number, (crop, matrix) in enumerate(zip(crops, to_image, strict=True)):
        wide = cv2.copyMakeBorder(crop[..., ::-1], 0, 0, 36, 36, cv2.BORDER_REPLICATE)
        cv2.imwrite(str(folder / f"{number}.png"), wide)
        xy = apply_affine(invert_affine(matrix), PLACES) + np.array([36, 0])
        triples = [[float(x), float(y), 2] for x, y in xy]
        if number == 3:
            triples[1] = [0, 0, 0]
        keypoints = [value for triple in triples for value in triple]
        images.append({"id": number, "file_name": f"{number}.png", "width": 200, "height": 128})
        ids = {"id": number, "image_id": number, "category_id": 1}
        annotations.append({**ids, "keypoints": keypoints})
    category = {"id": 1, "name": "face", "keypoints": NAMES}
    content = {"images": images, "annotations": annotations, "categories": [category]}
    (folder / "few.json").write_text(json.dumps(content))
    return folder / "few.json"


def edited(annotated: Path, name: str, change) -> Path:
    content = json.loads(annotated.read_text())
    change(content)
    (annotated.parent / name).write_text(json.dumps(content))
    return annotated.parent / name


def test_a_named_model_finds_the_points_of_the_pictures(annotated: Path, tmp_path: Path) -> None:
    skeleton = "left_eye-nose,right_eye-nose"
    named = lmk.name("faces-small", annotated, tmp_path / "my faces", skeleton=skeleton)
    assert named.model.manifest.name == "my-faces"
    assert named.model.points.names == tuple(NAMES)
    assert named.model.points.skeleton == ((0, 2), (1, 2))
    np.testing.assert_array_equal(np.argwhere(np.isnan(named.errors_px)), [[3, 1]])
    assert np.nanmean(named.errors_px) < 3
    content = json.loads(annotated.read_text())
    landmarker = lmk.Landmarker(named.model.folder, region="center")
    for image, annotation in zip(content["images"], content["annotations"], strict=True):
        found = landmarker(cv2.imread(str(annotated.parent / image["file_name"])))
        x, y, seen = np.array(annotation["keypoints"]).reshape(3, 3).T
        away = np.hypot(*(found.points[0] - np.stack([x, y], 1)).T)[seen > 0]
        assert away.mean() < 2
    facts = json.loads((named.model.folder / "manifest.json").read_text())["training"]["points"]
    assert facts["pictures"] == COUNT


def test_some_points_of_the_file_in_another_order(annotated: Path, tmp_path: Path) -> None:
    every = lmk.name("faces-small", annotated, tmp_path / "every")
    some = lmk.name("faces-small", annotated, tmp_path / "some", names=["nose", "left_eye"])
    assert some.model.points.names == ("nose", "left_eye")
    np.testing.assert_allclose(some.errors_px, every.errors_px[:, [2, 0]], atol=1.5)


def test_a_named_model_is_named_again_in_its_place_but_no_other_folder_is(
    annotated: Path, tmp_path: Path
) -> None:
    lmk.name("faces-small", annotated, tmp_path / "named", names=["nose"])
    again = lmk.name(tmp_path / "named", annotated, tmp_path / "named", names=["left_eye"])
    assert find_model(str(tmp_path / "named")).points.names == ("left_eye",)
    assert again.model.arrays().keys() == find_model("faces-small").arrays().keys()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("of something else")
    with pytest.raises(OutputError, match="already exists, and is not a model with named points"):
        lmk.name("faces-small", annotated, tmp_path / "mine")
    with pytest.raises(OutputError, match="already exists"):
        lmk.name("faces-small", annotated, find_model("faces").folder)


def only_one(content: dict) -> None:
    del content["annotations"][1:]


def test_one_picture_works_and_has_no_expected_error(annotated: Path, tmp_path: Path) -> None:
    one = edited(
        annotated, "one.json", lambda content: content["annotations"].__delitem__(slice(1, None))
    )
    run = CliRunner().invoke(
        app, ["name", "faces-small", "--data", str(one), "-o", str(tmp_path / "a")]
    )
    assert run.exit_code == 0, run.output
    assert find_model(str(tmp_path / "a")).manifest.training["points"]["expected_px"] is None
    assert "nan" not in run.output


def test_what_is_printed(annotated: Path, tmp_path: Path) -> None:
    """With two points swapped in one picture, which is then told."""

    def swap(content: dict) -> None:
        keypoints = content["annotations"][5]["keypoints"]
        keypoints[:6] = keypoints[3:6] + keypoints[:3]

    swapped = edited(annotated, "swapped.json", swap)
    options = ["name", "faces-small", "--data", str(swapped), "-o", str(tmp_path / "a")]
    said = CliRunner().invoke(app, options).output
    assert "Error to expect on other pictures" in said
    assert "all points" in said
    first = said.partition("swapped or misplaced?\n")[2].split()
    assert first[0] == "5.png:"
    assert {first[1], first[4]} == {"left_eye", "right_eye"}
    assert f"lmk run webcam --model {tmp_path / 'a'}" in said.replace("\n", " ")


def test_pictures_of_another_category_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foxes = write_foxes(tmp_path / "foxes", 8, 3, Reporter())
    lmk.name("faces-small", foxes, tmp_path / "a")
    assert "are these pictures of its category" in capsys.readouterr().err


def no_points(content: dict) -> None:
    content["annotations"] = []


def nose_is_nowhere(content: dict) -> None:
    for one in content["annotations"]:
        one["keypoints"][6:] = [0, 0, 0]


def outside(content: dict) -> None:
    content["annotations"][2]["keypoints"][:2] = [199, 5]


@pytest.mark.parametrize(
    ("change", "names", "error", "said"),
    [
        (no_points, [], DataError, "no picture with an annotated point"),
        (nose_is_nowhere, [], DataError, "no picture with the point nose"),
        (outside, [], DataError, "left_eye of 2.png lies outside the centred square"),
        (dict, ["nose", "ear"], UsageError, "has no points ear, only left_eye, right_eye, nose"),
        (dict, ["nose", "nose"], UsageError, "expected each name once"),
    ],
)
def test_bad_input_is_an_error_and_leaves_nothing(
    annotated: Path, tmp_path: Path, change, names: list[str], error: type[Exception], said: str
) -> None:
    data = edited(annotated, "bad.json", change)
    with pytest.raises(error, match=said):
        lmk.name("faces-small", data, tmp_path / "a", names=names)
    assert not (tmp_path / "a").exists()


def test_an_exported_file_has_no_weights_to_name(annotated: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is an exported file"):
        lmk.name("faces.onnx", annotated, tmp_path / "a")


def hide_the_nose(content: dict) -> None:
    for one in content["annotations"][2:]:
        one["keypoints"][6:] = [0, 0, 0]


def test_a_point_that_few_pictures_have_is_fitted_on_those(annotated: Path, tmp_path: Path) -> None:
    hidden = edited(annotated, "hidden.json", hide_the_nose)
    named = lmk.name("faces-small", hidden, tmp_path / "a")
    assert np.isfinite(named.errors_px[:, 2]).sum() == 2
