"""Compiled kernels for run-length rasters, connected components and overviews."""

from __future__ import annotations

import numpy as np

from icepipe.arrays import Bool, Int32, Int64, StoredPixels, UInt8, UInt32
from icepipe.runtime.jit import compiled


@compiled
def split_labels(labels: UInt32, mask: Bool, new_labels: Int64) -> None:
    """Move the pixels of a mask to labels of their own, a new one for each label that the mask contains.

    Parameters
    ----------
    labels, mask
        Shape (rows, columns); the labels are changed in place.
    new_labels
        Filled with the new label of every old one, shape (number of labels,); negative on input and where a label is
        not split. New labels are counted on from the number of labels, in raster order of their first pixel.
    """
    unused = len(new_labels)
    for row in range(labels.shape[0]):
        for col in range(labels.shape[1]):
            if mask[row, col]:
                label = labels[row, col]
                if new_labels[label] < 0:
                    new_labels[label] = unused
                    unused += 1
                labels[row, col] = new_labels[label]


@compiled
def find_root(parent: Int32, node: int) -> int:
    """Return the root of a node of a union-find forest, and shorten the path to it."""
    while parent[node] != node:
        # Path halving: every node that is passed moves to its grandparent.
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@compiled
def union(parent: Int32, first: int, second: int) -> None:
    """Merge the sets of two nodes of a union-find forest; the smaller root becomes the root of both."""
    root, other_root = find_root(parent, first), find_root(parent, second)
    if root < other_root:
        parent[other_root] = root
    else:
        parent[root] = other_root


@compiled
def union_rows(starts: Int32, codes: UInt8, parent: Int32, above: int, row: int, end: int) -> None:
    """Merge the runs of a row with the runs of the row above that they touch, where code and selection agree.

    The row above has the runs ``above`` to ``row``, the row itself the runs ``row`` to ``end``, half open; the last run
    of each is the border.
    """
    i, j = above, row
    while i < row - 1 and j < end - 1:
        # Codes are equal here, so that one sign says for both runs whether their class is selected.
        if codes[i] == codes[j] and parent[i] >= 0:
            union(parent, i, j)
        # The run that ends first is done; both are where they end at the same column.
        above_ends, below_ends = starts[i + 1], starts[j + 1]
        i += above_ends <= below_ends
        j += below_ends <= above_ends


@compiled
def number_components(starts: Int32, codes: UInt8, rows: Int64, selected: Bool, number: Int32) -> int:
    """Label the connected components of a run-length raster and return how many there are.

    Parameters
    ----------
    starts, codes, rows
        Arrays of a :class:`icepipe.raster.run_length.RunLengthRaster`.
    selected
        Whether a class code has components, shape (256,).
    number
        Filled with the component of every run, in order of their first runs, and with ``-1 - code`` for runs of other
        classes; shape (runs,). It serves as the parent array of the union-find forest on the way.
    """
    for run in range(len(number)):
        number[run] = run if selected[codes[run]] else -1 - codes[run]
    for row in range(1, len(rows) - 1):
        union_rows(starts, codes, number, rows[row - 1], rows[row], rows[row + 1])
    count = 0
    for run in range(len(number)):
        if number[run] == run:
            number[run] = count
            count += 1
        elif number[run] >= 0:
            # A parent has a smaller index than its run, so it holds its final number already.
            number[run] = number[number[run]]
    return count


@compiled
def fill_component_codes(codes: UInt8, number: Int32, component_codes: UInt8) -> None:
    """Fill in the class code of every component from the codes of its runs."""
    newest = -1
    for run in range(len(number)):
        # Components are numbered in the order of their first runs: a larger number is the next component.
        if number[run] > newest:
            newest = number[run]
            component_codes[newest] = codes[run]


@compiled
def add_strip(
    units: Int64, origin: tuple[int, int], starts: Int32, number: Int32, rows: Int64, pixels: Int64, sums: Int64
) -> None:
    """Add the pixel counts and areas of a strip to those of the components.

    Parameters
    ----------
    units
        Area of every pixel of the strip; shape (rows, columns).
    origin
        First row and first column of the strip, which contains every component pixel of its rows.
    starts, number, rows
        Runs of the raster and their components.
    pixels, sums
        Pixel counts and area units that are added to; shape (components,).
    """
    top, left = origin
    for row in range(units.shape[0]):
        for run in range(rows[top + row], rows[top + row + 1]):
            component, total = number[run], 0
            if component >= 0:
                # Unsigned bounds spare the wrap-around check of negative indices in the inner loop.
                for col in range(np.uint64(starts[run] - left), np.uint64(starts[run + 1] - left)):
                    total += units[row, col]
                pixels[component] += starts[run + 1] - starts[run]
                sums[component] += total


@compiled
def find_runs(raster: StoredPixels, border: int, starts: Int32, codes: StoredPixels, counts: Int64) -> int:
    """Run-length encode full rows, each closed by a border run, and return the number of runs.

    Parameters
    ----------
    raster
        Shape (rows, columns).
    border
        Code of the run that closes a row.
    starts, codes
        Filled with first column and code of every run; large enough for a run per pixel and one per row.
    counts
        Filled with the number of runs of each row.
    """
    n, width = 0, raster.shape[1]
    for row in range(raster.shape[0]):
        # Codes are unsigned, so that the first pixel of a row differs from -1 and begins a run.
        first, previous = n, -1
        for col in range(width):
            code = int(raster[row, col])
            if code != previous:
                starts[n], codes[n] = col, code
                n += 1
            previous = code
        starts[n], codes[n] = width, border
        n += 1
        counts[row] = n - first
    return n


@compiled
def find_run(starts: Int32, first: int, end: int, col: int) -> int:
    """Return the run that contains a column among the runs ``first`` to ``end`` of a row, by bisection."""
    while end - first > 1:
        middle = (first + end) // 2
        if starts[middle] <= col:
            first = middle
        else:
            end = middle
    return first


@compiled
def decode_block(starts: Int32, codes: StoredPixels, rows: Int64, top: int, left: int, block: StoredPixels) -> None:
    """Fill a block, shape (rows, columns), with the codes of the pixels from row ``top`` and column ``left`` on."""
    height, width = block.shape
    for row in range(height):
        run = find_run(starts, rows[top + row], rows[top + row + 1], left)
        begin = 0
        while begin < width:
            # The last run may go on beyond the block.
            end = min(starts[run + 1] - left, width)
            block[row, begin:end] = codes[run]
            begin = end
            run += 1


@compiled
def halve_by_mode(classes: UInt8, nodata: int, out: UInt8) -> None:
    """Fill each pixel with the mode of two by two; nodata only where all four are."""
    for row in range(out.shape[0]):
        halve_row_pair(classes[2 * row], classes[2 * row + 1], nodata, out[row])


@compiled
def halve_row_pair(above: UInt8, below: UInt8, nodata: int, out: UInt8) -> None:
    """Fill a row with the modes of two; without branches, so that the compiler vectorizes the loop."""
    for i in range(len(out)):
        a, b, c, d = above[2 * i], above[2 * i + 1], below[2 * i], below[2 * i + 1]
        # The first code that occurs twice, else the first of four different ones.
        mode = a if (a == b) | (a == c) | (a == d) else (b if (b == c) | (b == d) else (c if c == d else a))
        valid = a if a != nodata else (b if b != nodata else (c if c != nodata else d))
        out[i] = mode if mode != nodata else valid


@compiled
def halve_by_mean(percent: UInt8, nodata: int, out: UInt8) -> None:
    """Fill each pixel with the rounded mean of those of two by two that are not nodata; nodata where all four are."""
    for row in range(out.shape[0]):
        for col in range(out.shape[1]):
            total, count = 0, 0
            for near_row in range(2 * row, 2 * row + 2):
                for near_col in range(2 * col, 2 * col + 2):
                    value = percent[near_row, near_col]
                    total += value if value != nodata else 0
                    count += 1 if value != nodata else 0
            out[row, col] = (2 * total + count) // (2 * count) if count else nodata
