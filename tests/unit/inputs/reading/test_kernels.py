"""Kernels give the same results as whole-array NumPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from icepipe.classes import SEEN, ClassCode
from icepipe.geo.geobox import Block
from icepipe.inputs.reading.mosaic import mosaic, single_scene
from icepipe.inputs.reading.pixels import Layer
from icepipe.measure.area.mixed_edges import edge_areas
from icepipe.measure.area.tally import Tally
from icepipe.raster.run_length import RunLengthRaster
from icepipe.segment.clustering.sampling import hash_sample

SEEDS = st.integers(0, 2**32 - 1)
ROWS, COLS = 9, 13


def layers_of(rng, count, with_land):
    """Scenes that cover different parts of a block."""
    layers = []
    for _ in range(count):
        (top, bottom), (left, right) = (np.sort(rng.choice(side + 1, 2, replace=False)) for side in (ROWS, COLS))
        shape = bottom - top, right - left
        data, cloud, land = (rng.random(shape) < part for part in (0.7, 0.3, 0.2))
        bands = rng.integers(1, 100, (2, *shape)).astype(np.int16)
        target = slice(top, bottom), slice(left, right)
        layers.append(Layer(target, bands, data, cloud, land=land if with_land else None))
    return layers


def laid_by_steps(layers, bands):
    """Composite with whole-array NumPy."""
    valid, twice, hidden = (np.zeros((ROWS, COLS), dtype=kind) for kind in (bool, bool, np.uint8))
    for layer in layers:
        target = layer.target
        clear, cloud = layer.valid & ~layer.cloud, layer.valid & layer.cloud
        new = clear & ~valid[target]
        first = cloud & ~valid[target] & (hidden[target] != ClassCode.CLOUD)
        np.copyto(bands[:, *target], layer.bands, where=new | first)
        twice[target] |= clear & ~new
        valid[target] |= new
        hidden[target][cloud & (hidden[target] != ClassCode.LAND)] = ClassCode.CLOUD
        if layer.land is not None:
            hidden[target][layer.land] = ClassCode.LAND
    return valid, hidden, twice


@settings(max_examples=100, deadline=None)
@given(SEEDS, st.integers(0, 4), st.booleans())
def test_scenes_are_laid_over_each_other(seed, count, with_land):
    layers = layers_of(np.random.default_rng(seed), count, with_land)
    bands, by_steps = np.zeros((2, 2, ROWS, COLS), dtype=np.int16)
    for actual, expected in zip(mosaic(layers, bands), laid_by_steps(layers, by_steps), strict=True):
        np.testing.assert_array_equal(actual, expected)
    np.testing.assert_array_equal(bands, by_steps)


@settings(max_examples=50, deadline=None)
@given(SEEDS, st.booleans())
def test_a_scene_that_fills_the_block_is_shown_as_it_is(seed, with_land):
    rng = np.random.default_rng(seed)
    (scene,) = layers_of(rng, 1, with_land)
    shape = scene.valid.shape
    scene = replace(scene, target=(slice(0, shape[0]), slice(0, shape[1])), valid=np.ones(shape, dtype=bool))
    bands = np.zeros((2, *shape), dtype=np.int16)
    for actual, expected in zip(single_scene(scene), mosaic([scene], bands), strict=True):
        np.testing.assert_array_equal(actual, expected)
    np.testing.assert_array_equal(bands, scene.bands)


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_borders_count_both_of_their_sides(seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(1, 6, (ROWS, COLS)).astype(np.uint8)
    units = rng.integers(1, 2**31, (ROWS, COLS))
    wanted = dict.fromkeys(SEEN, 0)
    for one, other in (((slice(1, None),), (slice(None, -1),)), ((..., slice(1, None)), (..., slice(None, -1)))):
        for a, b, both in zip(codes[one].flat, codes[other].flat, (units[one] + units[other]).flat, strict=True):
            if a != b and a in SEEN and b in SEEN:
                wanted[ClassCode(a)] += int(both)
                wanted[ClassCode(b)] += int(both)
    block = Block(0, 0, ROWS, COLS)
    assert edge_areas(RunLengthRaster.from_array(codes), block, lambda b: units[b.slices]).units == wanted


@settings(max_examples=50, deadline=None)
@given(SEEDS)
def test_a_tally_adds_up(seed):
    rng = np.random.default_rng(seed)
    strata, units = rng.integers(0, 2**16, 500).astype(np.uint16) % 40, rng.integers(1, 2**40, 500)
    tally = Tally()
    tally.add(strata, units)
    assert tally.pixels == {int(n): int((strata == n).sum()) for n in np.unique(strata)}
    assert tally.units == {int(n): sum(units[strata == n].tolist()) for n in np.unique(strata)}


def mixed(value):
    """SplitMix64's finaliser in Python's own whole numbers."""
    for shift, multiplier in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        value = (value ^ value >> shift) * multiplier % 2**64
    return value ^ value >> 31


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(700_000, 800_000), st.integers(0, 2**20), st.integers(0, 2**20))
def test_places_are_hashed_as_published(seed, day, row, col):
    seen = np.array([[True, False, True], [True, True, False]])
    rows, cols, hashes = hash_sample(seed, day, Block(row, col, 2, 3), seen, 1.0)
    salt = ((seed << 32) ^ day) * 0x9E3779B97F4A7C15 % 2**64
    places = [(0, 0), (0, 2), (1, 0), (1, 1)]
    assert [*zip(rows.tolist(), cols.tolist(), strict=True)] == places
    wanted = [mixed(((row + i) << 32 | (col + j)) ^ salt) for i, j in places]
    assert hashes.tolist() == wanted
    few = {number for number in wanted if number <= 0.3 * (2**64 - 2**11)}
    assert {*hash_sample(seed, day, Block(row, col, 2, 3), seen, 0.3)[2].tolist()} == few
