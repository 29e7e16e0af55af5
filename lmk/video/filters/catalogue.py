"""The table of filters. A new filter is one file in this folder and one line in the table."""

from __future__ import annotations

from collections.abc import Callable

from lmk.system.errors import UsageError
from lmk.video.filters.base import Filter, Smoothing
from lmk.video.filters.one_euro import OneEuro

FILTERS: dict[str, Callable[[Smoothing], Filter]] = {
    "one-euro": OneEuro,
}


def new_filter(options: Smoothing) -> Filter:
    """Make the filter of one object. Raises UsageError for a name that is not in the table."""
    if options.filter not in FILTERS:
        known = ", ".join(FILTERS)
        raise UsageError(f"unknown filter {options.filter!r}: expected one of {known}")
    return FILTERS[options.filter](options)
