"""What MkDocs needs to know of this project: a hook of mkdocs.yml.

The site has the pages of docs/, one page that is generated from the commands, and of the rest of
the project each file that a page links to. Links in the files are relative, so that they also lead
somewhere where the files are read as they are; in the site docs/ is the root.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = "reference/commands.md"
LINK = re.compile(r"\[([^]\[]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")
PROJECT = ("models/README.md", "benchmarks/README.md", "CONTRIBUTING.md", "SECURITY.md")
HISTORY = "CHANGELOG.md"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page of the commands, and the files outside docs/ that pages link to."""
    files.append(File.generated(config, COMMANDS, content=commands_page()))
    for path in sorted(outside_docs()):
        files.append(File(path, str(ROOT), config.site_dir, config.use_directory_urls))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links between files of the project into links between pages of the site."""
    del config, files
    source = page.file.src_uri
    place = source if (ROOT / source).exists() else f"docs/{source}"

    def moved(match: re.Match[str]) -> str:
        text, link, anchor = match.groups(default="")
        target = resolve(place, link)
        if target is None:
            return match[0]
        if (ROOT / target).is_dir():
            return text  # a site has no page of a folder
        there = os.path.relpath(in_site(target), PurePosixPath(source).parent)
        return f"[{text}]({there}{anchor})"

    return LINK.sub(moved, markdown)


def commands_page() -> str:
    """The help of every command, by Typer's own generator, as Markdown."""
    call = [sys.executable, "-m", "typer", "lmk.cli", "utils", "docs", "--name", "lmk"]
    made = subprocess.run(
        [*call, "--title", "Commands"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return made.stdout


def outside_docs() -> set[str]:
    """Files outside docs/ that the site needs: pages of the project, and all that is linked."""
    waiting = [*PROJECT, HISTORY, *(str(p.relative_to(ROOT)) for p in ROOT.glob("docs/**/*.md"))]
    seen: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += linked(path) if path.endswith(".md") else []
    return {path for path in seen if not path.startswith("docs/") and path != "README.md"}


def linked(path: str) -> Iterator[str]:
    """Files of the project that a page links to, by their paths in it."""
    for _, target, _ in LINK.findall((ROOT / path).read_text(encoding="utf-8")):
        found = resolve(path, target)
        if found is not None and (ROOT / found).is_file():
            yield found


def resolve(page: str, target: str) -> str | None:
    """The path in the project of what a link leads to; None for all that is not there.

    A folder with a README.md is that page.
    """
    path = Path(os.path.normpath(ROOT / PurePosixPath(page).parent / target))
    if (path / "README.md").is_file():
        path /= "README.md"
    if ":" in target or not (path.is_relative_to(ROOT) and path.exists()):
        return None
    return path.relative_to(ROOT).as_posix()


def in_site(path: str) -> str:
    """The place of a file of the project in the site, whose root is docs/."""
    return "index.md" if path == "README.md" else path.removeprefix("docs/")
