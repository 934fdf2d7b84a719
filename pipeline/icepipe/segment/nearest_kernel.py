"""The compiled search for the nearest centroid."""

from __future__ import annotations

from collections.abc import Callable

from icepipe.compiled import compiled
from icepipe.records import Float64, Int64, UInt8

Nearer = Callable[[Float64, Float64, Float64, int, int, Float64, Int64 | UInt8], None]


def _nearer_in(axes: int) -> Nearer:
    """Makes what looks at two centroids in a space of so many axes.

    A number of axes that is known to the compiler lets it keep all that is between in registers, and work on several
    places at once.
    """

    def nearer(
        places: Float64, one: Float64, other: Float64, number: int, count: int, best: Float64, cluster: Int64 | UInt8
    ) -> None:
        for i in range(count):
            apart, apart_other = places[0, i] - one[0], places[0, i] - other[0]
            distance, distance_other = apart * apart, apart_other * apart_other
            for axis in range(1, axes):
                apart, apart_other = places[axis, i] - one[axis], places[axis, i] - other[axis]
                distance += apart * apart
                distance_other += apart_other * apart_other
            second = distance_other < distance
            least, which = distance_other if second else distance, number + 1 if second else number
            closer = number == 0 or least < best[i]
            best[i] = least if closer else best[i]
            cluster[i] = which if closer else cluster[i]

    # A name of its own, by which what is compiled is kept on the disk.
    nearer.__qualname__ += f"_{axes}"
    return compiled(nearer)


_nearer_in_three, _nearer_in_four, _nearer_in_five, _nearer_in_six = map(_nearer_in, (3, 4, 5, 6))


@compiled
def _apart(places: Float64, at: Float64, count: int, distance: Float64) -> None:
    """Squared distance of every place of a chunk from a centroid, axis after axis."""
    distance[:count] = 0.0
    for axis in range(len(at)):
        for i in range(count):
            apart = places[axis, i] - at[axis]
            distance[i] += apart * apart


@compiled
def _nearer(
    places: Float64, at: Float64, number: int, count: int, best: Float64, distance: Float64, cluster: Int64 | UInt8
) -> None:
    """Look at one centroid, in a space of any number of axes."""
    _apart(places, at, count, distance)
    for i in range(count):
        closer = number == 0 or distance[i] < best[i]
        best[i] = distance[i] if closer else best[i]
        cluster[i] = number if closer else cluster[i]


@compiled
def nearest(
    places: Float64, centroids: Float64, count: int, best: Float64, distance: Float64, cluster: Int64 | UInt8
) -> None:
    """Number of the nearest centroid of every place of a chunk, the first of equals, and the squared distance to it.

    Filled are ``cluster`` and ``best``, shape (count,) or longer; ``distance`` is for work in between. The squares are
    added up axis after axis, whatever the number of axes.
    """
    last, axes = centroids.shape[0] - 1, centroids.shape[1]
    for number in range(0, last + 1, 2):
        one, other = centroids[number], centroids[min(number + 1, last)]
        if axes == 3:
            _nearer_in_three(places, one, other, number, count, best, cluster)
        elif axes == 4:
            _nearer_in_four(places, one, other, number, count, best, cluster)
        elif axes == 5:
            _nearer_in_five(places, one, other, number, count, best, cluster)
        elif axes == 6:
            _nearer_in_six(places, one, other, number, count, best, cluster)
        else:
            _nearer(places, one, number, count, best, distance, cluster)
            if number < last:
                _nearer(places, other, number + 1, count, best, distance, cluster)
