"""SplitMix64: random numbers of pixels that depend on a seed and on the position of the pixel only.

Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators, OOPSLA, doi:10.1145/2660193.2660195.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from icepipe.arrays import UInt64

GOLDEN_GAMMA = np.uint64(0x9E3779B97F4A7C15)
"""Increment of the state of the generator from number to number."""

Unsigned = TypeVar("Unsigned", UInt64, np.uint64)


def mix(state: Unsigned) -> Unsigned:
    """Mix the bits of each state; different states give different numbers. Takes arrays, and scalars where compiled.

    The published finalizer, Stafford's variant 13.
    """
    # Each step, a shift-xor or a product with an odd number modulo 2**64, is a bijection.
    mixed = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
