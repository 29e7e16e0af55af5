from __future__ import annotations

import base64
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest
from report.changed import without

from lmk.evaluation.metrics.consistency import CONSISTENCY
from lmk.evaluation.metrics.regression import BACKWARD, FORWARD
from lmk.report.charts import Axis, Line, line_chart, round_axis
from lmk.report.page import write_page
from lmk.report.pictures import sheet_rows
from lmk.system.errors import UnavailableError
from lmk.system.progress import Reporter


class Page(HTMLParser):
    """What a browser would see: texts, pictures, and whatever it would load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.images, self.tags = "", [], []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes) -> None:
        self.tags.append(tag)
        for name, value in attributes:
            if name in ("src", "href"):
                self.images.append(value)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def html(compared, tmp_path) -> str:
    write_page(compared, tmp_path / "report.html", Reporter())
    return (tmp_path / "report.html").read_text()


def test_page_needs_nothing_but_itself(html: str) -> None:
    page = Page(html)
    assert all(uri.startswith("data:image/jpeg;base64,") for uri in page.images)
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert not re.search(r"url\(|@import", html)


def test_page_shows_each_model_s_pictures(html: str) -> None:
    """Of each model 3 images with 5 turns each, and 6 images in each of 3 rows."""
    page = Page(html)
    assert len(page.images) == 2 * (3 * 6 + 3 * 6)
    for uri in page.images:
        data = np.frombuffer(base64.b64decode(uri.partition(",")[2]), np.uint8)
        assert cv2.imdecode(data, cv2.IMREAD_COLOR).shape == (240, 240, 3)


def test_page_holds_tables_curves_and_provenance(html: str, compared) -> None:
    text = " ".join(Page(html).text.split())
    for expected in (
        "dots <b>, shifted on aflw",
        "paper, proposed",
        "forward error in %",
        "most stable first",
        "Best, typical and worst images: shifted",
        "lmk compare x",
        compared.benchmark.test.sha256,
        compared.evaluations[0].model.sha256,
        "bootstrap",
    ):
        assert expected in text
    assert "<b>" not in html, "names are escaped"
    assert html.count("<polyline") == 4
    assert html.count("<svg") == 4


def test_page_of_plain_pictures_ranks_by_consistency(alone, tmp_path) -> None:
    (evaluation,) = alone.evaluations
    plain = without(evaluation, FORWARD, BACKWARD)
    results = replace(alone, evaluations=[plain])
    rows = sheet_rows(results, plain)
    assert [row.title for row in rows] == ["best", "typical", "worst"]
    best = sorted(plain.get(CONSISTENCY).distance_px.mean(axis=1))[:6]
    assert [picture.caption for picture in rows[0].pictures] == [f"{v:.1f} px" for v in best]
    write_page(results, tmp_path / "report.html", Reporter())
    assert "By consistency under a random rotation" in (tmp_path / "report.html").read_text()


def test_page_without_jinja_names_the_extra(compared, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(UnavailableError, match=r"lmk-toolkit\[eval\]"):
        write_page(compared, tmp_path / "report.html", Reporter())


def test_line_chart_puts_points_where_the_axes_say() -> None:
    """By hand: the plot spans x 48 to 446 and y 254 (0) to 14 (the end)."""
    x, y = Axis("x", 10, (0, 5, 10)), Axis("y", 100, (0, 100))
    svg = line_chart([Line("a & b", [(0, 0), (5, 50), (10, 100), (20, 100)])], x, y, mark_x=5)
    assert 'points="48.0,254.0 247.0,134.0 446.0,14.0"' in svg
    assert '<line x1="247.0" x2="247.0"' in svg
    assert "a &amp; b" in svg


@pytest.mark.parametrize(
    ("largest", "end", "ticks"),
    [(0.9, 1.0, 6), (23, 25, 6), (61, 80, 5), (0, 0.001, 6), (5, 5, 6)],
)
def test_axes_end_at_a_round_number_above_the_largest(largest, end, ticks) -> None:
    axis = round_axis("px", largest)
    assert axis.end == pytest.approx(end)
    assert len(axis.ticks) == ticks
