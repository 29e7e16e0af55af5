"""Which files are pictures, by their suffixes; of other files their content decides."""

STILL_SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
"""Those that are also written."""
ANIMATED_SUFFIXES = {".apng", ".gif"}
SUFFIXES = STILL_SUFFIXES | ANIMATED_SUFFIXES | {".avif", ".jfif", ".jpe", ".mpo"}
