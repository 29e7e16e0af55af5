"""What `import lmk` offers programs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import lmk

LIGHT = """
import sys, lmk
names = dir(lmk)
heavy = [name for name in ("torch", "cv2", "numpy", "onnxruntime") if name in sys.modules]
print(heavy, *(name in names for name in lmk.__all__))
"""


def test_import_waits_for_no_library_and_completion_sees_every_name() -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True)
    assert done.stdout.split() == ["[]"] + ["True"] * len(lmk.__all__), done.stderr


def test_every_name_is_there_and_type_checkers_see_it_in_the_same_module() -> None:
    tree = ast.parse(Path(lmk.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {name.name: node.module for node in block.body for name in node.names}
    assert seen == lmk._MODULES
    assert set(lmk.__all__) == {*seen, "__version__"}
    assert all(getattr(lmk, name).__module__ == module for name, module in seen.items())
