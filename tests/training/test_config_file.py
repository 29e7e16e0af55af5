from __future__ import annotations

from pathlib import Path

import pytest

from lmk.system.errors import UsageError
from lmk.training.config_file import CONFIG, read_config, write_config

KNOWN = {"batch_size", "flip", "zoom"}
TEXTS = {"images", "core"}


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    values = {"images": "photos", "batch_size": 7, "flip": True, "zoom": 0.25}
    write_config(tmp_path, values)
    assert "batch-size: 7\n" in (tmp_path / CONFIG).read_text()
    assert read_config(tmp_path, KNOWN, TEXTS) == values
    assert read_config(tmp_path / CONFIG, KNOWN, TEXTS) == values


def test_unknown_options_are_named(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text("batch-size: 7\nbach-size: 8\n")
    with pytest.raises(UsageError, match="does not have: bach_size"):
        read_config(tmp_path / "my.yaml", KNOWN, TEXTS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is not YAML"),
        ("just words", "expected lines such as"),
        ("a: [1, 2]", "a: expected one short value"),
        ("a: " + 5000 * "x", "a: expected one short value"),
        ("a: " + 5000 * "[", "nested too deeply"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", "a: expected one short value"),
        ("a: !!bool zz", "is not YAML"),
        ("a: !!timestamp x", "is not YAML"),
        ("a: !!int ''", "is not YAML"),
        ("a: 0x" + 9000 * "f", "a: expected one short value"),
        ("a: 1" + 9000 * ":59", "a: expected one short value"),
        ("? [1, 2]\n: 3", "expected one short value|does not have|is not YAML"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "my.yaml").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_config(tmp_path / "my.yaml", KNOWN, TEXTS)
    (tmp_path / "my.yaml").write_bytes(b"a: \xff\xfe")
    with pytest.raises(UsageError, match="is not YAML"):
        read_config(tmp_path / "my.yaml", KNOWN, TEXTS)
    with pytest.raises(UsageError, match="cannot read"):
        read_config(tmp_path / "missing.yaml", KNOWN, TEXTS)


def test_a_number_for_a_path_is_refused(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text("core: null\nimages: 2024\n")
    with pytest.raises(UsageError, match="images: 2024 is not a text: put it in quotes"):
        read_config(tmp_path / "my.yaml", KNOWN, TEXTS)
