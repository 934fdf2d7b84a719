"""The compiled part of change: class rasters compared pixel by pixel; all arrays but tables have the shape (n,)."""

from __future__ import annotations

import numpy as np

from icepipe.arrays import Bool, UInt8
from icepipe.classes import ClassCode
from icepipe.runtime.jit import compiled

NOTHING, OUTSIDE = int(ClassCode.UNOBSERVED), int(ClassCode.OUTSIDE)


@compiled
def fill_gain_loss(before: UInt8, after: UInt8, is_seen: Bool, gained: UInt8, lost: UInt8) -> None:
    """The class that each pixel gained and lost; nothing where it changed between no two classes that are seen."""
    for i in range(len(before)):
        changed = before[i] != after[i] and is_seen[before[i]] and is_seen[after[i]]
        gained[i] = after[i] if changed else np.uint8(NOTHING)
        lost[i] = before[i] if changed else np.uint8(NOTHING)


@compiled
def start_last_seen(now: UInt8, can_be_seen: Bool, is_open: Bool, found: UInt8) -> None:
    """Pixels whose last class is still to be found, and nothing found, but outside where that is now."""
    for i in range(len(now)):
        is_open[i] = can_be_seen[now[i]]
        found[i] = now[i] if now[i] == OUTSIDE else np.uint8(NOTHING)


@compiled
def update_last_seen(classes: UInt8, is_seen: Bool, is_open: Bool, found: UInt8) -> int:
    """Find pixels that are open in a map where it shows their surface; how many stay open."""
    left = 0
    for i in range(len(classes)):
        here = is_open[i] and is_seen[classes[i]]
        found[i] = classes[i] if here else found[i]
        is_open[i] = is_open[i] and not here
        left += is_open[i]
    return left
