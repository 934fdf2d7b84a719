"""SplitMix64: random numbers of pixels that only a seed and their place decide.

Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators, OOPSLA, doi:10.1145/2660193.2660195. The
functions take arrays as they are, and scalars where they are compiled.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from icepipe.arrays import UInt64

GOLDEN_GAMMA = np.uint64(0x9E3779B97F4A7C15)
"""What the state of the generator grows by from number to number."""

MIX13 = np.uint64(27)
"""Second shift of the published finaliser, David Stafford's mix 13."""

SAMPLING = np.uint64(30)
"""Second shift of the variant that the sample of a fit is drawn with; with any other, the sample would be another."""

Unsigned = TypeVar("Unsigned", UInt64, np.uint64)


def mix(state: Unsigned, second_shift: np.uint64) -> Unsigned:
    """Mix the bits of a state, or of each of several; no two give the same number."""
    mixed = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> second_shift)) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
