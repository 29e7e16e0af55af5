"""Write the site of a model: the page, the library, and what they load."""

from __future__ import annotations

import html
import shutil
from dataclasses import dataclass
from pathlib import Path

from lmk.browser.example import write_example
from lmk.browser.runtime_files import (
    DECLARED,
    FOLDER,
    copy_runtime,
    declare,
    pinned,
    remove_runtime,
)
from lmk.system.errors import OutputError
from lmk.system.files import writing

SOURCE = Path(__file__).with_name("site")
INDEX, LIBRARY, EXAMPLE = "index.html", "lmk.js", "example.jpg"
ISOLATED = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
"""Headers of a page that is isolated, as threads of WebAssembly require."""


@dataclass(frozen=True)
class SiteOptions:
    """What a site is made of.

    runtime: the folder of ONNX Runtime's files that are copied; None for those of a CDN. picture:
    the example for visitors without a camera; None for the photograph of lmk's demo, if the model
    finds something in it.
    """

    runtime: Path | None = None
    picture: Path | None = None


def check_site(site: Path) -> None:
    """Raise OutputError for a folder whose index.html is not the page of such a site."""
    if (site / INDEX).exists() and not (site / LIBRARY).exists():
        raise OutputError(
            f"{site / INDEX} is another page, which would be replaced: choose another folder"
        )


def clear_site(written: Path, site: Path) -> None:
    """Remove from a site what an earlier export wrote and this one, in `written`, does not.

    Raises OutputError.
    """
    if not (written / EXAMPLE).exists():
        with writing(site):
            (site / EXAMPLE).unlink(missing_ok=True)
    if not (written / FOLDER).exists():
        remove_runtime(site)


def write_site(model: Path, name: str, options: SiteOptions) -> None:
    """Write the site of an exported ONNX file into the file's folder.

    name: of the model, as the page shows it. Raises OutputError, and DataError for a picture that
    cannot be read or has nothing that the model finds.
    """
    site = model.parent
    with writing(site):
        shutil.copytree(SOURCE, site, dirs_exist_ok=True)
        declared = site / DECLARED.relative_to(SOURCE)
        declared.write_text(declare(copied=options.runtime is not None))
        headers = "".join(f"  {name}: {value}\n" for name, value in ISOLATED.items())
        (site / "_headers").write_text(f"/*\n{headers}")  # some servers of static files read it
    if options.runtime:
        copy_runtime(options.runtime, site)
    has_example = write_example(model, options.picture, site / EXAMPLE)
    values = {
        "model": model.name,
        "name": name,
        "example": EXAMPLE if has_example else "",
        "policy": policy("" if options.runtime else pinned().base),
    }
    page = (SOURCE / INDEX).read_text()
    for key, value in values.items():
        page = page.replace(f"{{{{{key}}}}}", html.escape(value))
    with writing(site):
        (site / INDEX).write_text(page)


def policy(cdn: str) -> str:
    """The page's Content-Security-Policy: only its own code, and that of the CDN's address."""
    elsewhere = f" {cdn}" if cdn else ""
    return (
        f"default-src 'none'; script-src 'self' 'wasm-unsafe-eval'{elsewhere}; style-src 'self'; "
        f"img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'{elsewhere}; "
        f"worker-src 'self' blob:; base-uri 'none'; form-action 'none'"
    )


def size_without_runtime(model: Path) -> int:
    """Bytes of the files that are the site's own, which visitors load besides the runtime."""
    site = model.parent
    files = [site / path.relative_to(SOURCE) for path in SOURCE.rglob("*")]
    files += [model, site / EXAMPLE]
    return sum(file.stat().st_size for file in files if file.is_file())
