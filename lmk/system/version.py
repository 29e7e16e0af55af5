"""The version of lmk, for itself and for the files that it writes."""

__version__ = "0.1.0"
