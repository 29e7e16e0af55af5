"""The models that travel with the package."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lmk.data.photograph import photograph
from lmk.inference.boxes import overlap
from lmk.inference.landmarker import Landmarker
from lmk.model.folder import SHIPPED, find_model, list_models, students_of
from lmk.networks.state import arrays_of, state_of

ROOT = Path(__file__).parents[1]
MB = 1_000_000
ACCURACY = ("forward %", "backward %", "consistency px", "nearest neighbour px")


def test_core_adapters_and_students_are_shipped() -> None:
    assert [model.manifest.name for model in list_models()] == [
        "cats",
        "cats-small",
        "core-pose",
        "faces",
        "faces-small",
        "faces-tiny",
        "shoes",
        "shoes-small",
    ]


@pytest.mark.parametrize(
    ("teacher", "students"),
    [
        ("faces", ["faces-small", "faces-tiny"]),
        ("cats", ["cats-small"]),
        ("shoes", ["shoes-small"]),
    ],
)
def test_students_have_the_landmarks_of_their_teacher(teacher: str, students: list[str]) -> None:
    """On a real face they are where the teacher finds them; cats and shoes have none here."""
    taught = students_of(find_model(teacher))
    assert [student.manifest.name for student in taught] == students
    for student in taught:
        assert student.manifest.num_landmarks == find_model(teacher).manifest.num_landmarks
        assert student.manifest.architecture.startswith("student-")
        found_by = {"faces": "landmarks", "cats": "landmarks", "shoes": None}
        assert student.manifest.framing.finder == found_by[teacher]
        assert student.manifest.framing.find_scores
        if teacher == "faces":
            box = [165.5, 62, 118, 118]
            found = [Landmarker(name)(photograph(), box).xy for name in (teacher, student.folder)]
            assert np.linalg.norm(found[0] - found[1], axis=-1).mean() < 0.05 * 44.5


def test_a_shipped_model_has_one_reference_however_it_is_named(monkeypatch) -> None:
    monkeypatch.chdir(SHIPPED.parent)
    named = ("faces", f"{SHIPPED.name}/faces", str(SHIPPED / "faces"))
    assert {find_model(name).reference for name in named} == {"faces"}


@pytest.mark.parametrize("model", list_models(), ids=lambda model: model.manifest.name)
def test_shipped_models_are_whole_small_and_described(model) -> None:
    network = model.architecture.make(model.manifest.num_landmarks)
    assert model.folded().keys() == arrays_of(state_of(network)).keys()
    weights = model.folder / model.manifest.weights_file
    if model.manifest.kind == "adapter":
        assert weights.stat().st_size <= 1.7 * MB
    if model.manifest.architecture.startswith("student-"):
        assert weights.stat().st_size <= 1.5 * MB
    card = (model.folder / "card.md").read_text()
    assert "research use" in card
    assert " /" not in model.manifest.training["command"], "a path of one machine"


def tables(text: str) -> list[list[dict[str, str]]]:
    """Rows of each table of a Markdown text, by the words of its first line."""
    found = []
    for lines in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        header, _, *rows = [
            [c.strip() for c in line[1:-1].split("|")] for line in lines.split("\n")[:-1]
        ]
        found.append([dict(zip(header, row, strict=True)) for row in rows])
    return found


@pytest.mark.parametrize("model", list_models(), ids=lambda model: model.manifest.name)
def test_figures_are_those_that_the_readme_prints(model) -> None:
    name, figures = model.manifest.name, model.manifest.figures
    shipped, measured = tables((SHIPPED / "README.md").read_text())[:2]
    (about,) = (row["figures"] for row in shipped if row["model"] == f"[{name}]({name}/card.md)")
    printed = dict(re.findall(r"(PCKh@0\.5) ([\d.]+) %", about))
    for row in measured:
        if row["model"] == f"**{name}**":
            printed |= {figure: row[figure] for figure in ACCURACY if row[figure] != "-"}
    expected = ["PCKh@0.5"] if name == "core-pose" else ACCURACY
    assert printed == {
        figure: f"{figures[figure]:.{len(printed[figure].partition('.')[2])}f}"
        for figure in expected
        if figure in figures
    }


def test_all_models_together_stay_small() -> None:
    files = [path for path in SHIPPED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 20 * MB


def test_faces_run_without_torch(tmp_path: Path) -> None:
    """Fold and run in a process in which torch cannot be imported, on a real face."""
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np\n"
        "from lmk.data.photograph import photograph\n"
        "from lmk import Landmarker\n"
        "image = photograph()\n"
        "boxes = [[165.5, 62, 118, 118], [175.5, 72, 118, 118]]\n"
        "found = Landmarker('faces')(image, boxes=boxes)\n"
        "np.save(sys.argv[1], np.concatenate([found.xy, found.score[..., None]], -1))\n"
    )
    output = tmp_path / "found.npy"
    done = subprocess.run(
        [sys.executable, "-c", code, str(output)],
        capture_output=True,
        text=True,
        env={**os.environ, "LMK_CACHE": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    xy, score = np.split(np.load(output), [2], axis=-1)
    assert xy.shape == (2, 10, 2)
    assert ((score > 0) & (score <= 1.001)).all()
    # The eyes are 44.5 px apart. All points lie on the head, apart from one another, and stay on
    # the face when the box moves by 10 px.
    assert ((xy > [140, 40]) & (xy < [310, 210])).all()
    assert np.linalg.norm(xy[0].std(axis=0)) > 0.3 * 44.5
    assert np.linalg.norm(xy[0] - xy[1], axis=-1).mean() < 0.1 * 44.5


def test_the_wheel_carries_models_and_types(tmp_path: Path) -> None:
    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    names = set(zipfile.ZipFile(wheel).namelist())
    for model in list_models():
        folder = f"lmk/model/shipped/{model.manifest.name}"
        assert f"{folder}/manifest.json" in names
        assert f"{folder}/{model.manifest.weights_file}" in names
    assert {"lmk/py.typed", "lmk/report/page.html"} <= names
    assert not any(name.startswith("tests") for name in names)


@pytest.mark.parametrize("model", ["faces", "faces-small", "faces-tiny"])
def test_a_real_face_is_found_by_its_landmarks_alone(model: str) -> None:
    boxes = Landmarker(model, region="landmarks")(photograph()).boxes
    assert len(boxes) == 1
    assert overlap(np.float32([165.5, 62, 118, 118]), boxes)[0] > 0.6
