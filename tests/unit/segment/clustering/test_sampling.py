"""The sample: drawn by a hash of the position, thinned so that rare surfaces remain, and weighted."""

from __future__ import annotations

import numpy as np
import pytest

from icepipe.geo.geobox import Block, GeoBox
from icepipe.segment.clustering.sampling import (
    CandidatePixels,
    PixelSample,
    grid_cells,
    hash_sample,
    resample,
    thin_sample,
)


def pool(values, seed=0):
    values = np.asarray(values, dtype=np.uint8)
    _, _, hashes = hash_sample(seed, 739000, Block(0, 0, 1, len(values)), np.ones((1, len(values)), dtype=bool), 1.0)
    return CandidatePixels(values, hashes, np.zeros(len(values), dtype=np.int64))


COMMON = [(40, 55, 75)] * 100_000
RARE = [(230, 232, 235)] * 20


def test_a_small_pool_is_kept_whole():
    sample = thin_sample([pool(RARE)], 1000)
    assert len(sample.values) == len(RARE)
    assert np.all(sample.weights == 1)


def test_rare_surfaces_remain_and_weights_represent_all_pixels():
    sample = thin_sample([pool(COMMON + RARE)], 1000)
    bright = sample.values[:, 0] > 200
    assert bright.sum() >= 10
    assert len(sample.values) <= 1000
    assert sample.weights[bright].sum() == pytest.approx(len(RARE))
    assert sample.weights.sum() == pytest.approx(len(COMMON) + len(RARE))


def test_a_date_with_few_pixels_is_represented():
    small = [(60, 70, 90)] * 100
    sample = thin_sample([pool(COMMON), pool(small, 1)], 1000)
    assert (sample.values[:, 0] == 60).sum() >= 30
    assert sample.weights[sample.values[:, 0] == 60].sum() == pytest.approx(100)


def test_the_sample_does_not_depend_on_the_order_of_the_pixels():
    whole = pool(np.random.default_rng(0).integers(0, 256, (5000, 3)))
    order = np.random.default_rng(1).permutation(5000)
    permuted = CandidatePixels(whole.values[order], whole.hashes[order], whole.places[order])
    first, second = (thin_sample([candidates], 500) for candidates in (whole, permuted))
    assert sorted(map(tuple, first.values)) == sorted(map(tuple, second.values))
    assert first.weights.sum() == pytest.approx(second.weights.sum())


def test_a_grid_has_sixteen_cells():
    grid = GeoBox("", None, 40, 20)
    rows, cols = np.indices((20, 40))
    cells = grid_cells(grid, rows.ravel(), cols.ravel()).reshape(20, 40)
    assert np.array_equal(np.unique(cells, return_counts=True)[1], np.full(16, 50))
    assert (cells[0, 0], cells[4, 9], cells[5, 9], cells[4, 10], cells[19, 39]) == (0, 0, 4, 1, 15)


def test_a_resample_follows_the_weights():
    sample = PixelSample(np.array([[0], [1], [2]], dtype=np.uint8).repeat(100, axis=0), np.repeat([1.0, 7.0, 2.0], 100))
    counts = np.bincount(resample(sample, 100).values[:, 0], minlength=3)
    assert counts == pytest.approx([10, 70, 20], abs=1)
