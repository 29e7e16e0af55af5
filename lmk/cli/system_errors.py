"""Errors of the system that no command expects, in one line."""

from __future__ import annotations

import errno

from lmk.system.text import writable

# What libraries say when there is no memory; Python and numpy raise MemoryError.
NO_MEMORY = (
    "can't allocate memory",  # PyTorch
    "cannot allocate memory",
    "out of memory",  # CUDA
    "insufficient memory",  # OpenCV
    "bad allocation",  # ONNX Runtime
    "bad_alloc",
    "can't start new thread",
    "failed to map segment",  # a library that cannot be loaded
)
NOT_WRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


def in_one_line(error: Exception) -> str:
    """What the system could not do, and the remedy; empty for other errors."""
    if isinstance(error, MemoryError) or any(one in str(error).lower() for one in NO_MEMORY):
        return "not enough memory: close other programs, raise the limit, or process less at once"
    if isinstance(error, UnicodeEncodeError) and writable(error.object) != error.object:
        return f"a library takes only names in UTF-8: rename {error.object}"
    if not isinstance(error, OSError):
        return ""
    reason = error.strerror or str(error)
    if error.filename:
        return f"{error.filename}: {reason}"
    if error.errno in NOT_WRITABLE:  # of a stream, which has no name: standard output above all
        return f"cannot write the output: {reason}. Free space or redirect it elsewhere"
    return reason
