"""Compiled kernels that compare class rasters pixel by pixel; rasters are flat, of shape (n,)."""

from __future__ import annotations

import numpy as np

from icepipe.arrays import Bool, UInt8
from icepipe.classes import ClassCode
from icepipe.runtime.jit import compiled

UNOBSERVED, OUTSIDE = int(ClassCode.UNOBSERVED), int(ClassCode.OUTSIDE)


@compiled
def fill_gain_loss(before: UInt8, after: UInt8, is_seen: Bool, gained: UInt8, lost: UInt8) -> None:
    """Fill in the class that each pixel gained and the class that it lost.

    ``is_seen`` is a table by class code, shape (256,).
    """
    for i in range(len(before)):
        # A change from or to cloud, land or nothing says nothing about the surface.
        changed = before[i] != after[i] and is_seen[before[i]] and is_seen[after[i]]
        gained[i] = after[i] if changed else np.uint8(UNOBSERVED)
        lost[i] = before[i] if changed else np.uint8(UNOBSERVED)


@compiled
def start_last_seen(now: UInt8, can_be_seen: Bool, is_open: Bool, last: UInt8) -> None:
    """Mark the pixels whose last seen class is to be found, and fill in the code of all pixels until it is."""
    for i in range(len(now)):
        is_open[i] = can_be_seen[now[i]]
        # Pixels outside the region stay outside, so that both rasters cover one region.
        last[i] = now[i] if now[i] == OUTSIDE else np.uint8(UNOBSERVED)


@compiled
def update_last_seen(classes: UInt8, is_seen: Bool, is_open: Bool, last: UInt8) -> int:
    """Fill in the class of open pixels that an earlier raster shows, and return how many stay open."""
    n_open = 0
    for i in range(len(classes)):
        shown = is_open[i] and is_seen[classes[i]]
        last[i] = classes[i] if shown else last[i]
        is_open[i] = is_open[i] and not shown
        n_open += is_open[i]
    return n_open
