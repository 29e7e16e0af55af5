"""What decides the labels of a picture, and how they are divided into files."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from lmk.artifact.catalogue import PREFERENCE, RUNTIMES, listed
from lmk.system.errors import UsageError

ROWS_PER_FILE = 100_000  # 10,000 pictures of one object with ten landmarks, some 20 s of a core


@dataclass(frozen=True)
class LabelOptions:
    """Options of `lmk label`.

    model: a shipped model, a model or run folder, a .adapter file or an exported file. region: as
    in `Landmarker`. runtime, device: see `open_backend`. precision: that the runtime computes in;
    None leaves it to the model. image_column: of Parquet. rows_per_file: of the results, if every
    picture shows one object. Raises UsageError.
    """

    model: str
    region: str = ""
    runtime: str = "auto"
    device: str | None = None
    precision: str | None = None
    image_column: str = "image"
    rows_per_file: int = ROWS_PER_FILE

    def __post_init__(self) -> None:
        if self.rows_per_file < 1:
            raise UsageError(f"--rows-per-file {self.rows_per_file}: expected at least 1")
        if self.region.partition(":")[0] == "track":
            raise UsageError(
                f"--region {self.region}: pictures are labelled each by itself. Omit track, or "
                "follow the objects of a video with  lmk run"
            )


def runtime_computing(runtime: str, device: str, precision: str) -> str:
    """The first runtime that is allowed, installed and computes in the precision.

    Raises UsageError if there is none.
    """
    known = list(RUNTIMES) if runtime == "auto" else [runtime]
    order = [name for name in PREFERENCE[device] if name in known] or known
    for name in order:
        on_device = RUNTIMES[name].devices.get(device)
        if on_device and precision in on_device.computes and find_spec(RUNTIMES[name].module):
            return name
    raise UsageError(
        f"--precision {precision}: {listed(order, 'and')} cannot compute in it on {device}, or is "
        "not installed. Choose another --runtime or --device"
    )
