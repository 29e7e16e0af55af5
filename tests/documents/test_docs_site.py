"""The site of the documentation is built without a warning, and fetches nothing from elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import lmk

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs", reason="the extra docs is not installed: pip install '.[docs]'")
    folder = tmp_path_factory.mktemp("docs") / "site"
    call = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(folder)]
    built = subprocess.run(call, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return folder


def test_every_page_loads_only_files_of_the_site(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    tags = re.compile(r"<(?:script|img|iframe|link)\s[^>]*>")
    outside = re.compile(r"""\s(?:src|href)=["']?(?:https?:)?//""")
    harmless = re.compile(r"""rel=["']?(?:canonical|alternate|prev|next)\b""")
    found = [
        (page.name, tag)
        for page in pages
        for tag in tags.findall(page.read_text())
        if outside.search(tag) and not harmless.search(tag)
    ]
    assert found == []


def test_the_page_of_the_commands_is_generated(site: Path) -> None:
    page = (site / "reference" / "commands" / "index.html").read_text()
    text = re.sub(r"<[^>]+>", "", page)
    for words in ("lmk data draw", "--separation-scale", "lmk adapter keygen"):
        assert words in text


def test_the_page_of_python_describes_every_public_name(site: Path) -> None:
    page = (site / "reference" / "python" / "index.html").read_text()
    missing = [name for name in lmk.__all__ if f'id="lmk.{name}"' not in page]
    assert missing == ["__version__"]
    assert 'id="lmk.Landmarker.__call__"' in page


def test_links_out_of_docs_lead_to_pages_of_the_site(site: Path) -> None:
    page = (site / "how-to" / "students" / "index.html").read_text()
    (link,) = set(re.findall(r'href="([^"]*benchmarks/#students)"', page))
    target, _, anchor = link.partition("#")
    place = (site / "how-to" / "students" / target).resolve() / "index.html"
    assert f'id="{anchor}"' in place.read_text()
