"""Compiled kernels of polygons: tracing of rings, lengths of rings, and encoding as WKB.

Rings are followed along the borders of components from run to run, in a raster of run lengths. A heading is a number,
clockwise: 0 east, 1 south, 2 west, 3 north; the component lies on the right of it.
"""

from __future__ import annotations

import math

import numpy as np

from icepipe.arrays import Float64, Int32, Int64, UInt8, UInt64
from icepipe.geo.pixel_area import cubic_weights
from icepipe.runtime.jit import compiled

EAST, SOUTH, WEST, NORTH = range(4)

FIRST, ABOVE, BELOW, COMPONENT = range(4)
"""Columns of the run index: first column of a run, the runs in the row above and in the row below that contain this
column, and the component. Kept in one row per run, so that a single cache line has all of it."""


@compiled
def index_runs(starts: Int32, number: Int32, rows: Int64, index: Int32) -> None:
    """Fill the run index, shape (runs, 4), from the arrays of a run-length raster and the components of its runs."""
    for run in range(len(starts)):
        index[run, FIRST], index[run, COMPONENT] = starts[run], number[run]
    # No ring reaches beyond the border rows, so that the links out of them may be anything: 0.
    index[:3, ABOVE], index[0, BELOW], index[len(starts) - 2 :, BELOW] = 0, 0, 0
    # Each pass links two adjacent rows; the row above has the runs first to begin, half open.
    first = 1
    for row in range(len(rows)):
        begin = rows[row]
        end = rows[row + 1] if row + 1 < len(rows) else len(starts)
        i, j = first, begin
        while i < begin - 1:
            # Of two runs that overlap, the one that starts later has its first column inside the other.
            if starts[i] >= starts[j]:
                index[i, BELOW] = j
            if starts[j] >= starts[i]:
                index[j, ABOVE] = i
            above_ends, below_ends = starts[i + 1], starts[j + 1]
            i += above_ends <= below_ends
            j += below_ends <= above_ends
        # The border runs at the row ends.
        index[begin - 1, BELOW], index[end - 1, ABOVE] = end - 1, begin - 1
        first = begin


@compiled
def transform_corner(row: int, col: int, transform: Float64, point: Float64) -> None:
    """Apply the six numbers of an affine transform to the corner of a pixel."""
    point[0] = col * transform[0] + row * transform[1] + transform[2]
    point[1] = col * transform[3] + row * transform[4] + transform[5]


@compiled
def trace_ring(  # noqa: C901
    index: Int32, row: int, first: int, heading: int, walked: UInt8, transform: Float64, points: Float64
) -> int:
    """Follow a ring once around and return the number of its points, the first counted twice.

    The ring has a point where it turns and where the component on its left changes, which is a node: there more than
    two components meet.

    Parameters
    ----------
    index
        Run index.
    row, first, heading
        Start: at the left end of run ``first`` heading east, or at its right end heading south.
    walked
        Sides that the ring walks south are marked, by the run on their left; empty if marks are not needed.
    transform
        Six numbers of the affine transform that is applied to the points.
    points
        Filled with as many points as fit, shape (n, 2).
    """
    # One function on purpose: a step that returned five numbers took four times as long. Runs are unsigned, which
    # spares the check for negative indices.
    one, run = np.uint64(1), np.uint64(first)
    # left_run is on the other side of the border, north of run when the ring heads east, and east of it heading south.
    left_run = np.uint64(index[run, ABOVE]) if heading == EAST else run + one
    col = int(index[run, FIRST] if heading == EAST else index[left_run, FIRST])
    component, left = index[run, COMPONENT], index[left_run, COMPONENT]
    start_row, start_col, start_heading, n = row, col, heading, 0
    while True:
        if n < len(points):
            transform_corner(row, col, transform, points[n])
        n += 1
        # A component that touches itself passes its start twice, but leaves it only once with the first heading.
        if n > 1 and row == start_row and col == start_col and heading == start_heading:
            return n
        # Move to the next corner, and find the runs ahead of it on the right and on the left.
        if heading == EAST:
            # The corner is where the first of both runs ends.
            run_end, left_end = index[run + one, FIRST], index[left_run + one, FIRST]
            col = min(run_end, left_end)
            ahead, ahead_left = run + np.uint64(run_end == col), left_run + np.uint64(left_end == col)
            on_right, on_left = index[ahead, COMPONENT], index[ahead_left, COMPONENT]
        elif heading == SOUTH:
            # Corners where the components on both sides go on are no points.
            while True:
                if len(walked):
                    walked[left_run] = 1
                row, ahead_left = row + 1, np.uint64(index[left_run, BELOW])
                ahead = ahead_left - np.uint64(index[ahead_left, FIRST] == col)
                on_right, on_left = index[ahead, COMPONENT], index[ahead_left, COMPONENT]
                if on_right != component or on_left != left:
                    break
                run, left_run = ahead, ahead_left
        elif heading == WEST:
            # The corner is where the first of both runs starts, seen from the east.
            run_start, left_start = index[run, FIRST], index[left_run, FIRST]
            col = max(run_start, left_start)
            ahead, ahead_left = run - np.uint64(run_start == col), left_run - np.uint64(left_start == col)
            on_right, on_left = index[ahead, COMPONENT], index[ahead_left, COMPONENT]
        else:
            while True:
                row, ahead = row - 1, np.uint64(index[run, ABOVE])
                ahead_left = ahead - np.uint64(index[ahead, FIRST] == col)
                on_right, on_left = index[ahead, COMPONENT], index[ahead_left, COMPONENT]
                if on_right != component or on_left != left:
                    break
                run, left_run = ahead, ahead_left
        # Turn left where the component goes on there, else go straight on, else turn right. Where the component touches
        # itself at a corner, the left turn comes first: the ring touches a hole there instead of crossing itself.
        if on_left == component:
            heading, run = (heading + 3) & 3, ahead_left
        elif on_right == component:
            run, left_run, left = ahead, ahead_left, on_left
        else:
            heading, left_run, left = (heading + 1) & 3, ahead, on_right


@compiled
def find_rings(index: Int32, rows: Int64, walked: UInt8, starts: Int64, owner: Int32, points: Int32) -> int:
    """Find every ring in raster order of its topmost then leftmost corner, and return the number of rings.

    Parameters
    ----------
    index
        Run index.
    rows
        Index of the first run of each row.
    walked
        Zeros, shape (runs,).
    starts, owner, points
        Filled with start, component and number of points of each ring; large enough for two rings per run. A start is
        ``row << 32 | run << 1 | heading``.
    """
    n, newest = 0, -1
    transform, no_points = np.empty(6), np.empty((0, 2))
    for row in range(len(rows) - 1):
        for run in range(rows[row], rows[row + 1]):
            component = index[run, COMPONENT]
            if component < 0:
                continue
            for heading in (EAST, SOUTH):
                # An exterior starts at the left end of the first run of its component. A hole starts at the right end
                # of a run, its upper left corner, which no ring found before walks south.
                if component <= newest if heading == EAST else walked[run + 1]:
                    continue
                newest = max(newest, component)
                starts[n], owner[n] = row << 32 | run << 1 | heading, component
                points[n] = trace_ring(index, row, run, heading, walked, transform, no_points)
                n += 1
    return n


@compiled
def trace_rings(index: Int32, starts: Int64, offsets: Int64, transform: Float64, points: Float64) -> None:
    """Fill in the points of rings, transformed, shape (n, 2); each ring from its offset on.

    ``starts`` are those of :func:`find_rings`, ``transform`` the six numbers of an affine transform.
    """
    unmarked = np.empty(0, dtype=np.uint8)
    for ring in range(starts.shape[0]):
        ring_points = points[offsets[ring] : offsets[ring + 1]]
        row, run = starts[ring] >> 32, starts[ring] >> 1 & 0x7FFFFFFF
        trace_ring(index, row, run, starts[ring] & 1, unmarked, transform, ring_points)


GroundLattice = tuple[Float64, Float64, Float64, float, float]
"""Lattice to interpolate geocentric positions of pixels on.

Column and row of the first node and the steps in pixels, shape (2, 2); geocentric coordinates of the nodes in metres,
shape (rows, columns, 3); pixel vectors in map units, shape (2, 2); longest edge in map units that is measured as one
arc; diameter of the equator in metres.
"""


compiled_weights = compiled(cubic_weights)


@compiled
def weights_at_position(position: float, nodes: int, weights: Float64) -> int:
    """Fill in the weights of the cubic through four nodes, and return the first of the four."""
    # Outside the second and the last node but one, the cubic of the nearest four is extrapolated.
    cell = min(max(math.floor(position), 1), nodes - 3)
    weights[0], weights[1], weights[2], weights[3] = compiled_weights(position - cell)
    return cell - 1


@compiled
def interpolate_position(
    u: float, v: float, layout: Float64, nodes: Float64, scratch: Float64, position: Float64
) -> None:
    """Interpolate the geocentric coordinates of a column and a row between those of the nodes around it.

    ``layout`` has column and row of the first node, and the steps between nodes.
    """
    across, down = scratch[0], scratch[1]
    col = weights_at_position((u - layout[0, 0]) / layout[1, 0], nodes.shape[1], across)
    row = weights_at_position((v - layout[0, 1]) / layout[1, 1], nodes.shape[0], down)
    position[:] = 0.0
    for i in range(4):
        for j in range(4):
            weight = down[i] * across[j]
            for axis in range(3):
                position[axis] += weight * nodes[row + i, col + j, axis]


@compiled
def arc_length(start: Float64, end: Float64, diameter: float) -> float:
    """Compute the length of the circular arc over the chord between two points."""
    x, y, z = end[0] - start[0], end[1] - start[1], end[2] - start[2]
    return diameter * math.asin(math.sqrt(x * x + y * y + z * z) / diameter)


@compiled
def ring_length(points: Float64, lattice: GroundLattice, scratch: Float64) -> float:
    """Compute the length of a ring in metres."""
    layout, nodes, vectors, longest, diameter = lattice
    # Scratch memory is allocated once for all rings: rows 0 and 1 hold weights, rows 2 and 3 the ends of an edge.
    start, end = scratch[2, :3], scratch[3, :3]
    interpolate_position(points[0, 0], points[0, 1], layout, nodes, scratch, start)
    total = 0.0
    for point in range(1, len(points)):
        u, v = points[point - 1, 0], points[point - 1, 1]
        along_u, along_v = points[point, 0] - u, points[point, 1] - v
        # Edges that are long on the map are measured in equal parts, as a straight map edge is no geodesic.
        x, y = vectors[0, 0] * along_u + vectors[0, 1] * along_v, vectors[1, 0] * along_u + vectors[1, 1] * along_v
        parts = max(1, math.ceil(math.hypot(x, y) / longest))
        for part in range(1, parts + 1):
            fraction = part / parts
            interpolate_position(u + fraction * along_u, v + fraction * along_v, layout, nodes, scratch, end)
            total += arc_length(start, end, diameter)
            start[:] = end
    return total


@compiled
def ring_lengths(points: Float64, rings: Int64, polygons: Int64, lattice: GroundLattice, lengths: Float64) -> None:
    """Fill in the length of all rings of each polygon, in metres.

    Parameters
    ----------
    points
        Columns and rows, shape (n, 2).
    rings, polygons
        Offsets of each ring in the points, and of each polygon in the rings, with the end.
    lattice
        Geocentric positions of pixels.
    lengths
        Shape (polygons,).
    """
    scratch = np.empty((4, 4))
    for polygon in range(lengths.shape[0]):
        total = 0.0
        for ring in range(polygons[polygon], polygons[polygon + 1]):
            total += ring_length(points[rings[ring] : rings[ring + 1]], lattice, scratch)
        lengths[polygon] = total


LITTLE_ENDIAN, POLYGON = 1, 3
"""Byte order and geometry type in well-known binary (OGC 06-103r4, clause 8.2)."""


@compiled
def write_integer(number: int, size: int, offset: int, out: UInt8) -> int:
    """Write a little-endian integer of ``size`` bytes, and return the offset after it."""
    for byte in range(size):
        out[offset + byte] = number >> 8 * byte & 255
    return offset + size


@compiled
def write_ring(bits: UInt64, first: int, end: int, reverse: bool, offset: int, out: UInt8) -> int:
    """Write the points of a closed ring in their order or in reverse, and return the offset after them."""
    for step in range(end - first):
        point = end - 1 - step if reverse else first + step
        for axis in range(2):
            number = bits[point, axis]
            for byte in range(8):
                out[offset + byte] = number & 255
                number >>= 8
            offset += 8
    return offset


@compiled
def write_wkb(bits: UInt64, rings: Int64, polygons: Int64, reverse: bool, offsets: Int64, out: UInt8) -> None:
    """Encode polygons as well-known binary.

    Parameters
    ----------
    bits
        Coordinates as the 64 bits of their doubles, shape (n, 2).
    rings, polygons
        Offsets of each ring in the points, and of each polygon in the rings, with the end.
    reverse
        Whether to reverse all rings.
    offsets
        Where each polygon begins in ``out``.
    out
        Filled with the bytes.
    """
    for polygon in range(polygons.shape[0] - 1):
        first, end = polygons[polygon], polygons[polygon + 1]
        # Header: byte order, geometry type, number of rings; then each ring with the number of its points.
        offset = write_integer(LITTLE_ENDIAN, 1, offsets[polygon], out)
        offset = write_integer(POLYGON, 4, offset, out)
        offset = write_integer(end - first, 4, offset, out)
        for ring in range(first, end):
            offset = write_integer(rings[ring + 1] - rings[ring], 4, offset, out)
            offset = write_ring(bits, rings[ring], rings[ring + 1], reverse, offset, out)
