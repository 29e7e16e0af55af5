"""The log of a training: a CSV of its losses, TensorBoard events, pictures."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from lmk.system.errors import OutputError, missing_extra
from lmk.system.files import replacing, writing
from lmk.system.opencv import cv2

CSV = "log.csv"
EVENTS = "tensorboard"
PICTURES = "samples"


class Log:
    """Writes into a run folder; deletes entries of an earlier call after `first_step`.

    Raises OutputError when the folder cannot be written.
    """

    def __init__(self, run: Path, first_step: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise missing_extra("tensorboard", "train") from error
        self.run = run
        _trim(run / CSV, first_step)
        with writing(run / EVENTS):
            self._events = SummaryWriter(run / EVENTS, purge_step=first_step + 1)

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            with writing(self.run / EVENTS):
                self._events.close()
        except OutputError:
            if error is None:  # else that one came first, often from the same full disk
                raise

    def losses(self, step: int, losses: Mapping[str, float]) -> None:
        """Write one row of the CSV, and the same to TensorBoard."""
        path = self.run / CSV
        with writing(path), path.open("a", newline="") as file:
            writer = csv.DictWriter(file, ["step", *losses])
            if file.tell() == 0:
                writer.writeheader()
            writer.writerow({"step": step, **{k: f"{v:.6g}" for k, v in losses.items()}})
        self.figures(step, {f"loss/{name}": value for name, value in losses.items()})

    def figures(self, step: int, values: Mapping[str, float]) -> None:
        """Write scalars to TensorBoard."""
        with writing(self.run / EVENTS):
            for name, value in values.items():
                self._events.add_scalar(name, value, step)

    def picture(self, step: int, image: npt.NDArray[np.uint8]) -> None:
        """Write an RGB image (H, W, 3) as a JPEG and to TensorBoard."""
        path = self.run / PICTURES / f"{step:06d}.jpg"
        encoded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
        with writing(path):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(encoded.tobytes())
            self._events.add_image(PICTURES, image, step, dataformats="HWC")


def _trim(path: Path, step: int) -> None:
    """Delete incomplete rows and those after the checkpoint, which the resumed run repeats."""
    if not path.exists():
        return
    text = path.read_text(errors="replace").replace("\0", "")  # a power cut can leave either
    header, *rows = list(csv.reader(text.splitlines())) or [[]]
    whole = [row for row in rows if len(row) == len(header) and row[0].isdecimal()]
    kept = [row for row in whole if int(row[0]) <= step]
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        csv.writer(file).writerows([header, *kept] if header else [])
