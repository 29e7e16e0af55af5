"""The errors on the page of troubleshooting are what the commands above them print."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import cv2
import pytest

from lmk.cli import main
from lmk.data.synthetic import draw

PAGE = Path(__file__).parents[2] / "docs" / "troubleshooting.md"
BLOCK = re.compile(r"^```text\n\$ lmk (.*)\n(error: .*)\n```$", re.MULTILINE)
# Of these the machine decides, or a training, an export or a labelling that came before.
DEPENDS = ["cuda", "tensorrt", "webcam", "https:", "mixed", "labels", "distill"]
DEPENDS += ["runs/", "exported/", "damaged", "me.pub"]
CASES = [case for case in BLOCK.findall(PAGE.read_text()) if not any(w in case[0] for w in DEPENDS)]


def test_the_page_has_errors_to_check() -> None:
    assert len(CASES) >= 7
    assert PAGE.read_text().count("\n$ lmk ") == len(BLOCK.findall(PAGE.read_text()))


@pytest.mark.parametrize(("command", "error"), CASES)
def test_a_command_prints_the_error_of_the_page(
    command: str,
    error: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for folder in ("photos", "empty", "foxes"):
        (tmp_path / folder).mkdir()
    for folder, crop in zip(("photos", "foxes"), draw(2, seed=0)[0], strict=True):
        cv2.imwrite(str(tmp_path / folder / "0.png"), crop[:, :, ::-1])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["lmk", *shlex.split(command)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code != 0
    assert capsys.readouterr().err.strip().splitlines()[-1] == error
