"""The files of a download: found, or missed with their name and the set's public page."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lmk.data.prepare.catalogue import PublicSet
from lmk.errors import DataError, missing_extra


@dataclass(frozen=True)
class Source:
    """The folder `root` that a public set was unpacked to."""

    root: Path
    about: PublicSet

    def find(self, *names: str) -> Path:
        """Find the first of several places that a file or folder may have below the root.

        Raises DataError that names the file, the set and the page it comes from.
        """
        for name in names:
            if (self.root / name).exists():
                return self.root / name
        raise DataError(
            f"{self.root} lacks {' or '.join(names)}, a part of {self.about.title}, "
            f"which comes from {self.about.page}"
        )

    def lines(self, file: Path, columns: int) -> list[list[str]]:
        """Read a list of blank-separated fields, empty lines left out.

        Raises DataError where a line has fewer than `columns` fields.
        """
        try:
            rows = [line.split() for line in file.read_text().splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"cannot read {file}, a list of {self.about.title}: {error}") from error
        for number, row in enumerate(rows, 1):
            if row and len(row) < columns:
                raise DataError(
                    f"{file}, line {number}: {len(row)} fields, expected {columns} as in the list "
                    f"of {self.about.title} from {self.about.page}"
                )
        return [row for row in rows if row]

    def mat(self, file: Path, *keys: str) -> dict[str, Any]:
        """Read a MATLAB file; structs become dicts, arrays keep what is left without unit axes.

        Raises DataError when it cannot be read or lacks one of `keys`, and UnavailableError
        without scipy.
        """
        try:
            from scipy.io.matlab import MatReadError, loadmat
        except ImportError as error:
            raise missing_extra("scipy", "train") from error
        try:
            content: dict[str, Any] = loadmat(file, simplify_cells=True)
        except NotImplementedError as error:
            raise DataError(
                f"{file} is a MATLAB 7.3 file, which scipy does not read: in MATLAB or Octave, "
                "load it and save it again with  save -v7"
            ) from error
        except (ValueError, TypeError, OSError, MatReadError, zlib.error) as error:
            raise DataError(f"{file} is not a MATLAB file that scipy can read: {error}") from error
        missing = [key for key in keys if key not in content]
        if missing:
            raise DataError(
                f"{file} lacks the variable {', '.join(missing)} of {self.about.title}; "
                f"compare it with the download from {self.about.page}"
            )
        return content

    def points(self, file: Path, key: str, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        """Read an array of numbers from a MATLAB file; -1 in `shape` stands for any length.

        Raises DataError for another shape.
        """
        found = np.asarray(self.mat(file, key)[key])
        expected = " x ".join("N" if length < 0 else str(length) for length in shape)
        if found.ndim != len(shape) or any(
            length not in (-1, size) for length, size in zip(shape, found.shape, strict=True)
        ):
            got = " x ".join(map(str, found.shape))
            raise DataError(f"{file}: {key} is {got}, expected {expected}")
        return found.astype(np.float32)
