"""Every relative link in the documentation leads to a file, and its anchor to a heading."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ELSEWHERE = re.compile(r"(^|/)(\.|node_modules/|site/)")
GENERATED = {"docs/reference/commands.md"}  # by tools/docs_site.py, only in the site
LINK = re.compile(r"\]\(([^)\s]*)\)")


def documents() -> list[str]:
    found = (path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.md"))
    return sorted(path for path in found if not ELSEWHERE.search(path))


def prose(text: str) -> str:
    """A document without its code, fenced, indented or within a line."""
    fenced = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    blocks = re.sub(r"^ {4,}.*$", "", fenced, flags=re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", blocks)


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings, by GitHub's rule."""
    fenced = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    found: Counter[str] = Counter()
    names = set()
    for heading in re.findall(r"^#+ (.*)$", fenced, re.MULTILINE):
        shown = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        names.add(f"{slug}-{found[slug]}" if found[slug] else slug)
        found[slug] += 1
    return names


def dead_links(document: str, text: str) -> list[str]:
    links = [link for link in LINK.findall(prose(text)) if not re.match(r"[a-z]+:", link)]
    return [link for link in links if not leads_somewhere(link, document, text)]


def leads_somewhere(link: str, document: str, text: str) -> bool:
    target, _, anchor = link.partition("#")
    place = ((ROOT / document).parent / target).resolve() if target else ROOT / document
    if not place.is_relative_to(ROOT):
        return False
    if place.relative_to(ROOT).as_posix() in GENERATED:
        return True
    if not place.exists():
        return False
    return not anchor or anchor in anchors(place.read_text() if target else text)


@pytest.mark.parametrize("document", documents())
def test_links_and_anchors_lead_somewhere(document: str) -> None:
    assert dead_links(document, (ROOT / document).read_text()) == []


def test_dead_links_are_found() -> None:
    text = (
        "# A `b`, c\n[ok](#a-b-c) [no](#a-c) [gone](gone.md) [there](LICENSE)\n"
        "[out](../elsewhere.md) [web](https://example.org/x) `[code](x.md)`\n"
        "[rooms](CONTRIBUTING.md#how-to-add) [room](CONTRIBUTING.md#how-to-adds)\n"
    )
    expected = ["#a-c", "gone.md", "../elsewhere.md", "CONTRIBUTING.md#how-to-adds"]
    assert dead_links("README.md", text) == expected
