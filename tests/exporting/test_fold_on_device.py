"""Folding on a device: no torch, and exactly the weights that torch's path gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from random_models import fold, make_core, save_model

from lmk.architectures.hourglass.spec import ARCHITECTURE
from lmk.exporting.fold_on_device import fold_to_onnx
from lmk.model import bundle
from lmk.model.fold import fold_batch_norms
from lmk.model.folder import find_model
from lmk.networks.load import load_network
from lmk.networks.state import arrays_of, state_of
from lmk.system.errors import UsageError, WeightsError

WITHOUT_TORCH = """
import sys
for name in ("torch", "torchvision", "cv2", "onnxruntime", "openvino", "scipy"):
    sys.modules[name] = None  # importing one of them now fails
from lmk.cli import main
main()
"""


@pytest.fixture
def packed(adapter_model, tmp_path: Path) -> Path:
    path = tmp_path / "small.adapter"
    bundle.pack(adapter_model.manifest, adapter_model.arrays(), adapter_model.core().manifest, path)
    return path


def test_weights_are_those_of_the_torch_path_bit_for_bit(
    adapter_model, core_model, packed: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", WITHOUT_TORCH, "fold", str(core_model.folder), str(packed)]
    done = subprocess.run([*command, "-o", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    proto = onnx.load(tmp_path / "adapter.onnx")
    written = {t.name: onnx.numpy_helper.to_array(t) for t in proto.graph.initializer}
    network = fold(load_network(adapter_model, folded=False)[0])
    expected = fold_batch_norms(arrays_of(state_of(network)), ARCHITECTURE.folded_norms)
    assert expected.keys() <= written.keys()
    for name, value in expected.items():
        assert value.tobytes() == written[name].tobytes(), name
    known = json.loads((tmp_path / "adapter.onnx.json").read_text())
    assert known["parity"] is None
    assert known["command"].startswith("lmk fold ")


def test_an_adapter_of_another_core_is_refused(packed: Path, tmp_path: Path) -> None:
    other = save_model(tmp_path / "other", "other", arrays_of(state_of(make_core(seed=5))), 14)
    with pytest.raises(WeightsError, match=r"needs the core core .* found only other"):
        fold_to_onnx(find_model(str(packed)), other, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_whole_network_in_the_adapters_place_is_refused(packed: Path, tmp_path: Path) -> None:
    core, adapter = find_model("core-pose"), find_model(str(packed))
    with pytest.raises(UsageError, match="expected  lmk fold CORE ADAPTER"):
        fold_to_onnx(core, adapter, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_bundle_of_the_shipped_faces_runs_by_itself_without_torch(tmp_path: Path) -> None:
    """`lmk run --model NAME.adapter` folds on first use, and gives what the folder gives."""
    path = tmp_path / "mine.adapter"
    faces = find_model("faces")
    bundle.pack(faces.manifest, faces.arrays(), faces.core().manifest, path)
    assert path.stat().st_size < 1_700_000
    code = f"""
import sys
sys.modules["torch"] = None
import numpy as np
from lmk import Landmarker
image = np.random.default_rng(0).integers(0, 256, (90, 160, 3), np.uint8)
found = [Landmarker(model, region="center")(image).xy for model in ("faces", {str(path)!r})]
assert np.array_equal(*found)
print(len(found[0][0]))
"""
    environment = {**os.environ, "LMK_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "10"
    assert len(list((tmp_path / "cache").iterdir())) == 1  # the same content is folded once


def test_folding_in_half_precision_halves_the_file(core_model, packed: Path, tmp_path) -> None:
    adapter = find_model(str(packed))
    single = fold_to_onnx(adapter, core_model, tmp_path)
    half = fold_to_onnx(adapter, core_model, tmp_path, "fp16")
    assert half.name == "adapter-fp16.onnx"
    assert half.stat().st_size == pytest.approx(single.stat().st_size / 2, rel=0.01)
    weights = [t for t in onnx.load(half).graph.initializer if t.name == "head.weight"]
    assert onnx.numpy_helper.to_array(weights[0]).dtype == np.float16
