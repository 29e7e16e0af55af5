"""Models with random weights, and the photographs where they are present."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest
from clips import save_clip
from colour_detector import save_detector
from random_models import make_core, make_projected, make_student, save_model

from lmk.model.folder import Model
from lmk.networks.load import load_network
from lmk.networks.projection import adapter_state
from lmk.networks.state import arrays_of, state_of
from lmk.system.signing import PublicKey, make_keys, read_public_key

SHARED = Path(__file__).parents[2] / "shared"

# The same examples in every run, however loaded the machine is.
hypothesis.settings.register_profile("lmk", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("lmk")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--mutations", type=int, default=240, help="Files to damage in tests/fuzz (240: 20 s)."
    )
    parser.addoption("--fuzz-seed", type=int, default=0, help="First seed of their damage.")


@pytest.fixture(scope="session")
def core_model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("models") / "core"
    return save_model(folder, "core", arrays_of(state_of(make_core())), 14)


@pytest.fixture(scope="session")
def adapter_model(core_model: Model) -> Model:
    """An adapter of seven landmarks whose projections are far from the identity."""
    network = make_projected(load_network(core_model)[0])
    folder = core_model.folder.parent / "adapter"
    return save_model(folder, "adapter", arrays_of(adapter_state(network)), 7, core_model)


@pytest.fixture(scope="session")
def small_core(core_model: Model) -> Model:
    """A core of the smallest network, for tests of what does not depend on the network."""
    network = make_student("tiny", 14)
    folder, name = core_model.folder.parent / "small-core", network.architecture.name
    return save_model(folder, "small-core", arrays_of(state_of(network)), 14, architecture=name)


@pytest.fixture(scope="session")
def student_model(core_model: Model) -> Model:
    student = make_student()
    folder, name = core_model.folder.parent / "student", student.architecture.name
    return save_model(folder, "student", arrays_of(state_of(student)), 7, architecture=name)


@pytest.fixture
def shared() -> Path:
    """The photographs beside the repository; skips where they are absent."""
    if not SHARED.is_dir():
        pytest.skip("needs the shared photographs, which are not here")
    return SHARED


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pairs of keys `me` and `other`."""
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder / "me")
    make_keys(folder / "other")
    return folder


@pytest.fixture(scope="session")
def key(keys: Path) -> PublicKey:
    return read_public_key(keys / "me.pub")


@pytest.fixture(scope="session")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_detector(tmp_path_factory.mktemp("detector") / "dots.onnx")


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_clip(tmp_path_factory.mktemp("clip") / "dots.mkv")
