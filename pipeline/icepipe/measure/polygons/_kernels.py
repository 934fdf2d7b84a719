"""The compiled part of outlines: rings followed along the borders of pieces, from run to run.

A way along a border is a number, clockwise: 0 east, 1 south, 2 west, 3 north; the piece lies on the right of it.
"""

from __future__ import annotations

import math

import numpy as np

from icepipe.arrays import Float64, Int32, Int64, UInt8, UInt64
from icepipe.geo.lagrange import cubic_weights
from icepipe.runtime.jit import compiled

EAST, SOUTH, WEST, NORTH = range(4)

FIRST, ABOVE, BELOW, NUMBER = range(4)
"""What is told of every run in one place, so that it comes from memory at once: its first column, the runs in the row
above and in the row below that hold this column, and the number of its piece."""


@compiled
def index_runs(starts: Int32, number: Int32, rows: Int64, told: Int32) -> None:
    """What rings are followed by, into ``told``, shape (runs, 4). There is nothing above the rim, nor below it."""
    for run in range(len(starts)):
        told[run, FIRST], told[run, NUMBER] = starts[run], number[run]
    told[:3, ABOVE], told[0, BELOW], told[len(starts) - 2 :, BELOW] = 0, 0, 0
    first = 1
    for row in range(len(rows)):
        begin = rows[row]
        end = rows[row + 1] if row + 1 < len(rows) else len(starts)
        i, j = first, begin
        while i < begin - 1:
            if starts[i] >= starts[j]:
                told[i, BELOW] = j
            if starts[j] >= starts[i]:
                told[j, ABOVE] = i
            above_ends, below_ends = starts[i + 1], starts[j + 1]
            i += above_ends <= below_ends
            j += below_ends <= above_ends
        told[begin - 1, BELOW], told[end - 1, ABOVE] = end - 1, begin - 1
        first = begin


@compiled
def _index_row(row: int, col: int, plane: Float64, point: Float64) -> None:
    """Where a corner lies on a plane, by the six numbers of an affine transform."""
    point[0] = col * plane[0] + row * plane[1] + plane[2]
    point[1] = col * plane[3] + row * plane[4] + plane[5]


@compiled
def _trace_ring(runs: Int32, row: int, first: int, way: int, walked: UInt8, plane: Float64, points: Float64) -> int:  # noqa: C901
    """Follow a ring once around; how many points it has, the first of them twice.

    It begins at the left end of a run on its way east, or at the right end on its way south. The ring turns left where
    its piece goes on there, else runs straight on where it goes on ahead, else turns right. Where a piece touches
    itself at a corner it so turns away: the outline touches a hole instead of crossing itself. A corner where it does
    not turn is a point where two other pieces meet.

    As many points are told on the plane as ``points`` has room for; sides that run south are marked in ``walked``, by
    the run on their left, where it has any. All in one function: a step that gave back five numbers took four times
    as long. Numbers of runs are unsigned, which spares a look at their sign.
    """
    one, run = np.uint64(1), np.uint64(first)
    beside = np.uint64(runs[run, ABOVE]) if way == EAST else run + one
    col = int(runs[run, FIRST] if way == EAST else runs[beside, FIRST])
    piece, left = runs[run, NUMBER], runs[beside, NUMBER]
    top, leftmost, leaves, at = row, col, way, 0
    while True:
        if at < len(points):
            _index_row(row, col, plane, points[at])
        at += 1
        if at > 1 and row == top and col == leftmost and way == leaves:
            return at
        if way == EAST:
            my_end, their_end = runs[run + one, FIRST], runs[beside + one, FIRST]
            col = min(my_end, their_end)
            ahead, ahead_left = run + np.uint64(my_end == col), beside + np.uint64(their_end == col)
            on, on_left = runs[ahead, NUMBER], runs[ahead_left, NUMBER]
        elif way == SOUTH:
            while True:
                if len(walked):
                    walked[beside] = 1
                row, ahead_left = row + 1, np.uint64(runs[beside, BELOW])
                ahead = ahead_left - np.uint64(runs[ahead_left, FIRST] == col)
                on, on_left = runs[ahead, NUMBER], runs[ahead_left, NUMBER]
                if on != piece or on_left != left:
                    break
                run, beside = ahead, ahead_left
        elif way == WEST:
            my_start, their_start = runs[run, FIRST], runs[beside, FIRST]
            col = max(my_start, their_start)
            ahead, ahead_left = run - np.uint64(my_start == col), beside - np.uint64(their_start == col)
            on, on_left = runs[ahead, NUMBER], runs[ahead_left, NUMBER]
        else:
            while True:
                row, ahead = row - 1, np.uint64(runs[run, ABOVE])
                ahead_left = ahead - np.uint64(runs[ahead, FIRST] == col)
                on, on_left = runs[ahead, NUMBER], runs[ahead_left, NUMBER]
                if on != piece or on_left != left:
                    break
                run, beside = ahead, ahead_left
        if on_left == piece:
            way, run = (way + 3) & 3, ahead_left
        elif on == piece:
            run, beside, left = ahead, ahead_left, on_left
        else:
            way, beside, left = (way + 1) & 3, ahead, on


@compiled
def find_rings(runs: Int32, rows: Int64, walked: UInt8, begins: Int64, owner: Int32, points: Int32) -> int:
    """Where every ring begins, its piece and its points; how many rings there are.

    An exterior begins at the left end of the first run of its piece and leaves east. Every hole has its upper left
    corner at the right end of a run, which no ring that was found earlier leaves southwards, and leaves south. So they
    are found in raster order of their topmost then leftmost corners.

    Filled are ``begins`` (row, run and way: see :func:`follow`), ``owner`` and ``points``, all of shape (rings,) or
    longer; a run begins at most two rings. ``walked`` has one for every run, all 0.
    """
    found, newest = 0, -1
    plane, nowhere = np.empty(6), np.empty((0, 2))
    for row in range(len(rows) - 1):
        for run in range(rows[row], rows[row + 1]):
            piece = runs[run, NUMBER]
            if piece < 0:
                continue
            for way in (EAST, SOUTH):
                if piece <= newest if way == EAST else walked[run + 1]:
                    continue
                newest = max(newest, piece)
                begins[found], owner[found] = row << 32 | run << 1 | way, piece
                points[found] = _trace_ring(runs, row, run, way, walked, plane, nowhere)
                found += 1
    return found


@compiled
def trace_rings(runs: Int32, begins: Int64, offsets: Int64, plane: Float64, points: Float64) -> None:
    """Points of some rings on a plane, into ``points`` of shape (n, 2), from ``offsets`` on each.

    Parameters
    ----------
    runs
        From :func:`tell_runs`.
    begins
        Of each ring, its row times 2**32, the run that it begins at times two, and 1 where it leaves south.
    plane
        The six numbers of the affine transform from columns and rows.
    """
    unmarked = np.empty(0, dtype=np.uint8)
    for ring in range(begins.shape[0]):
        mine = points[offsets[ring] : offsets[ring + 1]]
        row, run = begins[ring] >> 32, begins[ring] >> 1 & 0x7FFFFFFF
        _trace_ring(runs, row, run, begins[ring] & 1, unmarked, plane, mine)


Ground = tuple[Float64, Float64, Float64, float, float]
"""Where a plane of pixels lies on the Earth.

Column and row of the first node of a lattice, and its steps in pixels, shape (2, 2); geocentric coordinates of the
nodes in metres, shape (rows, columns, 3); map coordinates by column and row, shape (2, 2); the longest edge on the map
that is measured as one; and the diameter of the equator in metres.
"""


_cubic_weights = compiled(cubic_weights)


@compiled
def _interpolation_weights(position: float, nodes: int, weights: Float64) -> int:
    """Weights of four neighbouring nodes, by the cubic through them, and the first of the four.

    Outside the second and the last node but one the cubic of the nearest four goes on.
    """
    cell = min(max(math.floor(position), 1), nodes - 3)
    weights[0], weights[1], weights[2], weights[3] = _cubic_weights(position - cell)
    return cell - 1


@compiled
def _place(u: float, v: float, first: Float64, places: Float64, scratch: Float64, out: Float64) -> None:
    """Geocentric coordinates of a column and a row, into ``out``, between those of the nodes around it."""
    across, down = scratch[0], scratch[1]
    col = _interpolation_weights((u - first[0, 0]) / first[1, 0], places.shape[1], across)
    row = _interpolation_weights((v - first[0, 1]) / first[1, 1], places.shape[0], down)
    out[:] = 0.0
    for i in range(4):
        for j in range(4):
            weight = down[i] * across[j]
            for axis in range(3):
                out[axis] += weight * places[row + i, col + j, axis]


@compiled
def _arc(here: Float64, there: Float64, diameter: float) -> float:
    """Length of the arc of a circle over the chord between two points."""
    x, y, z = there[0] - here[0], there[1] - here[1], there[2] - here[2]
    return diameter * math.asin(math.sqrt(x * x + y * y + z * z) / diameter)


@compiled
def _ring_length(points: Float64, ground: Ground, scratch: Float64) -> float:
    """Length of one ring; edges that are longer on the map than the longest are measured in equal parts."""
    first, places, vectors, longest, diameter = ground
    here, there = scratch[2, :3], scratch[3, :3]
    _place(points[0, 0], points[0, 1], first, places, scratch, here)
    total = 0.0
    for at in range(1, len(points)):
        u, v = points[at - 1, 0], points[at - 1, 1]
        along_u, along_v = points[at, 0] - u, points[at, 1] - v
        x, y = vectors[0, 0] * along_u + vectors[0, 1] * along_v, vectors[1, 0] * along_u + vectors[1, 1] * along_v
        parts = max(1, math.ceil(math.hypot(x, y) / longest))
        for part in range(1, parts + 1):
            done = part / parts
            _place(u + done * along_u, v + done * along_v, first, places, scratch, there)
            total += _arc(here, there, diameter)
            here[:] = there
    return total


@compiled
def ring_lengths(points: Float64, rings: Int64, pieces: Int64, ground: Ground, lengths: Float64) -> None:
    """Length of all rings of each piece, into ``lengths`` of shape (pieces,).

    ``points`` are columns and rows, shape (n, 2); each ring begins in them where ``rings`` says, and each piece in the
    rings where ``pieces`` does.
    """
    scratch = np.empty((4, 4))
    for piece in range(lengths.shape[0]):
        total = 0.0
        for ring in range(pieces[piece], pieces[piece + 1]):
            total += _ring_length(points[rings[ring] : rings[ring + 1]], ground, scratch)
        lengths[piece] = total


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
