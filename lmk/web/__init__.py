"""A server of pages on this machine."""

from lmk.system.errors import missing_extra

try:
    import starlette  # noqa: F401
    import uvicorn  # noqa: F401
except ImportError as error:
    raise missing_extra("starlette or uvicorn", "web") from error
