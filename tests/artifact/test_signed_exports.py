"""Signed exported files, and the private copy that is run in their place."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lmk.artifact.batch import BatchRange
from lmk.artifact.onnx_model import build_onnx, save_onnx
from lmk.artifact.provenance import (
    check_unchanged,
    read_provenance,
    read_unchanged,
    sidecar,
    sign_exported,
)
from lmk.artifact.signed_copy import signed_copy
from lmk.exporting.publish import hashes, provenance_of
from lmk.system.errors import UnavailableError, WeightsError
from lmk.system.signing import PublicKey, read_private_key, signer


@pytest.fixture
def exported(small_core, tmp_path: Path) -> Path:
    """An ONNX file with its provenance, not signed."""
    path, proto = tmp_path / "given" / "core.onnx", build_onnx(small_core)
    save_onnx(proto, path)
    known = {"format": "onnx", "precision": "fp32", "batch": BatchRange(), "layers": {"fp32": 1}}
    provenance_of(
        small_core, proto, **known, command="lmk export a -o DIR", files=hashes(path)
    ).write(path)
    return path


@pytest.fixture
def signed(exported: Path, keys: Path) -> Path:
    sign_exported(exported, read_private_key(keys / "me.key"))
    return exported


def rewrite(path: Path, change: Callable[[dict], object]) -> None:
    content = json.loads(sidecar(path).read_text())
    change(content)
    sidecar(path).write_text(json.dumps(content))


def test_signing_adds_a_signature_to_the_provenance_and_changes_nothing_else(
    exported: Path, keys: Path, key: PublicKey
) -> None:
    before, file = json.loads(sidecar(exported).read_text()), exported.read_bytes()
    assert "signature" not in before
    sign_exported(exported, read_private_key(keys / "me.key"))
    after = json.loads(sidecar(exported).read_text())
    assert after == before | {"signature": after["signature"]}
    assert exported.read_bytes() == file
    assert signer(check_unchanged(exported, key).signature or "") == key
    sign_exported(exported, read_private_key(keys / "other.key"))
    with pytest.raises(WeightsError, match=f"expected {key}"):
        check_unchanged(exported, key)


def test_every_field_is_signed_and_their_order_is_not(signed: Path, key: PublicKey) -> None:
    rewrite(signed, lambda content: content.update(dict(sorted(content.items())[::-1])))
    check_unchanged(signed, key)
    text = sidecar(signed).read_text()
    others = {str: "lmk fold a", int: 7, type(None): {}, list: ["a"], dict: {"a": "b"}}
    for name, value in json.loads(text).items():
        if name == "signature":
            continue
        for changed in ({name: others[type(value)]}, None):
            content = json.loads(text)
            content.update(changed) if changed else content.pop(name)
            sidecar(signed).write_text(json.dumps(content))
            with pytest.raises(WeightsError):
                read_provenance(signed, key)
    sidecar(signed).write_text(text)
    rewrite(signed, lambda content: content["batch"].update(max=16))
    with pytest.raises(WeightsError, match="was changed after it was signed"):
        read_provenance(signed, key)


def test_a_provenance_without_the_field_is_read_and_can_be_signed(
    exported: Path, keys: Path, key: PublicKey
) -> None:
    """As files of earlier versions are: also without the fields that came later."""
    for name in ("architecture", "input_size", "tools", "created", "parity"):
        rewrite(exported, lambda content, name=name: content.pop(name))
    assert check_unchanged(exported).signature is None
    with pytest.raises(WeightsError, match=r"core\.onnx is not signed, expected a signature"):
        check_unchanged(exported, key)
    sign_exported(exported, read_private_key(keys / "me.key"))
    check_unchanged(exported, key)


def test_a_signature_has_one_form(signed: Path) -> None:
    for text in ("", "x", f"lmk-ed25519 {64 * 'A'} {128 * 'a'}", 3, ["lmk-ed25519"]):
        rewrite(signed, lambda content, text=text: content.update(signature=text))
        with pytest.raises(WeightsError, match="signature is "):
            read_provenance(signed)


def test_a_file_that_was_changed_is_neither_signed_nor_accepted(
    signed: Path, keys: Path, key: PublicKey
) -> None:
    signed.write_bytes(signed.read_bytes() + b"\0")
    for call in (
        lambda: check_unchanged(signed, key),
        lambda: read_unchanged(signed),
        lambda: sign_exported(signed, read_private_key(keys / "me.key")),
    ):
        with pytest.raises(WeightsError, match="was changed after its export"):
            call()


def test_the_second_file_of_a_format_must_be_named_too(signed: Path, key: PublicKey) -> None:
    """OpenVINO's .bin holds the weights: a provenance of the .xml alone says nothing of them."""
    for suffix in (".xml", ".bin"):
        shutil.copy(signed, signed.with_suffix(suffix))
    rewrite(signed, lambda content: content.update(files=hashes(signed)))
    content = json.loads(sidecar(signed).read_text())
    xml = signed.with_suffix(".xml")
    content |= {"format": "openvino", "files": hashes(xml)}
    sidecar(xml).write_text(json.dumps(content))
    check_unchanged(xml)
    del content["files"]["core.bin"]
    sidecar(xml).write_text(json.dumps(content))
    with pytest.raises(WeightsError, match=r"the provenance of core\.xml, not of"):
        check_unchanged(xml)


def test_the_bytes_of_a_file_are_those_of_its_hash(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lmk.artifact import provenance

    whole = exported.read_bytes()
    assert read_unchanged(exported)[1] == whole

    def replaced_meanwhile(*_: object) -> None:
        exported.write_bytes(b"other")

    monkeypatch.setattr(provenance, "_check_files", replaced_meanwhile)
    with pytest.raises(WeightsError, match="was changed after its export"):
        read_unchanged(exported)


def test_the_copy_is_verified_also_if_the_file_is_replaced_meanwhile(
    signed: Path, tmp_path: Path, key: PublicKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lmk.artifact import signed_copy as module

    folder = tmp_path / "private"
    folder.mkdir()
    copy = signed_copy(str(signed), key, folder, made="onnx")
    assert copy == folder / "core.onnx"
    assert copy.read_bytes() == signed.read_bytes()

    def replace_first(source: Path, target: Path) -> None:
        signed.write_bytes(b"other")
        shutil.copy(source, target)

    monkeypatch.setattr(module, "_copy", replace_first)
    with pytest.raises(WeightsError, match="was changed after its export"):
        signed_copy(str(signed), key, folder, made="onnx")


def test_what_has_no_signature_is_not_copied(
    exported: Path, tmp_path: Path, key: PublicKey
) -> None:
    (tmp_path / "private").mkdir()
    alone = exported.with_name("alone.onnx")
    shutil.copy(exported, alone)
    for path, words in [
        (exported, "is not signed"),
        (alone, "the provenance of .* is missing"),
        (exported.parent, "that is signed, got"),
        ("core-pose", "that is signed, got"),
    ]:
        with pytest.raises(WeightsError, match=words):
            signed_copy(str(path), key, tmp_path / "private", made="onnx")
    assert list((tmp_path / "private").iterdir()) == []


def test_without_cryptography_a_signature_does_not_hold(
    signed: Path, key: PublicKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)
    check_unchanged(signed)
    with pytest.raises(UnavailableError, match=r"lmk-toolkit\[sign\]"):
        check_unchanged(signed, key)
