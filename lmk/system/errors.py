"""The errors of lmk.

    LmkError                 exit code 1: the work failed
      UsageError             2: the call is wrong; nothing was done
      ParityError            3: an exported file does not reproduce its network
      UnavailableError       4: a requested runtime, device or package is missing
      DataError              1: images or annotations cannot be used
      WeightsError           1: a model, core or adapter file cannot be used
      SourceError            1: a video source cannot be read
      OutputError            1: a result cannot be written
      TrainingError          1: training cannot continue

A message is one line: what was expected, what was found, and the remedy. Only the command line
catches these errors.
"""

import sys

from lmk.system.install import install, reinstall

LONGEST = 2000  # characters of a message


class LmkError(Exception):
    """Base of all errors of lmk; `exit_code` is that of the command line.

    Of a message with long names or lists the middle is left out: the remedy is at the end.
    """

    exit_code = 1

    def __init__(self, message: str) -> None:
        if len(message) > LONGEST:
            message = f"{message[: LONGEST - 500]} ... {message[-400:]}"
        super().__init__(message)


class UsageError(LmkError):
    """The arguments contradict each other or are outside their range."""

    exit_code = 2


class ParityError(LmkError):
    """An exported file returns other landmarks than the network that it was made from."""

    exit_code = 3


class UnavailableError(LmkError):
    """A requested runtime, device, precision or package is not on this machine."""

    exit_code = 4


class DataError(LmkError):
    """Images or annotations cannot be used."""


class WeightsError(LmkError):
    """A model folder, weights file or adapter cannot be used."""


class SourceError(LmkError):
    """A picture, folder, video, camera or stream cannot be read."""


class OutputError(LmkError):
    """A result cannot be written."""


class TrainingError(LmkError):
    """Training cannot continue."""


def missing_extra(package: str, extra: str) -> UnavailableError:
    """Build the error for a package that is not installed, naming the command that installs it.

    While another ImportError is handled, the package is there but cannot be loaded.
    """
    error = sys.exc_info()[1]
    if isinstance(error, ImportError) and not isinstance(error, ModuleNotFoundError):
        reason = str(error).strip().partition("\n")[0]
        return UnavailableError(
            f"{package} is installed but cannot be loaded: {reason}. Install what it lacks, free "
            f"memory, or run  {reinstall(package)}"
        )
    return UnavailableError(f"{package} is not installed: run  {install(package, extra)}")
