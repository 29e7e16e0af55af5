"""Signed adapter files: whatever is changed in one is refused, or changes nothing that is used."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from lmk.model.bundle import pack, read_bundle, sign_bundle
from lmk.model.folder import Model, find_model
from lmk.model.manifest import CoreReference, Manifest
from lmk.model.weights import content_sha256, load_metadata, load_weights
from lmk.system.errors import WeightsError
from lmk.system.signing import PublicKey, read_private_key, signer

ARRAYS = {
    "a.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b.weight": np.arange(6, dtype=np.float32).reshape(3, 2) + 7,
    "a.bias": np.float32([0.1, -0.2, 3e8]),
}
CORE = Manifest("core", "network", 14, "weights.safetensors", "c" * 64)


def make(path: Path, arrays=ARRAYS, **values: object) -> Path:
    manifest = Manifest(
        name="mugs",
        kind="adapter",
        num_landmarks=7,
        weights_file="adapter.safetensors",
        weights_sha256=content_sha256(arrays),
        core=CoreReference("core", CORE.weights_sha256),
    )
    pack(replace(manifest, **values), arrays, CORE, path)
    return path


def signed(path: Path, keys: Path, name: str = "me") -> Path:
    sign_bundle(path, read_private_key(keys / f"{name}.key"))
    return path


def used(path: Path, key: PublicKey) -> tuple[str, str]:
    """All that a run takes from an adapter file: its manifest and its weights, as text."""
    model: Model = find_model(str(path), key)
    return json.dumps(model.manifest.content()), content_sha256(model.arrays())


def rewrite(path: Path, change: Callable[[dict, dict], None]) -> None:
    with safetensors.safe_open(str(path), "numpy") as file:
        metadata = file.metadata()
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(arrays, metadata)
    path.write_bytes(safetensors.numpy.save(arrays, metadata))


def test_signing_changes_only_the_signature(tmp_path: Path, keys: Path, key: PublicKey) -> None:
    path = make(tmp_path / "mugs.adapter")
    before, stored = read_bundle(path), safetensors.numpy.load(path.read_bytes())
    assert before.signature is None
    signed(path, keys)
    after = read_bundle(path, key)
    assert (after.manifest, after.text) == (before.manifest, before.text)
    assert after.signature is not None
    assert signer(after.signature) == key
    for name, value in safetensors.numpy.load(path.read_bytes()).items():
        assert (value.dtype, value.tobytes()) == (stored[name].dtype, stored[name].tobytes())
    assert read_bundle(signed(path, keys), key) == after, "Ed25519 has no random numbers"


def test_signing_again_replaces_the_signature(tmp_path: Path, keys: Path, key: PublicKey) -> None:
    path = signed(signed(make(tmp_path / "mugs.adapter"), keys), keys, "other")
    with pytest.raises(WeightsError, match=f"is signed by lmk-ed25519 .*, expected {key}"):
        read_bundle(path, key)
    read_bundle(signed(path, keys), key)


def test_every_changed_byte_is_refused_or_changes_nothing_that_is_used(
    tmp_path: Path, keys: Path, key: PublicKey
) -> None:
    path = signed(make(tmp_path / "mugs.adapter"), keys)
    whole, expected = path.read_bytes(), used(path, key)
    refused = 0
    for place in range(len(whole)):
        content = bytearray(whole)
        content[place] ^= 1 << place % 8
        path.write_bytes(content)
        try:
            assert used(path, key) == expected, place
        except WeightsError:
            refused += 1
    assert refused > len(whole) - 20  # but spaces at the header's end
    for length in range(0, len(whole), 50):
        path.write_bytes(whole[:length])
        with pytest.raises(WeightsError):
            used(path, key)


def test_a_bundle_that_another_tool_saved_again_is_still_signed(
    tmp_path: Path, keys: Path, key: PublicKey
) -> None:
    path = signed(make(tmp_path / "mugs.adapter"), keys)
    expected, first = used(path, key), path.read_bytes()

    def reorder(arrays: dict, metadata: dict) -> None:
        for name in sorted(arrays, reverse=True):
            arrays[name] = arrays.pop(name).astype(np.float32)

    rewrite(path, reorder)
    assert path.read_bytes() != first
    assert used(path, key) == expected


def swap(arrays: dict, metadata: dict) -> None:
    arrays["a.weight"], arrays["b.weight"] = arrays["b.weight"], arrays["a.weight"]


def rename(arrays: dict, metadata: dict) -> None:
    arrays["c.weight"] = arrays.pop("b.weight")


def reshape(arrays: dict, metadata: dict) -> None:
    arrays["a.weight"] = arrays["a.weight"].reshape(3, 2)


def drop(arrays: dict, metadata: dict) -> None:
    del arrays["a.bias"]


def negate_zero(arrays: dict, metadata: dict) -> None:
    assert arrays["a.weight"][0, 0] == 0
    arrays["a.weight"][0, 0] = -0.0


@pytest.mark.parametrize("change", [swap, rename, reshape, drop, negate_zero])
def test_other_tensors_under_a_signed_manifest_are_refused(
    tmp_path: Path, keys: Path, key: PublicKey, change
) -> None:
    path = signed(make(tmp_path / "mugs.adapter"), keys)
    rewrite(path, change)
    model = find_model(str(path), key)
    with pytest.raises(WeightsError, match="different content hash"):
        model.arrays()


def test_tensors_that_are_replaced_after_the_signature_was_checked_are_refused(
    tmp_path: Path, keys: Path, key: PublicKey
) -> None:
    path = signed(make(tmp_path / "mugs.adapter"), keys)
    model = find_model(str(path), key)
    make(path, {**ARRAYS, "a.bias": np.zeros(3, np.float32)})
    with pytest.raises(WeightsError, match="different content hash"):
        model.arrays()


def test_the_manifest_and_the_signature_of_other_files_are_refused(
    tmp_path: Path, keys: Path, key: PublicKey
) -> None:
    path = signed(make(tmp_path / "mugs.adapter"), keys)
    other = signed(make(tmp_path / "other.adapter", softargmax_beta=5.0), keys)
    foreign = load_metadata(other)
    for names in (["signature"], ["manifest", "manifest_sha256"]):
        signed(make(path), keys)
        rewrite(path, lambda _, metadata, names=names: metadata.update(
            {name: foreign[name] for name in names}
        ))  # fmt: skip
        with pytest.raises(WeightsError, match="was changed after it was signed"):
            find_model(str(path), key)


def test_metadata_that_nobody_signed_are_refused(
    tmp_path: Path, keys: Path, key: PublicKey
) -> None:
    path = signed(make(tmp_path / "mugs.adapter"), keys)
    rewrite(path, lambda _, metadata: metadata.update({"framing": "{}"}))
    with pytest.raises(WeightsError, match="metadata that nobody signed, 'framing'"):
        find_model(str(path), key)


@pytest.mark.parametrize(
    "text",
    ["", "x", "lmk-ed25519", f"lmk-ed25519 {64 * 'a'}", f"lmk-ed25519 {64 * 'a'} {126 * 'a'}",
     f"lmk-ed25519 {64 * 'A'} {128 * 'a'}", f"lmk-ed25519 {64 * 'a'} {128 * 'a'}\n"],
)  # fmt: skip
def test_what_has_not_the_form_of_a_signature_is_refused_also_without_a_key(
    tmp_path: Path, key: PublicKey, text: str
) -> None:
    path = make(tmp_path / "mugs.adapter")
    rewrite(path, lambda _, metadata: metadata.update({"signature": text}))
    for signed_by in (None, key):
        with pytest.raises(WeightsError, match=r"the signature is '.*', expected lmk-ed25519"):
            read_bundle(path, signed_by)


def test_a_damaged_file_is_not_signed(tmp_path: Path, keys: Path) -> None:
    path = make(tmp_path / "mugs.adapter")
    rewrite(path, swap)
    before = path.read_bytes()
    with pytest.raises(WeightsError, match="the weights of mugs do not match its manifest"):
        signed(path, keys)
    assert path.read_bytes() == before


def test_an_adapter_without_a_signature_is_used_as_before_unless_one_is_required(
    tmp_path: Path, key: PublicKey
) -> None:
    path = make(tmp_path / "mugs.adapter")
    assert find_model(str(path)).arrays().keys() == ARRAYS.keys()
    with pytest.raises(WeightsError, match=r"mugs\.adapter is not signed, expected"):
        find_model(str(path), key)


def test_only_adapter_files_can_be_signed(
    tmp_path: Path, key: PublicKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run.adapter"  # a folder, whatever its name says
    folder.mkdir()
    replace(CORE).write(folder)
    monkeypatch.chdir(tmp_path)
    for name in (folder, folder / "manifest.json", "faces", "core-pose", "absent.adapter", ""):
        with pytest.raises(WeightsError, match=r"that is signed, got"):
            find_model(str(name), key)


def test_the_names_of_tensors_cannot_be_values_of_others(tmp_path: Path, keys: Path) -> None:
    """Two files with the same hash under the same signature would be a forgery."""
    path = signed(make(tmp_path / "mugs.adapter"), keys)
    header = path.read_bytes()
    (length,) = struct.unpack("<Q", header[:8])
    assert b'"a.bias"' in header[: 8 + length]
    path.write_bytes(header.replace(b'"a.bias"', b'"a(3,)A"'))
    with pytest.raises(WeightsError, match="is not a tensor's name"):
        load_weights(path)
