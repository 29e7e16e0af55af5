"""Serve a site on this machine, to look at it and to check it."""

import lmk.web  # noqa: F401, which says what to install
