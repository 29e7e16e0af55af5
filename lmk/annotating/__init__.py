"""Put named points into pictures, on a page of this machine."""

import lmk.web  # noqa: F401, which says what to install
