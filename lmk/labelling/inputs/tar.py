"""The pictures of a tar, as WebDataset writes them."""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from lmk.arrays import Image
from lmk.data.decode import decode_image
from lmk.data.memory import FILE_BYTES
from lmk.data.suffixes import SUFFIXES
from lmk.labelling.inputs.files import bgr
from lmk.labelling.inputs.shard import Input, Shard, refused
from lmk.labelling.place import Place, open_place
from lmk.system.errors import DataError
from lmk.system.text import writable


def read(shard: Shard) -> Iterator[Input]:
    """Yield the pictures of a tar, by their suffixes, in its order. Raises DataError.

    Names are only names: nothing is unpacked, and links are not followed.
    """
    place = open_place(shard.folder).below(shard.names[0])
    number = 0
    with place.opened() as file, _tar(file, place) as tar:
        while (member := _next(tar, place)) is not None:
            tar.members = []  # type: ignore[attr-defined]  # it would keep all of them
            if not member.isfile() or posixpath.splitext(member.name)[1].lower() not in SUFFIXES:
                continue
            name = writable(member.name)
            if member.size > FILE_BYTES:
                why = f"{name} has {member.size / 1e6:,.0f} MB, more than {FILE_BYTES / 1e6:.0f}"
                yield refused(number, name, DataError(why))
            else:
                data = _bytes(tar, member, place)
                yield Input(number, 0.0, name, partial(_load, data, name))
            number += 1


class _Bounded:
    """A file that does not read more at once than a picture may have, as a wrong header would."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, count: int) -> bytes:
        if count > FILE_BYTES:
            raise tarfile.ReadError(f"a header of {count:,} bytes")
        return self._file.read(count)


def _tar(file: BinaryIO, place: Place) -> tarfile.TarFile:
    try:
        return tarfile.open(fileobj=_Bounded(file), mode="r:")  # type: ignore[call-overload,no-any-return]
    except tarfile.TarError as error:
        raise DataError(f"{place} is not an uncompressed tar: {error}") from error


def _next(tar: tarfile.TarFile, place: Place) -> tarfile.TarInfo | None:
    try:
        return tar.next()
    except (tarfile.TarError, ValueError) as error:
        raise DataError(f"{place} is damaged: {error}") from error


def _bytes(tar: tarfile.TarFile, member: tarfile.TarInfo, place: Place) -> bytes:
    try:
        file = tar.extractfile(member)
        assert file is not None
        return file.read()
    except (tarfile.TarError, OSError) as error:
        raise DataError(f"{place} is damaged at {writable(member.name)}: {error}") from error


def _load(data: bytes, name: str) -> Image:
    return bgr(decode_image(data, name))
