"""The types of arrays for signatures; docstrings give shapes and units."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
"""(H, W, 3), BGR as in OpenCV if the name ends in `_bgr`, else RGB."""
Images = npt.NDArray[np.uint8]
"""(N, H, W, 3), RGB."""
FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]
Points = npt.NDArray[np.floating]
"""(..., 2), (x, y), float32 or float64."""
Flags = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]
AnyArray = npt.NDArray[Any]
Arrays = dict[str, FloatArray]
"""A network's parameters, or a graph's tensors, by name."""
