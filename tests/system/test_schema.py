from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from lmk.system.schema import SchemaError, parse_json, read_as


@dataclass(frozen=True)
class Point:
    xy: tuple[float, float]
    name: str | None = None


@dataclass(frozen=True)
class Picture:
    kind: Literal["photo", "drawing"]
    count: int
    scale: float
    points: list[Point] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)


GOOD = {
    "kind": "photo",
    "count": 2,
    "scale": 3,
    "points": [{"xy": [1, 2.5]}, {"xy": [0, 0], "name": "nose"}],
    "sizes": {"a": 1},
    "notes": {"free": [1, {"deep": None}], "nan": float("nan")},
}


def test_dataclasses_are_built_at_every_level() -> None:
    found = read_as(Picture, GOOD)
    assert found.points == [Point((1.0, 2.5)), Point((0.0, 0.0), "nose")]
    assert isinstance(found.scale, float)
    assert found.notes["free"] == [1, {"deep": None}]
    assert read_as(Picture, {"kind": "drawing", "count": 0, "scale": 0.5}).points == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"count": "2"}, 'count is "2", expected int'),
        ({"count": True}, "count is true, expected int"),
        ({"count": 1.5}, "count is 1.5, expected int"),
        ({"scale": None}, "scale is null, expected float"),
        ({"kind": "film"}, "kind is \"film\": Invalid enum value 'film'"),
        ({"host": "me"}, "host is unknown"),
        ({"points": {}}, "points is {}, expected array"),
        ({"points": [3]}, "points[0] is 3, expected object"),
        ({"points": [{}]}, "points[0].xy is missing"),
        ({"points": [{"xy": [1, 2], "z": 3}]}, "points[0].z is unknown"),
        ({"points": [{"xy": [1, "2"]}]}, 'points[0].xy[1] is "2", expected float'),
        ({"points": [{"xy": [1, 2, 3]}]}, "points[0].xy is [1, 2, 3], expected array of length 2"),
        ({"sizes": {"a": None}}, 'sizes[...] is {"a": null}, expected int'),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(change: dict[str, Any], words: str) -> None:
    with pytest.raises(SchemaError) as caught:
        read_as(Picture, GOOD | change)
    assert caught.value.problems == [words]


def test_all_unknown_names_are_named_at_once() -> None:
    with pytest.raises(SchemaError, match=r"^points\[0\]\.z is unknown; size is unknown$"):
        read_as(Picture, GOOD | {"size": 2, "points": [{"xy": [1, 2], "z": 3}]})


def test_there_may_be_more_at_every_level() -> None:
    more = GOOD | {"size": 2, "points": [{"xy": [1, 2], "z": [3]}]}
    assert read_as(Picture, more, more=True).points == [Point((1.0, 2.0))]
    with pytest.raises(SchemaError, match=r"^points\[0\]\.xy is missing$"):
        read_as(Picture, GOOD | {"points": [{"z": 3}]}, more=True)


def test_of_a_large_or_deep_value_only_the_beginning_is_shown() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(SchemaError, match=r"^count is \[{60}, expected int$"):
        read_as(Picture, GOOD | {"count": deep})
    with pytest.raises(SchemaError) as caught:
        read_as(Picture, GOOD | {"count": [0] * 10**5})
    assert len(str(caught.value)) < 100


@pytest.mark.parametrize("value", [[], None, 3, "text"])
def test_what_is_not_an_object_is_refused(value: object) -> None:
    with pytest.raises(SchemaError, match=r"^it is .*, expected object$"):
        read_as(Picture, value)


@pytest.mark.parametrize("text", ["{", "", 100_000 * "[", 5000 * '{"a":' + "1" + 5000 * "}"])
def test_text_that_is_not_json_or_too_deep_is_one_kind_of_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"line 1|too deeply"):
        parse_json(text)


def test_a_value_that_is_nested_too_deeply_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(SchemaError, match="too deeply"):
        read_as(Picture, GOOD | {"notes": {"free": deep}})


def test_nothing_is_imported_before_something_is_read() -> None:
    code = "import sys, lmk.model.manifest, lmk.cli; print('msgspec' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
