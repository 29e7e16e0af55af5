"""Find and read the files of a download; errors name the file and the set's public page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lmk.arrays import FloatArray
from lmk.data.prepare.catalogue import PublicSet
from lmk.data.read_file import check_regular, read_text
from lmk.system.errors import DataError, missing_extra


@dataclass(frozen=True)
class Source:
    """The folder `root` that a public set was unpacked to."""

    root: Path
    about: PublicSet

    def find(self, *names: str) -> Path:
        """Find the first existing one of several paths below the root.

        Raises DataError that names the file, the set and its page.
        """
        for name in names:
            if (self.root / name).exists():
                return self.root / name
        raise DataError(
            f"{self.root} lacks {' or '.join(names)}, a part of {self.about.title}: get it from "
            f"{self.about.page}"
        )

    def names(self, file: Path) -> list[str]:
        """Read a list of names: the first field of each line. Raises DataError."""
        return [fields[0] for _, fields in self._lines(file)]

    def rows(self, file: Path, count: int, heading: int = 0) -> list[tuple[str, FloatArray]]:
        """Read a list of names, each followed by `count` numbers or more, below a heading.

        Returns the names with float32 arrays (count,). Raises DataError that names the line.
        """
        return [
            (fields[0], self._numbers(file, line, fields[1 : count + 1], count))
            for line, fields in self._lines(file)[heading:]
        ]

    def _lines(self, file: Path) -> list[tuple[int, list[str]]]:
        lines = [line.split() for line in read_text(file).splitlines()]
        return [(number, fields) for number, fields in enumerate(lines, 1) if fields]

    def _numbers(self, file: Path, line: int, fields: list[str], count: int) -> FloatArray:
        try:
            numbers = np.array(fields, np.float32)
        except ValueError:
            numbers = np.zeros(0, np.float32)
        if len(numbers) < count or not np.isfinite(numbers).all():
            raise DataError(
                f"{file}, line {line}: expected a name and {count} numbers, got "
                f"{' '.join(fields[:4])} ...; compare the list with that of {self.about.page}"
            )
        return numbers

    def mat(self, file: Path, *keys: str) -> dict[str, Any]:
        """Read a MATLAB file; structs become dicts, arrays keep what is left without unit axes.

        Raises DataError when it cannot be read or lacks one of `keys`, and UnavailableError
        without scipy.
        """
        try:
            from scipy.io.matlab import loadmat
        except ImportError as error:
            raise missing_extra("scipy", "train") from error
        check_regular(file)
        try:
            content: dict[str, Any] = loadmat(file, simplify_cells=True)
        except NotImplementedError as error:
            raise DataError(
                f"{file} is a MATLAB 7.3 file, which SciPy does not read: in MATLAB or Octave, "
                "load it and save it again with  save -v7"
            ) from error
        except Exception as error:  # broken bytes make SciPy raise almost anything
            raise DataError(f"{file} is not a MATLAB file that SciPy can read: {error}") from error
        missing = [key for key in keys if key not in content]
        if missing:
            raise DataError(
                f"{file} lacks the variable {', '.join(missing)} of {self.about.title}; "
                f"compare it with the download from {self.about.page}"
            )
        return content

    def points(self, file: Path, key: str, shape: tuple[int, ...]) -> FloatArray:
        """Read an array of numbers from a MATLAB file; -1 in `shape` stands for any length.

        Raises DataError for another shape, and for NaN and infinity.
        """
        found = np.asarray(self.mat(file, key)[key])
        expected = " x ".join("N" if length < 0 else str(length) for length in shape)
        if found.ndim != len(shape) or any(
            length not in (-1, size) for length, size in zip(shape, found.shape, strict=True)
        ):
            got = " x ".join(map(str, found.shape))
            raise DataError(f"{file}: {key} is {got}, expected {expected}")
        try:
            points = found.astype(np.float32)
        except (TypeError, ValueError) as error:
            raise DataError(f"{file}: {key} has entries that are not numbers") from error
        if not np.isfinite(points).all():
            raise DataError(f"{file}: {key} has entries that are not finite numbers")
        return points
