"""The compiled part of counting: pixels, and borders."""

from __future__ import annotations

from icepipe.compiled import compiled
from icepipe.records import Bool, Int64, UInt8, UInt16


@compiled
def count_pixels(strata: UInt16, units: Int64, pixels: Int64, sums: Int64) -> None:
    """Add pixels, and their area units, to those of their strata; shapes (n,), and one for every number."""
    for i in range(strata.shape[0]):
        pixels[strata[i]] += 1
        sums[strata[i]] += units[i]


@compiled
def count_pixels_of(key: int, keys: UInt16, strata: UInt16, units: Int64, pixels: Int64, sums: Int64) -> None:
    """:func:`count_pixels` of those that have a key; ``keys`` has the shape (n,), too."""
    for i in range(strata.shape[0]):
        if keys[i] == key:
            pixels[strata[i]] += 1
            sums[strata[i]] += units[i]


@compiled
def add_borders(codes: UInt8, units: Int64, above: int, left: int, seen: Bool, sums: Int64) -> None:
    """Add the area units on both sides of every border between classes that are seen to each of the two.

    Of the first ``above`` rows only the borders to what lies below are counted, and of the first ``left`` columns those
    to what lies on their right. ``seen`` and ``sums`` have one for every code.
    """
    height = codes.shape[0]
    for row in range(height):
        if row >= above:
            _along(codes[row, :-1], codes[row, 1:], units[row, :-1], units[row, 1:], seen, sums)
        if row + 1 < height:
            _along(codes[row, left:], codes[row + 1, left:], units[row, left:], units[row + 1, left:], seen, sums)


@compiled
def _along(one: UInt8, other: UInt8, units: Int64, other_units: Int64, seen: Bool, sums: Int64) -> None:
    """Add the borders between pixels and their neighbours, item by item."""
    for i in range(len(one)):
        if one[i] != other[i] and seen[one[i]] and seen[other[i]]:
            both = units[i] + other_units[i]
            sums[one[i]] += both
            sums[other[i]] += both
