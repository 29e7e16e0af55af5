"""Which files are pictures, by their suffixes."""

STILL_SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
SUFFIXES = STILL_SUFFIXES | {".apng", ".gif"}
