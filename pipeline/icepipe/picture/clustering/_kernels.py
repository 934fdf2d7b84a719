"""Compiled kernels that count the colours of a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from icepipe.arrays import Int32, Int64
from icepipe.runtime.jit import compiled

Codes = NDArray[np.signedinteger[Any]]
"""int32 if a table can hold all colours, else int64."""


@compiled
def pack_colours(pixels: NDArray[np.unsignedinteger[Any]], bits: int, codes: Codes) -> None:
    """Write the channels of each pixel as one integer; shapes: pixels (n, channels), codes (n,)."""
    for i in range(pixels.shape[0]):
        # The first channel takes the highest bits, so that codes sort as colours do.
        code = 0
        for channel in range(pixels.shape[1]):
            code = (code << bits) | int(pixels[i, channel])
        codes[i] = code


@compiled
def count_codes(codes: Codes, counts: Int64) -> None:
    """Add the number of occurrences of each code to its count; shapes: codes (n,), counts (2**bits,)."""
    for code in codes:
        counts[code] += 1


@compiled
def replace_codes(codes: Codes, ranks: Int32) -> None:
    """Replace each code by its rank, in place; shapes: codes (n,), ranks (2**bits,)."""
    # In place, as a picture may have 100 million pixels.
    for i in range(len(codes)):
        codes[i] = ranks[codes[i]]
