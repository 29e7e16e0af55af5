"""A model on disk: a folder with a manifest and a weights file, or an adapter file with both."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lmk.architectures.catalogue import find_architecture
from lmk.architectures.spec import Architecture
from lmk.arrays import Arrays
from lmk.model.bundle import SUFFIX, read_bundle
from lmk.model.fold import fold_state
from lmk.model.manifest import MANIFEST, MEASURED_ON, Manifest, read_manifest
from lmk.model.points import NO_POINTS, NamedPoints, PointMap, read_point_map, split_points
from lmk.model.weights import content_sha256, load_weights
from lmk.system.errors import WeightsError
from lmk.system.signing import PublicKey

# Installed packages carry the models inside; a checkout has them at its top level.
_PACKAGE = Path(__file__).parent / "shipped"
_CHECKOUT = Path(__file__).parents[2] / "models"
SHIPPED = _PACKAGE if _PACKAGE.is_dir() else _CHECKOUT


@dataclass(frozen=True)
class Model:
    """A shipped model, the folder of a training run, or an adapter file.

    `given_core` is the core to use; by default it is searched for.
    """

    folder: Path
    manifest: Manifest
    given_core: Model | None = None

    @property
    def reference(self) -> str:
        """The reference of this model: its name if shipped, else its absolute path."""
        if self.manifest.weights_file.endswith(SUFFIX):
            return str(self.folder.resolve() / self.manifest.weights_file)
        shipped = self.folder.resolve().parent == SHIPPED.resolve()
        return self.manifest.name if shipped else str(self.folder.resolve())

    @property
    def architecture(self) -> Architecture:
        """The declaration of its network."""
        return find_architecture(self.manifest.architecture)

    @property
    def sha256(self) -> str:
        """Hash of everything that affects its landmarks: weights, core and softargmax."""
        manifest = self.manifest
        core = manifest.core.sha256 if manifest.core else ""
        parts = (manifest.weights_sha256, core, str(manifest.softargmax_beta))
        return hashlib.sha256("/".join(parts).encode()).hexdigest()

    @property
    def exported_sha256(self) -> str:
        """Hash of everything that an exported file contains of it: as `sha256`, framing, points."""
        framing = self.manifest.framing
        content = f"{self.sha256}/{framing.to_json() if framing else ''}"
        content += f"/{self.points.to_json()}" if self.points else ""
        return hashlib.sha256(content.encode()).hexdigest()

    @property
    def points(self) -> NamedPoints:
        """Its named points, maybe none."""
        return self.manifest.points or NO_POINTS

    def arrays(self) -> Arrays:
        """Read this folder's own network weights. Raises WeightsError."""
        return split_points(self.stored())[0]

    def point_map(self) -> PointMap | None:
        """Read the map from landmarks to its points; None without points. Raises WeightsError."""
        _, arrays = split_points(self.stored())
        if not self.points and not arrays:
            return None
        return read_point_map(
            arrays, self.manifest.num_landmarks, len(self.points), self.architecture
        )

    def stored(self) -> Arrays:
        """Read all tensors of the weights file, of network and points. Raises WeightsError."""
        path = self.folder / self.manifest.weights_file
        arrays = load_weights(path)
        if content_sha256(arrays) != self.manifest.weights_sha256:
            raise WeightsError(
                f"{path} does not match its manifest (different content hash): copy the model again"
            )
        return arrays

    def core(self) -> Model:
        """Find the core that this adapter was trained on. Raises WeightsError."""
        reference = self.manifest.core
        if reference is None:
            raise WeightsError(f"{self.manifest.name} is a complete network and has no core")
        candidates = [model for model in list_models() if model.manifest.kind == "network"]
        if self.given_core:
            candidates = [self.given_core]
        elif _is_model(Path(reference.model)):
            candidates.append(find_model(reference.model))
        for candidate in candidates:
            if candidate.manifest.weights_sha256 == reference.sha256:
                return candidate
        raise WeightsError(
            f"{self.manifest.name} needs the core {reference.model} with content hash "
            f"{reference.sha256[:12]}; found only "
            f"{', '.join(_identities(candidates)) or 'no core'}. Get that core or another adapter"
        )

    def folded(self) -> Arrays:
        """Return the weights of a complete network; an adapter is folded into its core."""
        if self.manifest.kind == "network":
            return self.arrays()
        return fold_state(self.core().arrays(), self.arrays())

    def unfolded(self) -> Arrays:
        """Return the core's weights and the adapter's, with separate projections."""
        if self.manifest.kind == "network":
            return self.arrays()
        return {**self.core().arrays(), **self.arrays()}

    def with_figures(self, figures: dict[str, Any]) -> Model:
        """Write measured figures into the manifest. Raises OutputError.

        Older figures stay only if they were measured on the same data.
        """
        before = self.manifest.figures
        kept = before if before.get(MEASURED_ON) == figures.get(MEASURED_ON) else {}
        replace(self.manifest, figures=kept | figures).write(self.folder)
        return find_model(str(self.folder))


def find_model(name_or_path: str, signed_by: PublicKey | None = None) -> Model:
    """Find a shipped model by name, or any model by the path of its folder, file or adapter.

    signed_by: accept only an adapter file with a signature by this key. What is read later of such
    a model is held by the hashes in its manifest, which was signed. Raises WeightsError, and
    UnavailableError when a signature cannot be checked without cryptography.
    """
    path = Path(name_or_path)
    if path.suffix == SUFFIX and path.is_file():
        return Model(path.parent, read_bundle(path, signed_by).manifest)
    if signed_by is not None:
        raise WeightsError(
            f"expected a {SUFFIX} file or an exported file that is signed, got {name_or_path}: "
            f"shipped models and folders have no signature. Sign what  lmk adapter pack MODEL -o "
            f"NAME{SUFFIX}  writes of an adapter, or  lmk export MODEL -o DIR  of any model, with  "
            "lmk adapter sign FILE --key NAME.key"
        )
    shipped = SHIPPED / name_or_path
    for folder in (path.parent if path.is_file() else path, shipped):
        if (folder / MANIFEST).is_file():
            return Model(folder, read_manifest(folder))
    if path.suffix == SUFFIX:
        raise WeightsError(f"{path} does not exist, or is not a file")
    if path.is_dir():
        raise WeightsError(f"{path} is not a model folder: it has no {MANIFEST}")
    names = ", ".join(model.manifest.name for model in list_models())
    raise WeightsError(
        f"unknown model {name_or_path!r}: expected a shipped model ({names or 'none'}), a run "
        f"folder or a {SUFFIX} file"
    )


def _is_model(folder: Path) -> bool:
    with suppress(OSError):  # such as a name that is too long
        return (folder / MANIFEST).is_file()
    return False


def list_models() -> list[Model]:
    """List the shipped models by name."""
    folders = sorted(path.parent for path in SHIPPED.glob(f"*/{MANIFEST}"))
    return [Model(folder, read_manifest(folder)) for folder in folders]


def students_of(model: Model) -> list[Model]:
    """List the shipped models that were trained on the landmarks of this one, by name."""
    return [shipped for shipped in list_models() if model.sha256 in _teachers(shipped)]


def _teachers(student: Model) -> list[str]:
    """Content hashes of the models that a student learned from; none for other models."""
    return [teacher.sha256 for teacher in student.manifest.facts.teachers]


def _identities(models: list[Model]) -> list[str]:
    return [f"{m.manifest.name} ({m.manifest.weights_sha256[:12]})" for m in models]
