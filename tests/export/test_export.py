from __future__ import annotations

import onnx
import pytest

from lmk.errors import OutputError, ParityError
from lmk.export import export as export_module
from lmk.export.cached import cached_onnx
from lmk.export.export import export_onnx
from lmk.export.onnx_model import build_onnx
from lmk.export.parity import LIMIT_PX, Parity, require_parity


def test_export_verifies_and_says_so_in_the_file(adapter_model, tmp_path) -> None:
    exported = export_onnx(adapter_model, tmp_path)
    assert exported.path == tmp_path / "adapter.onnx"
    assert exported.parity is not None
    assert 0 < exported.parity.max_px < LIMIT_PX["fp32"]
    metadata = {entry.key: entry.value for entry in onnx.load(exported.path).metadata_props}
    assert metadata["verify"] == exported.parity.metadata()
    assert "n=32" in metadata["verify"]


def test_a_file_that_differs_is_refused_and_not_kept(adapter_model, tmp_path, monkeypatch) -> None:
    """A tenth of a heatmap pixel, 0.4 px of the input, is added to every x."""

    def spoilt(*arguments) -> onnx.ModelProto:
        proto = build_onnx(*arguments)
        for tensor in proto.graph.initializer:
            if tensor.name == "grid_x":
                shifted = onnx.numpy_helper.to_array(tensor) + 0.1
                tensor.CopyFrom(onnx.numpy_helper.from_array(shifted, "grid_x"))
        return proto

    monkeypatch.setattr(export_module, "build_onnx", spoilt)
    with pytest.raises(ParityError, match=r"up to 0\.4\d\d px") as caught:
        export_onnx(adapter_model, tmp_path)
    assert caught.value.exit_code == 3
    assert not list(tmp_path.iterdir())


def test_landmarks_that_are_not_numbers_are_no_parity() -> None:
    with pytest.raises(ParityError):
        require_parity(Parity(float("nan"), float("nan"), 3))


def test_export_into_a_file_is_an_output_error(adapter_model, tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        export_onnx(adapter_model, tmp_path / "file", verify=False)


def test_a_model_is_folded_once_and_again_when_it_changes(
    adapter_model, core_model, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("LMK_CACHE", str(tmp_path / "cache"))
    first = cached_onnx(str(adapter_model.folder))
    written = first.stat().st_mtime_ns
    assert cached_onnx(str(adapter_model.folder)) == first
    assert first.stat().st_mtime_ns == written
    assert cached_onnx(str(core_model.folder)) != first
    assert first.parent == tmp_path / "cache"
    assert cached_onnx(str(first)) == first
