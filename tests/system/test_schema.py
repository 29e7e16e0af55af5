from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmk.system.schema import (
    FileName,
    Name,
    Number,
    SchemaError,
    Sha256,
    Share,
    name_from,
    parse_json,
    read_as,
)


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
    groups: dict[str, list[Point]] = field(default_factory=dict)


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


def test_the_limits_of_a_field_are_said_in_words() -> None:
    @dataclass(frozen=True)
    class Limited:
        name: Name = "name"
        sha256: Sha256 = 64 * "0"
        share: Share = 0.5
        number: Number = 0.5
        files: dict[FileName, Sha256] = field(default_factory=dict)

    bad: dict[str, list[Any]] = {
        "name": ["", ".", "..", "a/b", "a\\b", "/a", "a\n", "a b", "é", 65 * "a", "a\0"],
        "files": [{"../x": 64 * "0"}, {".": 64 * "0"}, {"a/b": 64 * "0"}],
        "sha256": ["", 63 * "0", 65 * "0", 64 * "A", 64 * "0" + "\n"],
        "share": [-0.01, 1.01, float("nan"), float("inf"), "0.5", True],
        "number": [float("nan"), float("inf"), -float("inf"), 1e300, 10**400],
    }
    for name, values in bad.items():
        for value in values:
            with pytest.raises(SchemaError, match=rf"^{name} is .*(expected|out of range)"):
                read_as(Limited, {name: value})
    with pytest.raises(SchemaError, match=r'^name is "../x", expected a name of 1 to 64 letters'):
        read_as(Limited, {"name": "../x"})
    good = {"name": "a.B-c_9", "sha256": 64 * "f", "share": 1, "number": -1e9}
    assert read_as(Limited, good).name == "a.B-c_9"


def test_a_name_that_is_there_twice_is_refused() -> None:
    text = '{"a": {"b": 1, "c": 2, "b": 3}}'
    with pytest.raises(ValueError, match=r"^'b' is there twice$"):
        parse_json(text)
    assert parse_json(text, repeated=True) == {"a": {"b": 3, "c": 2}}


def test_half_of_a_pair_is_not_text() -> None:
    for text in (r'{"free": "\ud800"}', r'{"\udfff": 1}', r'{"free": ["a", ["\ud83d x"]]}'):
        with pytest.raises(SchemaError, match=r"^notes.*Unicode"):
            read_as(Picture, GOOD | {"notes": parse_json(text)})
    whole = parse_json(r'{"free": "\ud83d\ude00"}')
    assert read_as(Picture, GOOD | {"notes": whole}).notes == {"free": "😀"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("my cats", "my-cats"),
        ("a", "a"),
        ("..", "model"),
        ("", "model"),
        ("Füße", "F-e"),
        ("../../x", "x"),
        (100 * "a", 64 * "a"),
    ],
)
def test_a_name_is_made_of_any_text(text: str, name: str) -> None:
    assert name_from(text) == name


@given(st.text(st.characters(codec=None)) | st.text("a.-", min_size=60, max_size=80))
def test_a_name_made_of_any_text_is_valid_and_stays(text: str) -> None:
    name = name_from(text)
    assert read_as(Name, name) == name_from(name) == name


NUMBERS = st.floats() | st.integers() | st.sampled_from([10**400, True])
TEXTS = st.text(st.characters(codec=None)) | st.sampled_from(["photo", "..."])
FIELDS = st.sampled_from(["kind", "count", "scale", "points", "sizes", "notes"])
JSON = st.recursive(
    st.none() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS | TEXTS, inner, max_size=3),
    max_leaves=9,
)


POINTS = st.lists(st.fixed_dictionaries({}, optional={"xy": JSON, "name": JSON}), max_size=3)
CHANGES = st.dictionaries(FIELDS, JSON) | st.fixed_dictionaries(
    {"points": POINTS, "groups": st.dictionaries(TEXTS, POINTS)}
)


@given(JSON | st.just(10**5000), CHANGES, st.booleans())
def test_any_value_is_read_or_refused(value: Any, change: dict[str, Any], more: bool) -> None:
    """And so is one in which only some fields are wrong."""
    for content in (value, GOOD | change):
        with contextlib.suppress(ValueError):
            assert isinstance(read_as(Picture, content, more), Picture)


@given(TEXTS | st.text('[]{}":,0e-.\\u d') | JSON.map(json.dumps))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    for part in (text, text[:-1]):
        try:
            parsed = parse_json(part)
        except ValueError:
            continue
        assert repr(parsed) == repr(json.loads(json.dumps(parsed)))


def test_help_does_not_wait_for_the_schema() -> None:
    code = "import sys, lmk, lmk.cli; print('msgspec' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
