"""The compiled part of counting colours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from icepipe.arrays import Int32, Int64
from icepipe.runtime.jit import compiled

Codes = NDArray[np.signedinteger[Any]]
"""int32 where a table holds all colours, else int64."""


@compiled
def pack(pixels: NDArray[np.unsignedinteger[Any]], bits: int, codes: Codes) -> None:
    """Write one number for the colour of each pixel; pixels have shape (n, channels), codes shape (n,)."""
    for i in range(pixels.shape[0]):
        code = 0
        for channel in range(pixels.shape[1]):
            code = (code << bits) | int(pixels[i, channel])
        codes[i] = code


@compiled
def count_codes(codes: Codes, counts: Int64) -> None:
    """Add how often each number occurs."""
    for code in codes:
        counts[code] += 1


@compiled
def replace_codes(codes: Codes, ranks: Int32) -> None:
    """Put its rank in the place of each number."""
    for i in range(len(codes)):
        codes[i] = ranks[codes[i]]
