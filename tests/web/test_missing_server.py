"""Without the packages of the extra `web`, what serves pages says what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import sys
sys.modules[{package!r}] = None
from lmk.system.errors import UnavailableError
try:
    import {module}
except UnavailableError as error:
    print(error)
"""


@pytest.mark.parametrize("package", ["starlette", "uvicorn"])
@pytest.mark.parametrize(
    "module",
    [
        "lmk.annotating.annotate",
        "lmk.browser.serving.serve_site",
        "lmk.browser.serving.in_browser",
        "lmk.video.sinks.web.sink",
    ],
)
def test_a_missing_package_is_named_with_its_remedy(package: str, module: str) -> None:
    code = CODE.format(package=package, module=module)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'lmk-toolkit[web]" in done.stdout
