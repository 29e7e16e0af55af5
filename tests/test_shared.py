"""The shipped models on real photographs, where they lie beside the repository."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from lmk.data.coco import load_keypoints
from lmk.evaluation.annotated import load_annotated
from lmk.evaluation.landmarks import open_model
from lmk.evaluation.measure import measure
from lmk.evaluation.protocol import Protocol, make_benchmark
from lmk.model.folder import find_model
from lmk.system.progress import Reporter
from lmk.training.pretraining.validate import evaluate_core


def unpack(shared: Path, tar: str, file: str, count: int, folder: Path) -> Path:
    """Unpack the first images of a set that its keypoint file names, with a file of just those."""
    with tarfile.open(shared / "data" / f"{tar}.tar") as archive:
        members = {member.name: member for member in archive.getmembers()}
        set_name = tar.split("-")[0]
        content = json.load(archive.extractfile(members[f"{set_name}/{file}"]))
        names = {f"{set_name}/images/{image['file_name']}" for image in content["images"]}
        chosen = [name for name in sorted(members) if name in names][:count]
        archive.extractall(folder, [members[name] for name in chosen], filter="data")
    kept = {Path(name).name for name in chosen}
    content["images"] = [image for image in content["images"] if image["file_name"] in kept]
    ids = {image["id"] for image in content["images"]}
    content["annotations"] = [a for a in content["annotations"] if a["image_id"] in ids]
    target = folder / set_name / file
    target.write_text(json.dumps(content))
    return target


def test_faces_on_photographs(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """300 of AFLW's faces, a regressor from 300 others: far better than collapsed points."""
    monkeypatch.setenv("LMK_CACHE", str(tmp_path / "cache"))
    test = load_annotated(unpack(shared, "aflw", "test.json", 300, tmp_path), Reporter())
    train = load_annotated(unpack(shared, "cnnfp", "annotated.json", 300, tmp_path), Reporter())
    metrics = ("forward", "backward", "consistency", "spread")
    benchmark = make_benchmark(test, train, Protocol(metrics=metrics))
    evaluation = measure(open_model("faces", "auto", "cpu"), benchmark, Reporter())
    found = {figure.name: figure.value for figure in evaluation.figures()}
    assert found["forward error"] < 8
    assert found["backward error"] < 12
    assert found["consistency"] < 2
    assert found["nearest neighbour"] > 4


def test_core_on_photographs(shared: Path, tmp_path: Path) -> None:
    """PCKh@0.5 on 200 of the validation images."""
    data = load_keypoints(unpack(shared, "pose-a", "val.json", 200, tmp_path), Reporter())
    assert len(data.crops) == 200
    assert evaluate_core(find_model("core-pose"), data)["PCKh@0.5"] > 60
