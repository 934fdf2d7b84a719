"""The compiled part of making class rasters smaller."""

from __future__ import annotations

from icepipe.compiled import compiled
from icepipe.records import UInt8


@compiled
def halve(classes: UInt8, nothing: int, out: UInt8) -> None:
    """The most frequent of every four pixels, of equals the first; ``nothing`` only where all four are that."""
    for row in range(out.shape[0]):
        _halve_rows(classes[2 * row], classes[2 * row + 1], nothing, out[row])


@compiled
def _halve_rows(above: UInt8, below: UInt8, nothing: int, out: UInt8) -> None:
    """Chosen without a branch, so that many are worked on at once."""
    for i in range(len(out)):
        a, b, c, d = above[2 * i], above[2 * i + 1], below[2 * i], below[2 * i + 1]
        most = a if (a == b) | (a == c) | (a == d) else (b if (b == c) | (b == d) else (c if c == d else a))
        first = a if a != nothing else (b if b != nothing else (c if c != nothing else d))
        out[i] = most if most != nothing else first
