"""Type aliases of arrays and of rasterio datasets."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Dataset = Any
"""Open rasterio dataset; rasterio has no type hints."""

UInt8 = NDArray[np.uint8]
UInt16 = NDArray[np.uint16]
UInt32 = NDArray[np.uint32]
UInt64 = NDArray[np.uint64]
StoredPixels = NDArray[np.integer[Any]]
"""Stored pixels of bands: bytes of a picture, or integer units of reflectance."""
Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]
Int16 = NDArray[np.int16]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
