from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from random_models import make_core, save_model

from lmk.model import bundle
from lmk.model.folder import find_model
from lmk.networks.state import arrays_of, state_of
from lmk.system.errors import UsageError, WeightsError


@pytest.fixture
def packed(adapter_model, tmp_path: Path) -> Path:
    path = tmp_path / "small.adapter"
    bundle.pack(adapter_model.manifest, adapter_model.arrays(), adapter_model.core().manifest, path)
    return path


def repack(path: Path, change) -> None:
    """Change a bundle's tensors and metadata and write it back as a whole file."""
    with safetensors.safe_open(str(path), "numpy") as file:
        metadata = file.metadata()
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(arrays, metadata)
    path.write_bytes(safetensors.numpy.save(arrays, metadata))


def test_a_bundle_holds_the_adapter_and_names_its_core(adapter_model, core_model, packed) -> None:
    found = find_model(str(packed))
    assert found.manifest.num_landmarks == 7
    assert found.manifest.core is not None
    assert found.manifest.core.sha256 == core_model.manifest.weights_sha256
    assert found.manifest.core.model == "core"  # and not the path of one machine
    expected = adapter_model.arrays()
    actual = found.arrays()
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(actual[name], value)
    assert found.reference == str(packed)


def test_changed_weights_are_refused(packed: Path) -> None:
    def change(arrays, metadata) -> None:
        arrays["head.bias"][0] += 1

    repack(packed, change)
    with pytest.raises(WeightsError, match="different content hash"):
        find_model(str(packed)).arrays()


def test_a_changed_manifest_is_refused(packed: Path) -> None:
    def change(arrays, metadata) -> None:
        manifest = json.loads(metadata["manifest"])
        metadata["manifest"] = json.dumps({**manifest, "softargmax_beta": 5.0})

    repack(packed, change)
    with pytest.raises(WeightsError, match=r"manifest of .*small\.adapter was changed"):
        find_model(str(packed))


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_file_that_was_cut_short_is_refused(packed: Path, share: float) -> None:
    whole = packed.read_bytes()
    packed.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(WeightsError, match="not a complete safetensors file"):
        find_model(str(packed)).arrays()


def test_other_files_are_no_bundles(adapter_model, tmp_path: Path) -> None:
    other = tmp_path / "weights.adapter"
    other.write_bytes((adapter_model.folder / "adapter.safetensors").read_bytes())
    with pytest.raises(WeightsError, match="not an adapter file: make one with  lmk adapter pack"):
        find_model(str(other))
    with pytest.raises(WeightsError, match=r"absent\.adapter does not exist"):
        find_model(str(tmp_path / "absent.adapter"))


def test_only_an_adapter_of_the_core_is_packed(adapter_model, core_model, tmp_path: Path) -> None:
    path = tmp_path / "a.adapter"
    core, arrays = core_model.manifest, adapter_model.arrays()
    with pytest.raises(WeightsError, match="core is not an adapter"):
        bundle.pack(core, core_model.arrays(), core, path)
    other = save_model(tmp_path / "other", "other", arrays_of(state_of(make_core(seed=5))), 14)
    with pytest.raises(WeightsError, match="adapter is not an adapter of other"):
        bundle.pack(adapter_model.manifest, arrays, other.manifest, path)
    with pytest.raises(UsageError, match=r"ends in \.adapter"):
        bundle.pack(adapter_model.manifest, arrays, core, tmp_path / "a.bin")
    assert not path.exists()
