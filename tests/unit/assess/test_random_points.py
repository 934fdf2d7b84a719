"""The pixel sampler is fair, repeatable and independent of the order of blocks; points are allocated to strata."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from icepipe.assess.allocation import allocate, required_points
from icepipe.assess.random_points import PixelSampler
from icepipe.assess.stratified_sample import Stratum
from icepipe.classes import SEEN, ClassCode
from icepipe.errors import ConfigError
from icepipe.geo.geobox import Block
from icepipe.segment.clustering.sampling import hash_sample

DAY = 738_000


def pixels(sampler, code, count):
    sample = sampler.sample(code, count)
    return list(zip(sample.row.tolist(), sample.col.tolist(), sample.units.tolist(), strict=True))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(1, 25), st.randoms(use_true_random=False))
def test_blocks_and_their_order_change_nothing(seed, side, random):
    rng = np.random.default_rng(seed)
    classes = rng.choice([0, 1, 2, 3, 4, 5, 255], (40, 30)).astype(np.uint8)
    units = np.arange(1200).reshape(40, 30)
    whole, parts = PixelSampler(seed, DAY, 17), PixelSampler(seed, DAY, 17)
    whole.add(Block(0, 0, 40, 30), classes, units)
    corners = [(row, col) for row in range(0, 40, side) for col in range(0, 30, side)]
    for row, col in random.sample(corners, len(corners)):
        block = Block(row, col, min(side, 40 - row), min(side, 30 - col))
        parts.add(block, classes[block.slices], units[block.slices])
    for code in SEEN:
        assert pixels(whole, code, 17) == pixels(parts, code, 17)
        assert len(set(pixels(whole, code, 17))) == 17
        assert all(classes[row, col] == code for row, col, _ in pixels(whole, code, 17))


def test_every_pixel_of_a_class_has_the_same_chance():
    classes = np.where(np.arange(48).reshape(6, 8) % 3, 2, 1).astype(np.uint8)
    hits = np.zeros((6, 8))
    for seed in range(3000):
        sampler = PixelSampler(seed, DAY, 8)
        sampler.add(Block(0, 0, 6, 8), classes, classes.astype(np.int64))
        for row, col, _ in pixels(sampler, ClassCode.ICE, 8):
            hits[row, col] += 1
    assert hits[classes == 1].sum() == 0
    # Without replacement counts vary less than independent draws would, so only too much variance is a fault.
    assert chisquare(hits[classes == 2]).pvalue > 0.001


def test_points_are_not_the_pixels_that_the_model_was_fitted_on():
    side = 500
    classes = np.full((side, side), 2, np.uint8)
    sampler = PixelSampler(0, DAY, 2500)
    sampler.add(Block(0, 0, side, side), classes, classes.astype(np.int64))
    fitted = np.zeros((side, side), dtype=bool)
    rows, cols, _ = hash_sample(0, DAY, Block(0, 0, side, side), ~fitted, 0.1)
    fitted[rows, cols] = True
    points = sampler.sample(ClassCode.ICE, 2500)
    assert fitted[points.row, points.col].mean() == pytest.approx(0.1, abs=0.03)


def strata(*areas, pixels=10**6):
    return [Stratum(str(i), area, pixels) for i, area in enumerate(areas)]


def test_points_follow_area_with_a_minimum_for_rare_classes():
    assert allocate(300, strata(600, 399, 1), "proportional") == [150, 100, 50]
    assert allocate(300, strata(600, 399, 1), "equal") == [100, 100, 100]
    assert allocate(60, strata(600, 399, 1), "proportional") == [30, 20, 10]
    assert allocate(6, strata(600, 399, 1), "proportional") == [2, 2, 2]


def test_a_class_gives_no_more_points_than_it_has_pixels():
    few = [Stratum("few", 1.0, 7), Stratum("many", 99.0, 5000)]
    assert allocate(200, few, "equal") == [7, 193]
    assert allocate(10**4, few, "proportional") == [7, 5000]


def test_too_few_points_are_refused():
    with pytest.raises(ConfigError, match=r"5 point\(s\) are too few for 3 strata; ask for 6 or more"):
        allocate(5, strata(1, 1, 1), "equal")


@settings(max_examples=200, deadline=None)
@given(
    st.integers(8, 400),
    st.lists(st.tuples(st.floats(1e-6, 1e6), st.integers(1, 500)), min_size=1, max_size=4),
    st.sampled_from(["proportional", "equal"]),
)
def test_every_point_is_shared_out(points, sizes, allocation):
    strata = [Stratum("", area, pixels) for area, pixels in sizes]
    counts = allocate(points, strata, allocation)
    assert sum(counts) == min(points, sum(pixels for _, pixels in sizes))
    assert all(min(2, pixels) <= count <= pixels for count, (_, pixels) in zip(counts, sizes, strict=True))


def test_the_required_points_reach_the_target_standard_error():
    shares, expected = np.array([0.2, 0.8]), np.array([0.7, 0.95])
    needed = required_points(shares, expected, 0.02)
    spread = np.sqrt(expected * (1 - expected))
    neyman = needed * shares * spread / (shares * spread).sum()
    assert math.sqrt(np.sum(shares**2 * spread**2 / neyman)) == pytest.approx(0.02)
    assert required_points(shares, expected, 0.02, [200, 800]) < needed
    infinite = required_points([1], [0.3], 0.02)
    assert required_points([1], [0.3], 0.02, [900]) == pytest.approx(infinite / (1 + (infinite - 1) / 900))
