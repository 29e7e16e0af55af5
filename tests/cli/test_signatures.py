"""`lmk adapter keygen`, `sign` and `verify --key`, and `--require-signature` of run and fold."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from lmk.cli import main


@pytest.fixture
def lmk(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Call the command line with one line; gives exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LMK_CACHE", str(tmp_path / "cache"))

    def call(line: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lmk", *shlex.split(line)])
        with pytest.raises(SystemExit) as end:
            main()
        return (end.value.code or 0, *capfd.readouterr())

    return call


@pytest.fixture
def key(lmk) -> str:
    """The pairs of keys `me` and `other`; the public key `me`."""
    lmk("adapter keygen other")
    code, told, err = lmk("adapter keygen me")
    public = Path("me.pub").read_text().strip()
    assert (code, err) == (0, "")
    assert told == (
        "me.key  keep it secret: it signs\n"
        f"me.pub  give it to those who verify: {public}\n"
    )  # fmt: skip
    return public


@pytest.fixture
def signed(lmk, key: str) -> Path:
    """The shipped faces as an adapter file that `me` signed."""
    lmk("adapter pack faces -o mugs.adapter")
    told = f"mugs.adapter: signed by {key}\n"
    assert lmk("adapter sign mugs.adapter --key me.key") == (0, told, "")
    return Path("mugs.adapter")


@pytest.fixture
def folded(lmk, signed: Path) -> Path:
    """The same as an ONNX file that `me` signed, with its provenance."""
    line = f"fold core-pose {signed} -o out --require-signature me.pub"
    assert lmk(line)[0::2] == (0, "")
    assert lmk("adapter sign out/faces.onnx --key me.key")[0] == 0
    return Path("out/faces.onnx")


def refused(answer: tuple[int, str, str], words: str, code: int = 1) -> None:
    """A call that failed with one line, which has these words, and nothing else."""
    assert (answer[0], answer[1]) == (code, ""), answer
    (line,) = answer[2].splitlines()
    assert line.startswith("error: ")
    assert words in line


def test_a_signed_adapter_is_verified_by_its_key(lmk, signed: Path, key: str) -> None:
    intact = "mugs.adapter: manifest and weights are intact, folds into core-pose\n"
    told = f"{intact}signed by me.pub, {key}\n"
    assert lmk("adapter verify mugs.adapter --key me.pub") == (0, told, "")
    told = f"{intact}signed by {key}: give --key NAME.pub to check whose key it is\n"
    assert lmk("adapter verify mugs.adapter") == (0, told, "")
    rows = {
        line[:10].strip(): line[10:] for line in lmk("adapter show mugs.adapter")[1].split("\n")
    }
    assert rows["signature"] == f"by {key}, not checked"
    refused(lmk("adapter verify mugs.adapter --key other.pub"), "mugs.adapter is signed by")


def test_a_signed_export_is_verified_by_its_key(lmk, folded: Path, key: str) -> None:
    unchanged = "out/faces.onnx: unchanged since its export\n"
    told = f"{unchanged}signed by me.pub, {key}\n"
    assert lmk(f"adapter verify {folded} --key me.pub") == (0, told, "")
    told = f"{unchanged}signed by {key}: give --key NAME.pub to check whose key it is\n"
    assert lmk(f"adapter verify {folded}") == (0, told, "")
    refused(lmk(f"adapter verify {folded} --key other.pub"), "out/faces.onnx is signed by")
    refused(lmk(f"adapter verify {folded} --core core-pose"), "--core is for adapters", 2)
    lmk("fold core-pose faces -o out")
    assert lmk(f"adapter verify {folded}") == (0, f"{unchanged}not signed\n", "")
    refused(lmk(f"adapter verify {folded} --key me.pub"), "out/faces.onnx is not signed")


def test_a_false_signature_is_found_without_a_key_too(lmk, signed: Path, folded: Path) -> None:
    for path in (signed, Path("out/faces.onnx.json")):
        content = path.read_bytes()
        place = content.index(b"lmk-ed25519 ") + 12 + 64 + 5
        other = b"0" if content[place : place + 1] != b"0" else b"1"
        path.write_bytes(content[:place] + other + content[place + 1 :])
    for file in (signed, folded):
        for option in ("", "--key me.pub"):
            refused(lmk(f"adapter verify {file} {option}"), f"{file} was changed after it was sign")


def test_what_cannot_be_signed_says_what_can(lmk, key: str, core_model) -> None:
    Path("a.txt").write_text("a")
    for name in ("faces", core_model.folder, "a.txt", "absent.json"):
        answer = lmk(f"adapter sign {name} --key me.key")
        refused(answer, f"expected a .adapter file or an exported file, got {name}: pack", 2)
    refused(lmk("adapter sign absent.adapter --key me.key"), "absent.adapter does not exist")
    refused(lmk("adapter sign absent.onnx --key me.key"), "absent.onnx.json, the provenance of")
    refused(lmk("adapter sign absent.onnx --key me.pub"), "me.pub is not a private key", 2)
    refused(lmk("adapter keygen me"), "me.key already exists, and keys are never replaced", 2)


UNSIGNED = ["faces", "new.adapter", "run", "absent.adapter"]


@pytest.mark.parametrize("model", UNSIGNED)
def test_fold_takes_only_an_adapter_that_the_key_signed(
    lmk, key: str, adapter_model, model: str
) -> None:
    Path("run").symlink_to(adapter_model.folder)
    lmk("adapter pack faces -o new.adapter")
    line = f"fold core-pose {model} -o out --require-signature me.pub"
    refused(lmk(line), "sign")
    refused(lmk(line.replace("me.pub", "me.key")), "me.key is not a public key", 2)
    refused(lmk(line.replace("me.pub", "absent.pub")), "absent.pub cannot be read", 2)
    refused(lmk(line.replace("me.pub", "''")), "cannot be read as a public key", 2)
    assert not Path("out").exists()


def test_fold_refuses_a_signature_by_another_key_and_another_core(
    lmk, signed: Path, core_model
) -> None:
    line = f"fold core-pose {signed} -o out --require-signature"
    refused(lmk(f"{line} other.pub"), "mugs.adapter is signed by")
    other = line.replace("core-pose", str(core_model.folder))
    refused(lmk(f"{other} me.pub"), "faces needs the core core-pose")
    assert not Path("out").exists()


def test_run_takes_only_models_that_the_key_signed(lmk, signed: Path, folded: Path) -> None:
    cv2.imwrite("a.png", np.full((90, 120, 3), 128, np.uint8))
    lmk("adapter pack faces -o new.adapter")
    line = "run a.png --no-show -o a.csv --region center --require-signature me.pub -m"
    Path("out/alone.onnx").write_bytes(folded.read_bytes())
    for model in (*UNSIGNED[:2], "out/alone.onnx", f"{signed} -m new.adapter"):
        code, told, err = lmk(f"{line} {model}")
        assert code == 1
        assert "sign" in err or "alone.onnx.json, the provenance of" in err
        assert "1 frame at" not in told
    assert not Path("cache").exists()
    for model in (signed, folded):
        code, told, err = lmk(f"{line} {model}")
        assert code == 0, err
        assert ", signature verified" in told + err
        assert len(Path("a.csv").read_text().splitlines()) == 11
    lmk("adapter sign mugs.adapter --key other.key")
    assert lmk(f"{line} {signed}")[0] == 1
