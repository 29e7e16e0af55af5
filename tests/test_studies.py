"""Every study of the paper, in miniature: the commands it gives are the real ones."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import cv2
import pytest

from lmk.cli import app
from lmk.data.synthetic import NAMES, draw
from lmk.system.errors import UsageError

TOOLS = Path(__file__).parents[1] / "tools"
sys.path.insert(0, str(TOOLS))

from paper_tables import paper_consistency, paper_errors  # noqa: E402
from study import Runner, read_study, words  # noqa: E402
from study_chart import write_chart  # noqa: E402
from study_tables import spread_of  # noqa: E402

STUDIES = [
    *sorted((TOOLS / "studies").glob("*.yaml")),
    *sorted((TOOLS.parent / "benchmarks").glob("*.yaml")),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Foxes under the names of the studies' data sets."""
    root = tmp_path_factory.mktemp("root")
    files = ["mtfl/train", "cnnfp/annotated", "aflw/test", "pose/train", "pose/val", "cats/train"]
    files += ["cats/test", "shoes/train", "shoes/test", "foxes/keypoints"]
    for index, file in enumerate(files):
        write_foxes(root / "data" / f"{file}.json", seed=index)
    return root


def write_foxes(file: Path, seed: int) -> None:
    crops, xy_crop = draw(6, seed=seed)
    (file.parent / "images").mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for index, (crop, xy) in enumerate(zip(crops, xy_crop, strict=True)):
        name = f"{file.stem}-{index}.png"
        cv2.imwrite(str(file.parent / "images" / name), crop[:, :, ::-1])
        flat = [value for x, y in xy.tolist() for value in (x, y, 2)]
        box = [*xy.min(axis=0).tolist(), *(xy.max(axis=0) - xy.min(axis=0)).tolist()]
        images.append({"id": index, "file_name": name})
        annotations.append({"id": index, "image_id": index, "keypoints": flat, "bbox": box})
    body = {"scarf": "neck", "nose": "head_top"} if "pose" in file.parts else {}
    categories = [{"id": 1, "name": "fox", "keypoints": [body.get(n, n) for n in NAMES]}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    file.write_text(json.dumps(content))


class InProcess:
    """Runs commands of lmk here, where torch is loaded already, and counts them."""

    def __init__(self) -> None:
        self.commands: list[str] = []

    def __call__(self, arguments: list[str]) -> None:
        self.commands.append(arguments[0])
        app(arguments, standalone_mode=False)


@pytest.fixture(autouse=True)
def no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """No search of pictures without objects, which no study looks at, after every training."""
    monkeypatch.setattr("lmk.training.adaptation.job.learn_to_find", lambda *_: None)


@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.stem)
def test_a_study_runs_and_is_not_run_twice(
    file: Path, root: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("LMK_CACHE", str(tmp_path / "cache"))
    study = read_study(file)
    one_seed = type(study)(**{**vars(study), "seeds": study.seeds[:1]})
    lmk = InProcess()
    rows = list(study.runs)[:3]
    Runner(one_seed, root, tmp_path / "out", lmk, smoke=True).run(rows)
    assert lmk.commands.count("eval") == lmk.commands.count("train") == len(rows)
    assert lmk.commands.count("pretrain") == bool(study.pretrain)
    tables = (tmp_path / "out/tables.md").read_text()
    for row in rows:
        assert f"| {row} | 1 | 1 |" in tables
    assert "nan" not in tables
    chart = tmp_path / "out/chart.svg"
    assert chart.exists() == ("## Forward error" in tables)
    assert not chart.exists() or all(f">{row}<" in chart.read_text() for row in rows)

    again = InProcess()
    Runner(one_seed, root, tmp_path / "out", again, smoke=True).run(rows)
    measured_otherwise = {**study.smoke, "evaluate": {"draws": 3}}
    changed = type(study)(**{**vars(one_seed), "smoke": measured_otherwise})
    for other, smoke in ((one_seed, False), (changed, True)):
        with pytest.raises(
            UsageError, match="was made with other options: choose another folder, or delete"
        ):
            Runner(other, root, tmp_path / "out", again, smoke).run(rows)
    assert again.commands == []


def test_a_training_with_other_options_is_not_taken_for_the_asked(
    root: Path, tmp_path: Path, monkeypatch
) -> None:
    """Also when its result was deleted, as the message about the result says."""
    monkeypatch.setenv("LMK_CACHE", str(tmp_path / "cache"))
    study = read_study(TOOLS / "studies/categories.yaml")
    one = {**vars(study), "runs": {"foxes": study.runs["foxes"]}, "seeds": [0]}
    Runner(type(study)(**one), root, tmp_path / "out", InProcess(), smoke=True).run()
    (tmp_path / "out/results/foxes-s0.json").unlink()
    lmk = InProcess()
    again = Runner(type(study)(**one), root, tmp_path / "out", lmk, smoke=True)
    again.run()
    assert lmk.commands == ["eval"]
    (tmp_path / "out/results/foxes-s0.json").unlink()
    faster = {**one, "train": {**study.train, "rate-body": 0.002}}
    with pytest.raises(UsageError, match="foxes-s0 was trained with another rate-body: choose"):
        Runner(type(study)(**faster), root, tmp_path / "out", lmk, smoke=True).run()


def test_a_chart_draws_the_errors_with_all_images(tmp_path: Path) -> None:
    """By hand: 470 px are 12 %, the largest error; the lines of 10 images are not drawn."""
    tables = "# A & B\n\nAbout.\n"
    for kind, first, second in (("Forward", "5.00 ± 1.50", "10.00"), ("Backward", "12.00", "")):
        tables += f"\n## {kind} error, %\n\n| images | a | paper: b |\n| --- | --- | --- |\n"
        tables += f"| 10 | 99.00 | 99.00 |\n| all | {first} | {second} |\n"
    (tmp_path / "tables.md").write_text(f"{tables}\n## Consistency\n\n| row |\n| --- |\n| a |\n")
    write_chart(tmp_path / "tables.md", tmp_path / "chart.svg")
    svg = {"": "http://www.w3.org/2000/svg"}
    root = ElementTree.fromstring((tmp_path / "chart.svg").read_text())
    assert root.findtext("title", namespaces=svg) == "A & B"
    bars = [bar for bar in root.findall("rect", svg) if bar.get("fill-opacity")]
    assert [float(bar.get("width")) for bar in bars] == pytest.approx([195.8, 470, 391.7], abs=0.1)
    assert [bar.get("fill-opacity") for bar in bars] == ["1", "1", "0.35"]
    (whisker,) = root.findall("line", svg)
    assert float(whisker.get("x2")) - float(whisker.get("x1")) == pytest.approx(58.75, abs=0.11)


def test_a_study_without_errors_has_no_chart(tmp_path: Path) -> None:
    (tmp_path / "tables.md").write_text(
        "# Shoes\n\n| row | consistency |\n| --- | --- |\n| a | 1 |\n"
    )
    write_chart(tmp_path / "tables.md", tmp_path / "chart.svg")
    assert not (tmp_path / "chart.svg").exists()


def test_options_as_words() -> None:
    options = {"flip": False, "resume": True, "steps": 3, "perceptual-weights": None}
    assert words(options) == ["--no-flip", "--resume", "--steps", "3"]


def test_a_row_with_seeds_of_its_own_has_no_others(root: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("LMK_CACHE", str(tmp_path / "cache"))
    study = read_study(TOOLS / "studies/categories.yaml")
    runs = {"cats": study.runs["cats"], "foxes": study.runs["foxes"] | {"seeds": [1]}}
    two = type(study)(**{**vars(study), "runs": runs, "seeds": [0, 1]})
    Runner(two, root, tmp_path / "out", InProcess(), smoke=True).run()
    results = {path.stem for path in (tmp_path / "out/results").iterdir()}
    assert results == {"cats-s0", "cats-s1", "foxes-s1"}


def test_the_papers_figures_stand_in_their_columns() -> None:
    """Read off the paper: table 2, AFLW, proposed, n = 100; tables 4 and 5, epoch 10."""
    assert paper_errors({"set": "aflw"}, "forward")["proposed"][100] == 7.64
    assert paper_errors({"table": "cores"}, "backward")["epoch 10"] == {
        10: 17.35,
        100: 14.44,
        "all": 13.58,
    }
    assert paper_consistency({"table": "cores"})["epoch 10"][-1] == 5.30
    assert list(paper_consistency({"set": "aflw", "methods": ["proposed"]})) == ["proposed"]
    assert paper_errors({}, "forward") == paper_consistency({}) == {}


def test_mean_and_sample_deviation_by_hand() -> None:
    assert spread_of([3.0]) == "3.00"
    assert spread_of([1.0, 2.0, 6.0], 1) == "3.0 ± 2.6"  # sqrt((4 + 1 + 9) / 2)


def test_mistakes_in_a_study_are_named(root: Path, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("title: A\nrun: {}\n")
    with pytest.raises(UsageError, match="is not a study"):
        read_study(tmp_path / "a.yaml")
    study = read_study(TOOLS / "studies/methods.yaml")
    with pytest.raises(UsageError, match="unknown row guess: expected some of scratch, fine"):
        Runner(study, root, tmp_path, InProcess(), smoke=True).run(["guess"])
