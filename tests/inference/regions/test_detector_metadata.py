from __future__ import annotations

from pathlib import Path

import pytest

from lmk.inference.regions.detector_metadata import read_metadata
from lmk.system.errors import UsageError, WeightsError

FILE = Path("detector.onnx")


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("segment", "a segmentation model"),
        ("pose", "a model of keypoints"),
        ("obb", "a model of rotated boxes"),
        ("classify", "a classification model"),
        ("depth\nof 7", r"a model for another task \(task 'depth\\nof 7'"),
    ],
)
def test_models_for_another_task_are_refused_by_its_name(task: str, words: str) -> None:
    with pytest.raises(WeightsError, match=words) as error:
        read_metadata(FILE, {"task": task, "names": "{0: 'cat'}"})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text", ["{0: 'cat', 1: 'dog'}", "{1: 'dog', 0: 'cat'}", '{"0": "cat", "1": "dog"}']
)
def test_names_come_in_the_order_of_their_numbers(text: str) -> None:
    assert read_metadata(FILE, {"names": text}).names == ("cat", "dog")
    assert read_metadata(FILE, {"names": "['cat', 'dog']", "task": "detect"}).classes == 2
    assert read_metadata(FILE, {"stride": "32"}).names is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cat",
        "{}",
        "{1: 'cat'}",
        "{0: 1}",
        "{0: 'cat'",
        "{[]: 'cat'}",
        "__import__('os').getcwd()",
        "[" * 100_000,
        "-" * 100_000 + "1",
        "{0x" + "f" * 9_000 + ": 'cat'}",
        "['" + "a" * 200_000 + "']",
    ],
)
def test_names_that_are_no_literal_are_refused(text: str) -> None:
    with pytest.raises(WeightsError, match="expected the metadata `names`") as error:
        read_metadata(FILE, {"names": text})
    assert len(str(error.value)) < 300


def test_a_class_is_a_number_or_a_name() -> None:
    declared = read_metadata(FILE, {"names": "{0: 'cat', 1: 'big dog'}"})
    assert [declared.class_number(text) for text in ("1", "cat", "big dog")] == [1, 0, 1]
    for text in ("2", "fox", "", "9" * 5000, "-1"):
        with pytest.raises(UsageError, match=r"name of a class: 0 'cat', 1 'big dog'$"):
            declared.class_number(text)


def test_without_names_a_class_is_a_number() -> None:
    declared = read_metadata(FILE, {})
    assert declared.class_number("79") == 79
    with pytest.raises(UsageError, match="#cat: expected the number of a class"):
        declared.class_number("cat")


def test_many_names_are_shown_in_part() -> None:
    declared = read_metadata(FILE, {"names": str([f"n{i}" for i in range(90)])})
    with pytest.raises(UsageError, match=r"19 'n19' and 70 more$"):
        declared.class_number("90")


@pytest.mark.parametrize(
    ("metadata", "final"),
    [
        ({}, None),
        ({"args": "--weights best.pt"}, None),
        ({"end2end": "False"}, None),
        ({"args": "{'nms': False}"}, None),
        ({"args": "{'nms': False}", "end2end": "False"}, False),
        ({"args": "{'batch': 1, 'nms': True}", "end2end": "False"}, True),
        ({"end2end": "True"}, True),
    ],
)
def test_final_boxes_are_those_of_an_end_to_end_model_or_with_nms(metadata, final) -> None:
    assert read_metadata(FILE, metadata).final is final


@pytest.mark.parametrize(
    ("text", "size_hw"),
    [("[384, 640]", (384, 640)), ("320", (320, 320)), ("[640]", None), ("[0, 64]", None)],
)
def test_the_size_is_that_of_the_export(text: str, size_hw) -> None:
    assert read_metadata(FILE, {"imgsz": text}).size_hw == size_hw
