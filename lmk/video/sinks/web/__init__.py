"""Show results as a page in browsers."""

import lmk.web  # noqa: F401, which says what to install
