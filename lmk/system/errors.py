"""Every error that lmk raises on purpose.

    LmkError                 exit code 1: the work failed
      UsageError             2: the call is wrong, nothing was tried
      ParityError            3: an exported file does not reproduce its network
      UnavailableError       4: a runtime, device or package asked for is not here
      DataError              1: images or annotations cannot be used
      WeightsError           1: a model, core or adapter file cannot be used
      SourceError            1: a video source cannot be read
      OutputError            1: a result cannot be written
      TrainingError          1: training cannot go on

A message is one line: what was expected, what came, and how to mend it. Only the command line
catches these.
"""

from lmk.system.install import install


class LmkError(Exception):
    """Base of every error raised on purpose; `exit_code` is what the command line returns."""

    exit_code = 1


class UsageError(LmkError):
    """The arguments contradict each other or lie outside their range."""

    exit_code = 2


class ParityError(LmkError):
    """An exported file gives other landmarks than the network it was made from."""

    exit_code = 3


class UnavailableError(LmkError):
    """A runtime, device, precision or package that was asked for is not on this machine."""

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
    """Training cannot go on."""


def missing_extra(package: str, extra: str) -> UnavailableError:
    """Build the error for a package that is not installed, naming the command that installs it."""
    return UnavailableError(f"{package} is not installed: run  {install(package, extra)}")
