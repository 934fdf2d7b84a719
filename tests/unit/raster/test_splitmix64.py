"""SplitMix64 against numbers of the published generator."""

from __future__ import annotations

import numpy as np

from icepipe.raster.splitmix64 import GOLDEN_GAMMA, mix
from icepipe.segment.clustering import _kernels


def test_numbers_are_those_of_the_published_generator():
    """The first five from the seed 1234567, as Vigna's splitmix64.c gives them."""
    states = np.uint64(1234567) + np.arange(1, 6, dtype=np.uint64) * GOLDEN_GAMMA
    published = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert mix(states).tolist() == published


def test_compiled_the_bits_are_mixed_alike():
    states = np.random.default_rng(0).integers(0, 2**64, 500, dtype=np.uint64)
    assert [_kernels.mix_bits(state) for state in states] == mix(states).tolist()


def test_the_hash_of_a_pixel_is_the_published_finalizer():
    """Written down plainly, in whole numbers of any size."""
    row, col, salt = 70_001, 5, 738_000
    hashes = np.empty(20, dtype=np.uint64)
    _kernels.hash_row(row, col, np.uint64(salt), hashes)
    for i, found in enumerate(hashes.tolist()):
        mixed = (row << 32 | col + i) ^ (salt * 0x9E3779B97F4A7C15 % 2**64)
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % 2**64
        assert found == mixed ^ mixed >> 31
