"""Compiled kernels of area measurement: pixel counts per stratum, borders between classes, and the sieve."""

from __future__ import annotations

from icepipe.arrays import Bool, Int32, Int64, UInt8, UInt16
from icepipe.classes import SEEN
from icepipe.raster._kernels import find_root, union
from icepipe.runtime.jit import compiled
from icepipe.segment.mixtures.shares import CODE, FULL, MAY_BE_THIRD, Bound

LOW, BEST, HIGH = int(Bound.LOW), int(Bound.BEST), int(Bound.HIGH)
ALL_SEEN = int(sum(SEEN))
"""Sum of the codes of the three classes that are seen."""


@compiled
def count_pixels(strata: UInt16, units: Int64, pixels: Int64, sums: Int64) -> None:
    """Accumulate pixel counts and areas per stratum; ``strata``, ``units``: (n,); ``pixels``, ``sums``: (n_strata,)."""
    for i in range(strata.shape[0]):
        pixels[strata[i]] += 1
        sums[strata[i]] += units[i]


@compiled
def count_pixels_where(key: int, keys: UInt16, strata: UInt16, units: Int64, pixels: Int64, sums: Int64) -> None:
    """Do the same as :func:`count_pixels` for the pixels whose key is ``key``; ``keys``: (n,)."""
    for i in range(strata.shape[0]):
        if keys[i] == key:
            pixels[strata[i]] += 1
            sums[strata[i]] += units[i]


@compiled
def count_mixtures(
    key: int,
    keys: UInt16,
    pairs: UInt8,
    shares: UInt8,
    strata: UInt16,
    units: Int64,
    mixed: Int64,
    parts: Int64,
) -> int:
    """Accumulate the area of mixed pixels whose key is ``key``; return that of pixels shared by two surfaces.

    Parameters
    ----------
    keys, pairs, shares, strata
        Key, surfaces, shares and stratum of each pixel, as in :class:`icepipe.segment.mixtures.shares.Mixtures`;
        shapes (n,), and (3, n) for the shares.
    units
        Area of each pixel; shape (n,).
    mixed
        Takes the area by stratum; shape (65536,).
    parts
        Takes area times share, in 1/``FULL``, by class code and bound; shape (4, 3).
    """
    shared = 0
    for i in range(len(pairs)):
        if pairs[i] == 0 or keys[i] != key:
            continue
        area, one, other = units[i], pairs[i] >> 2 & CODE, pairs[i] & CODE
        third = ALL_SEEN - one - other
        mixed[strata[i]] += area
        parts[one, BEST] += area * shares[BEST, i]
        parts[other, BEST] += area * (FULL - shares[BEST, i])
        parts[one, HIGH] += area * shares[HIGH, i]
        parts[other, HIGH] += area * (FULL - shares[LOW, i])
        if pairs[i] & MAY_BE_THIRD:
            # The pixel may be none of its two surfaces.
            parts[third, HIGH] += area * FULL
        else:
            parts[one, LOW] += area * shares[LOW, i]
            parts[other, LOW] += area * (FULL - shares[HIGH, i])
        if 0 < shares[BEST, i] < FULL:
            shared += area
    return shared


@compiled
def add_borders(codes: UInt8, units: Int64, above: int, left: int, seen: Bool, sums: Int64) -> None:
    """Add the area units on both sides of every border between two seen classes to the sums of both classes.

    Borders within the first ``above`` rows and the first ``left`` columns are skipped: another block counts them.
    ``seen`` and ``sums`` have one item per class code, shape (256,).
    """
    height = codes.shape[0]
    for row in range(height):
        # Vertical borders: each pixel against its right neighbour, in the rows of this block only.
        if row >= above:
            _add_edges(codes[row, :-1], codes[row, 1:], units[row, :-1], units[row, 1:], seen, sums)
        # Horizontal borders: each pixel against the one below, in the columns of this block only.
        if row + 1 < height:
            _add_edges(codes[row, left:], codes[row + 1, left:], units[row, left:], units[row + 1, left:], seen, sums)


@compiled
def _add_edges(first: UInt8, second: UInt8, units: Int64, second_units: Int64, seen: Bool, sums: Int64) -> None:
    """Add the borders between two lines of pixels, item by item; all of shape (n,)."""
    for i in range(len(first)):
        if first[i] != second[i] and seen[first[i]] and seen[second[i]]:
            both = units[i] + second_units[i]
            sums[first[i]] += both
            sums[second[i]] += both


@compiled
def _append_pair(first: int, second: int, small: Bool, pairs: Int32, count: int) -> int:
    """Append a pair of different components of which one is small, and return the number of pairs."""
    # -1 marks a run that belongs to no component.
    if first < 0 or second < 0 or first == second or not (small[first] or small[second]):
        return count
    # Beyond the capacity of ``pairs`` the pairs are counted only, so that the caller can allocate.
    if count < len(pairs):
        pairs[count, 0], pairs[count, 1] = first, second
    return count + 1


@compiled
def find_neighbours(starts: Int32, number: Int32, rows: Int64, small: Bool, pairs: Int32) -> int:
    """Find pairs of components that share a pixel side and of which one is small; return the number of pairs.

    ``pairs``, shape (n, 2), receives as many as fit; a pair can occur several times. ``number`` is the component of
    each run length, -1 for none.
    """
    count = 0
    for row in range(len(rows) - 1):
        # Neighbours within the row; its last run length is the sentinel that ends it.
        for run in range(rows[row], rows[row + 1] - 1):
            count = _append_pair(number[run], number[run + 1], small, pairs, count)
        if row:
            # Walk the run lengths of both rows together; (i, j) overlap in at least one column.
            i, j = rows[row - 1], rows[row]
            last_above, last_below = -1, -1
            while i < rows[row] - 1:
                # Repeats are common along a border; skip them where they follow one another.
                if number[i] != last_above or number[j] != last_below:
                    count = _append_pair(number[i], number[j], small, pairs, count)
                    last_above, last_below = number[i], number[j]
                # Advance whichever ends first, or both; the comparisons are added to avoid a branch.
                above_ends, below_ends = starts[i + 1], starts[j + 1]
                i += above_ends <= below_ends
                j += below_ends <= above_ends
    return count


@compiled
def _is_larger(first: int, second: int, size: Int64, codes: UInt8) -> bool:
    """Return whether a component is larger than another; ties go to the lower code, then to the lower number."""
    if size[first] != size[second]:
        return bool(size[first] > size[second])
    if codes[first] != codes[second]:
        return bool(codes[first] < codes[second])
    return first < second


@compiled
def find_largest(pairs: Int32, size: Int64, codes: UInt8, least: float, largest: Int32) -> None:
    """Write the largest among each small component and its neighbours into ``largest``, initially the identity."""
    for pair in range(len(pairs)):
        first, second = pairs[pair, 0], pairs[pair, 1]
        if size[first] < least and _is_larger(second, largest[first], size, codes):
            largest[first] = second
        if size[second] < least and _is_larger(first, largest[second], size, codes):
            largest[second] = first


@compiled
def join_same_class(pairs: Int32, codes: UInt8, first: Int32) -> int:
    """Join touching components of one class, drop the pairs inside a joined component, and return how many remain.

    ``first`` is initially the identity and receives the first component of each joined one. The remaining pairs are
    moved to the beginning of ``pairs``.
    """
    for pair in range(len(pairs)):
        if codes[pairs[pair, 0]] == codes[pairs[pair, 1]]:
            union(first, pairs[pair, 0], pairs[pair, 1])
    # Flatten the union-find forest, so that the caller can index with ``first`` directly.
    for component in range(len(first)):
        first[component] = find_root(first, component)
    # Compact in place: ``remaining`` never overtakes ``pair``.
    remaining = 0
    for pair in range(len(pairs)):
        a, b = first[pairs[pair, 0]], first[pairs[pair, 1]]
        if a != b:
            pairs[remaining, 0], pairs[remaining, 1] = a, b
            remaining += 1
    return remaining


@compiled
def reassign_strata(
    starts: Int32, number: Int32, rows: Int64, before: UInt8, after: UInt8, moved: UInt16, strata: UInt16
) -> None:
    """Set the pixels of every component that changes class to the stratum ``moved[before, after]``.

    Shapes: ``before`` and ``after`` (n_components,), ``moved`` (256, 256), ``strata`` (rows, columns).
    """
    for row in range(len(rows) - 1):
        for run in range(rows[row], rows[row + 1]):
            component = number[run]
            if component >= 0 and before[component] != after[component]:
                strata[row, starts[run] : starts[run + 1]] = moved[before[component], after[component]]
