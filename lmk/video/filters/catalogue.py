"""The table of filters.

A new filter is one file in this folder and one line in the table. It imports nothing slow, because
the help of `lmk run` reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lmk.artifact.catalogue import load
from lmk.system.errors import UsageError

if TYPE_CHECKING:
    from lmk.video.filters.base import Filter, Smoothing

FILTERS = {"one-euro": "lmk.video.filters.one_euro:OneEuro"}
"""MODULE:CLASS of each filter; the class takes a `Smoothing` and gives a `Filter`."""


def new_filter(options: Smoothing) -> Filter:
    """Make a filter. Raises UsageError for a name that is not in the table."""
    if options.filter not in FILTERS:
        known = ", ".join(FILTERS)
        raise UsageError(f"unknown filter {options.filter!r}: expected one of {known}")
    made: Filter = load(FILTERS[options.filter])(options)
    return made
