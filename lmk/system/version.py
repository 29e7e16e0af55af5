"""The version of lmk, for itself and for the files that it writes."""

DISTRIBUTION = "lmk-toolkit"  # on PyPI, where another project has the name lmk
__version__ = "0.1.0"
