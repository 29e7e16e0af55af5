from __future__ import annotations

from importlib import import_module
from pathlib import Path

import made_queue
import numpy as np
import pytest
from clips import FRAMES, dots_at
from typer.testing import CliRunner

from lmk.cli import app
from lmk.data.suffixes import STILL_SUFFIXES
from lmk.system.errors import UnavailableError, UsageError
from lmk.video.sinks import catalogue
from lmk.video.sinks.catalogue import SinkKind, addresses
from lmk.video.sinks.choose import check_output, open_output

QUEUE = SinkKind(("fake://",), "made_queue:queue_sink")


@pytest.fixture
def sinks(monkeypatch: pytest.MonkeyPatch) -> list[SinkKind]:
    """The catalogue, as it was again after the test."""
    before = list(catalogue.SINKS)
    yield catalogue.SINKS
    catalogue.SINKS[:] = before


def test_a_sink_for_urls_is_one_file_and_one_line(
    sinks: list[SinkKind], clip: Path, detector: Path, tmp_path: Path
) -> None:
    sinks.append(QUEUE)
    url = "fake://user:secret@host/topic"
    look = ("--region", "box:3.5,-10,150,150", "--no-smooth", "--no-show")
    outputs = ("-o", url, "-o", str(tmp_path / "out.csv"))
    done = CliRunner().invoke(app, ["run", str(clip), "-m", str(detector), *look, *outputs])
    assert done.exit_code == 0, done.output
    assert "wrote fake://***@host/topic\n" in done.output
    assert "secret" not in done.output
    sent = made_queue.SENT[url]
    assert [result.frame.index for result in sent] == list(range(FRAMES))
    for index, result in enumerate(sent):
        np.testing.assert_allclose(result.objects[0].xy[0], dots_at(index), atol=0.05)


def test_several_sources_share_a_sink_of_landmarks(sinks: list[SinkKind], clip: Path) -> None:
    from types import SimpleNamespace

    sinks.append(QUEUE)
    sources = [SimpleNamespace(title=title, still=False, fps=None) for title in "ab"]
    check_output("FAKE://host/both", sources, ["a", "b"])
    with open_output("FAKE://host/both", sources):
        assert made_queue.SENT["FAKE://host/both"] == []


def test_an_unknown_scheme_says_what_is_known(sinks: list[SinkKind]) -> None:
    sinks.append(QUEUE)
    with pytest.raises(
        UsageError, match=r"nowhere://\*\*\*@host/a: .* \.csv, .*\.png, .*fake://, or a"
    ):
        check_output("nowhere://me:pass@host/a", [], [])


def test_a_sink_whose_package_is_missing_names_the_extra(sinks: list[SinkKind]) -> None:
    sinks.append(SinkKind(("fake://",), "no_such_package.sink:queue_sink", extra="queue"))
    with pytest.raises(UnavailableError, match=r"no_such_package is not .*lmk-toolkit\[queue\]"):
        open_output("fake://host/topic", [])


@pytest.mark.parametrize("kind", catalogue.SINKS, ids=lambda kind: kind.maker.partition(":")[2])
def test_every_line_of_the_table_leads_to_a_sink(kind: SinkKind) -> None:
    module, _, maker = kind.maker.partition(":")
    assert callable(getattr(import_module(module), maker))


def test_each_address_belongs_to_one_sink() -> None:
    assert len(addresses()) == len(set(addresses()))
    assert set(addresses("pictures")) == STILL_SUFFIXES
    assert set(addresses("landmarks")) >= {".jsonl", ".csv", ".parquet"}
