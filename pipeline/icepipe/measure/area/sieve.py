"""Sieve: small patches take the class of their largest neighbour before anything is measured."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from icepipe.arrays import Int32, Int64, UInt8, UInt16
from icepipe.classes import SEEN
from icepipe.geo.geobox import Block
from icepipe.raster.components import component_sizes, find_components
from icepipe.raster.run_length import ClassRuns
from icepipe.segment.classification.strata import SIEVED


def sieve(strata: UInt16, runs: ClassRuns, area: Callable[[Block], Int64], least_units: float) -> ClassRuns:
    """Merge patches of less than a minimum area into their largest neighbour, and return the new class raster.

    Ties go to the neighbour of the lower class code, then to the one that begins first. A merged patch that is
    still too small is merged again. Only small patches without a seen neighbour remain, since nothing is known of their
    surroundings.

    Parameters
    ----------
    strata
        Strata of the whole grid, shape (rows, columns); changed in place where a patch changes class.
    runs
        Class raster of the whole grid.
    area
        Returns the true area of the pixels of a block, in units.
    least_units
        Area that a patch needs to stay.
    """
    from icepipe.measure.area._kernels import find_neighbours, reassign_strata

    components = find_components(runs, SEEN)
    units = component_sizes(components, area).units
    small = units < least_units
    # The first pass only counts, so that the pairs are allocated once at their exact number.
    n_pairs = find_neighbours(runs.starts, components.number, runs.rows, small, np.empty((0, 2), dtype=np.int32))
    pairs = np.empty((n_pairs, 2), dtype=np.int32)
    find_neighbours(runs.starts, components.number, runs.rows, small, pairs)
    after = sieved_codes(components.codes, units, pairs, least_units)
    reassign_strata(runs.starts, components.number, runs.rows, components.codes, after, SIEVED, strata)
    codes = runs.codes.copy()
    is_component = components.number >= 0
    codes[is_component] = after[components.number[is_component]]
    return runs.relabel(codes)


def sieved_codes(codes: UInt8, units: Int64, pairs: Int32, least_units: float) -> UInt8:
    """Return the class of every component after the sieve.

    Parameters
    ----------
    codes, units
        Class and area of every component before, shape (n_components,).
    pairs
        Neighbouring components of which at least one is small, shape (n_pairs, 2).
    least_units
        Area that a component needs to stay.
    """
    from icepipe.measure.area._kernels import find_largest, join_same_class

    identity = np.arange(len(codes), dtype=np.int32)
    joined = identity
    # Each round moves all small components at once, then joins those of one class that now touch. The number of
    # joined components falls in every round that moves anything, so the loop ends.
    while True:
        size = np.zeros(len(codes), dtype=np.int64)
        target = identity.copy()
        representative = identity.copy()
        np.add.at(size, joined, units)
        find_largest(pairs, size, codes, least_units, target)
        if np.array_equal(target, identity):
            return codes[joined]
        # Follow chains of targets to their end by repeated squaring: log2(n) steps suffice.
        for _ in range(len(codes).bit_length()):
            target = target[target]
        codes = codes[target]
        pairs = pairs[: join_same_class(pairs, codes, representative)]
        joined = representative[joined]
