"""The compiled part of well-known binary: little-endian bytes of polygons in ragged arrays."""

from __future__ import annotations

from icepipe.compiled import compiled
from icepipe.records import Int64, UInt8, UInt64

LITTLE_ENDIAN, POLYGON = 1, 3


@compiled
def _put(number: int, size: int, at: int, out: UInt8) -> int:
    """Write the bytes of a number, the last first; the place after them."""
    for byte in range(size):
        out[at + byte] = number >> 8 * byte & 255
    return at + size


@compiled
def _put_ring(bits: UInt64, first: int, end: int, backwards: bool, at: int, out: UInt8) -> int:
    """Write the points of a ring, which ends where it begins, on its way or the other way; the place after them."""
    for step in range(end - first):
        point = end - 1 - step if backwards else first + step
        for axis in range(2):
            number = bits[point, axis]
            for byte in range(8):
                out[at + byte] = number & 255
                number >>= 8
            at += 8
    return at


@compiled
def write_wkb(bits: UInt64, rings: Int64, pieces: Int64, backwards: bool, offsets: Int64, out: UInt8) -> None:
    """Write polygons from ``offsets`` on each; ``bits`` are those of the points, shape (n, 2)."""
    for piece in range(pieces.shape[0] - 1):
        first, end = pieces[piece], pieces[piece + 1]
        at = _put(LITTLE_ENDIAN, 1, offsets[piece], out)
        at = _put(POLYGON, 4, at, out)
        at = _put(end - first, 4, at, out)
        for ring in range(first, end):
            at = _put(rings[ring + 1] - rings[ring], 4, at, out)
            at = _put_ring(bits, rings[ring], rings[ring + 1], backwards, at, out)
