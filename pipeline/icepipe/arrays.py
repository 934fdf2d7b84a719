"""Array types, and the open raster of rasterio."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Dataset = Any
"""An open rasterio dataset; rasterio is untyped."""


UInt8 = NDArray[np.uint8]
UInt16 = NDArray[np.uint16]
UInt32 = NDArray[np.uint32]
UInt64 = NDArray[np.uint64]
StoredPixels = NDArray[np.integer[Any]]
"""Kept numbers of bands: bytes of a picture, or whole units of reflectance."""
Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
