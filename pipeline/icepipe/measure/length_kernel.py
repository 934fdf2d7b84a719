"""The compiled part of lengths: rings on a plane of pixels measured on the Earth."""

from __future__ import annotations

import math

import numpy as np

from icepipe.compiled import compiled
from icepipe.records import Float64, Int64

Ground = tuple[Float64, Float64, Float64, float, float]
"""Where a plane of pixels lies on the Earth.

Column and row of the first node of a lattice, and its steps in pixels, shape (2, 2); geocentric coordinates of the
nodes in metres, shape (rows, columns, 3); map coordinates by column and row, shape (2, 2); the longest edge on the map
that is measured as one; and the diameter of the equator in metres.
"""


@compiled
def _weigh(position: float, nodes: int, weights: Float64) -> int:
    """Weights of four neighbouring nodes, by the cubic through them, and the first of the four.

    Outside the second and the last node but one the cubic of the nearest four goes on.
    """
    cell = min(max(math.floor(position), 1), nodes - 3)
    t = position - cell
    weights[0] = -t * (t - 1) * (t - 2) / 6
    weights[1] = (t + 1) * (t - 1) * (t - 2) / 2
    weights[2] = -(t + 1) * t * (t - 2) / 2
    weights[3] = (t + 1) * t * (t - 1) / 6
    return cell - 1


@compiled
def _place(u: float, v: float, first: Float64, places: Float64, scratch: Float64, out: Float64) -> None:
    """Geocentric coordinates of a column and a row, into ``out``, between those of the nodes around it."""
    across, down = scratch[0], scratch[1]
    col = _weigh((u - first[0, 0]) / first[1, 0], places.shape[1], across)
    row = _weigh((v - first[0, 1]) / first[1, 1], places.shape[0], down)
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
def measure(points: Float64, rings: Int64, pieces: Int64, ground: Ground, lengths: Float64) -> None:
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
