"""config.yaml: all options of a training, to repeat it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from lmk.data.packed import is_packed
from lmk.system.errors import UsageError, missing_extra
from lmk.system.files import replacing
from lmk.system.reading import read_text
from lmk.system.schema import TOO_DEEP

CONFIG = "config.yaml"
MOST_BYTES = 100_000
MOST_LETTERS = 4000  # in one option; paths are shorter


def write_config(run: Path, values: Mapping[str, Any]) -> None:
    """Write options, under their long names on the command line. Raises OutputError."""
    yaml = _yaml()
    with replacing(run / CONFIG) as temporary:
        options = {name.replace("_", "-"): value for name, value in values.items()}
        temporary.write_text(yaml.safe_dump(options, sort_keys=False))


def read_config(file: Path, settings: Collection[str], texts: Collection[str]) -> dict[str, Any]:
    """Read options, with underscores; a folder stands for the config.yaml in it.

    Those named in `texts` are paths and words, or null; `settings` check their own values. Raises
    UsageError when the file cannot be read, has an unknown option, or has a value for a text that
    is not a text.
    """
    yaml = _yaml()
    file = file / CONFIG if file.is_dir() else file
    try:
        content = yaml.safe_load(read_text(file, MOST_BYTES))
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    except RecursionError as error:
        raise UsageError(f"{file} is not YAML: {TOO_DEEP}") from error
    except Exception as error:  # tags such as !!int make YAML's constructors raise almost anything
        reason = " ".join(str(error).split())[:300]
        raise UsageError(f"{file} is not YAML: {reason or type(error).__name__}") from error
    if not isinstance(content, dict):
        raise UsageError(f"{file}: expected lines such as  keypoints: 10")
    options = {}
    for name, value in content.items():
        if not (isinstance(name, str) and _is_plain(value)):
            raise UsageError(
                f"{file}: {name!s:.60}: expected one short value, such as a number or a path"
            )
        options[name.replace("-", "_")] = value
    unknown = sorted(options.keys() - {*settings, *texts})
    if unknown:
        raise UsageError(
            f"{file} has options that this command does not have: {', '.join(unknown)[:300]}"
        )
    for name in sorted(options.keys() & set(texts)):
        if not isinstance(options[name], (str, type(None))):
            option = name.replace("_", "-")
            raise UsageError(
                f"{file}: {option}: {options[name]!s:.60} is not a text: put it in quotes"
            )
    return options


def _is_plain(value: Any) -> bool:
    if isinstance(value, int):
        return abs(value) < 1 << 64
    return isinstance(value, (str, float, type(None))) and len(str(value)) <= MOST_LETTERS


def named_source(source: Path) -> dict[str, str | None]:
    """The pictures of a training, by their option on the command line."""
    folder = source.is_dir() and not is_packed(source)
    return {"images": str(source) if folder else None, "data": None if folder else str(source)}


def _yaml() -> Any:
    try:
        import yaml
    except ImportError as error:
        raise missing_extra("pyyaml", "train") from error
    return yaml
