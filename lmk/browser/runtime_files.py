"""ONNX Runtime for pages: the pinned version, where pages get it, and copies that are checked."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lmk.system.errors import UnavailableError, UsageError
from lmk.system.files import writing
from lmk.system.reading import MB, read_bytes, reason_of
from lmk.system.schema import parse_json, read_as

FOLDER = "onnxruntime-web"
DECLARED = Path(__file__).with_name("site") / "lmk" / "onnxruntime-web.json"
MOST_BYTES = 100 * MB
NPM = "npm"


@dataclass(frozen=True)
class RuntimeFile:
    """One file of the package: its name, size, and SHA-384 as pages write it."""

    name: str
    bytes: int
    integrity: str

    @property
    def copied_name(self) -> str:
        """Its name in a site: .mjs is no script to servers that do not know it, such as nginx."""
        return self.name.replace(".mjs", ".module.js")


@dataclass(frozen=True)
class Build:
    """A script, and the WebAssembly that it loads."""

    module: RuntimeFile
    binary: RuntimeFile


@dataclass(frozen=True)
class RuntimeFiles:
    """The pinned version: its address, and its builds with and without the GPU."""

    version: str
    base: str
    wasm: Build
    webgpu: Build

    def __iter__(self) -> Iterator[RuntimeFile]:
        for build in (self.wasm, self.webgpu):
            yield from (build.module, build.binary)

    @property
    def command(self) -> str:
        """The command that installs this version."""
        return f"npm install onnxruntime-web@{self.version}"


@cache
def pinned() -> RuntimeFiles:
    """The version that pages of this version of lmk use, from its address on a CDN."""
    return read_as(RuntimeFiles, parse_json(DECLARED.read_text()))


def find_runtime(text: str) -> Path:
    """The folder of the runtime's files, from the text of --runtime-files.

    text: "npm" for the package installed in this folder or one above it; or that package's folder,
    or its dist. Raises UnavailableError where it is not, and UsageError for another version.
    """
    here = Path.cwd()
    places = [folder / "node_modules" / FOLDER for folder in (here, *here.parents)]
    given = [Path(text, *more) for more in ((), (FOLDER,), ("node_modules", FOLDER))]
    for package in places if text == NPM else given:
        for folder in (package / "dist", package):
            if (folder / pinned().wasm.module.name).is_file():
                _check(folder)
                return folder
    where = "here" if text == NPM else f"in {text}"
    raise UnavailableError(
        f"the npm package onnxruntime-web is not {where}: run  {pinned().command}  and choose "
        "--runtime-files npm"
    )


def copy_runtime(source: Path, site: Path) -> None:
    """Copy the runtime's files into a site. Raises OutputError."""
    target = site / FOLDER
    with writing(target):
        target.mkdir()
        for file in pinned():
            shutil.copy(source / file.name, target / file.copied_name)


def remove_runtime(site: Path) -> None:
    """Remove the copies that an earlier export left in a site. Raises OutputError."""
    target = site / FOLDER
    with writing(target):
        for file in pinned():
            (target / file.copied_name).unlink(missing_ok=True)
        with suppress(OSError):  # not there, or with files of others
            target.rmdir()


def declare(copied: bool) -> str:
    """What a site says about its runtime, as JSON: the copy beside it, or the CDN."""
    known: dict[str, Any] = asdict(pinned())
    if copied:
        known["base"] = f"../{FOLDER}/"
        for kind, build in (("wasm", pinned().wasm), ("webgpu", pinned().webgpu)):
            known[kind]["module"]["name"] = build.module.copied_name
    return json.dumps(known, indent=2) + "\n"


def _check(folder: Path) -> None:
    """Raise UsageError for other files than the pinned ones."""
    for file in pinned():
        path = folder / file.name
        try:
            found = hashlib.sha384(read_bytes(path, MOST_BYTES)).digest()
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {reason_of(error)}") from error
        if f"sha384-{base64.b64encode(found).decode()}" != file.integrity:
            raise UsageError(
                f"{path} is not that of onnxruntime-web {pinned().version}, which pages of this "
                f"version of lmk are checked with: run  {pinned().command}"
            )
