"""Percent of ice in every pixel, on rasters that a reader checks by eye."""

from __future__ import annotations

import numpy as np
import pytest

from icepipe.geo.geobox import Block
from icepipe.inputs.reading.class_values import STEP
from icepipe.measure.area.ice_fraction import FractionWriter, concentration_percent, to_percent
from icepipe.raster.run_length import RunLengthRaster
from icepipe.segment.classification.class_rasters import ClassRasterStrata
from icepipe.segment.classification.strata import ClusterStrata
from icepipe.segment.mixtures.shares import Mixtures
from tests.classrasters import drawn

CLUSTERS, CONCENTRATIONS, CLASSES = ClusterStrata(()), ClassRasterStrata(True), ClassRasterStrata(False)

# Class codes of two surfaces: four times the first plus the second, plus 16 where the third class is possible.
WATER_OTHER, ICE_WATER, ICE_WATER_OR_OTHER, OTHER_ICE = 4 * 1 + 3, 4 * 2 + 1, 16 + 4 * 2 + 1, 4 * 3 + 2


def mixtures(row, pairs, shares):
    """Mixed pixels from the likeliest shares of the first surface, in 1/255."""
    pairs, best = np.array(pairs, np.uint8), np.array(shares, np.uint8)
    low_best_high = np.stack([np.zeros_like(best), best, np.full_like(best, 255)])
    return Mixtures(Block(row, 0, *pairs.shape), pairs, low_best_high, np.zeros(pairs.shape, np.uint16))


def percent_of(classes, writer):
    return writer.finish(RunLengthRaster.from_array(classes)).block(Block(0, 0, *classes.shape)).tolist()


def test_pixels_that_are_not_mixed_are_all_ice_or_none_and_unseen_ones_have_no_percent():
    classes = drawn("iwo", "cL?", ".ii")
    for strata in (CLUSTERS, CLASSES):
        expected = [[100, 0, 0], [255, 255, 255], [255, 100, 100]]
        assert percent_of(classes, FractionWriter(strata, (3, 3))) == expected


def test_a_mixed_pixel_has_the_share_of_ice_whatever_its_class_and_its_other_surface():
    writer = FractionWriter(CLUSTERS, (3, 3))
    pairs = [[ICE_WATER, 0, OTHER_ICE], [0, ICE_WATER, 0], [0, ICE_WATER_OR_OTHER, WATER_OTHER]]
    writer.add_mixtures([mixtures(0, pairs, [[51, 0, 204], [0, 255, 0], [0, 153, 100]])])
    # A fifth of ice in a pixel named water; four fifths of ground; all ice; three fifths of ice; no ice on a shore.
    assert percent_of(drawn("wio", "cwL", "iiw"), writer) == [[20, 100, 20], [255, 100, 255], [100, 60, 0]]


def test_rows_that_no_mixture_comes_for_follow_their_classes():
    writer = FractionWriter(CLUSTERS, (5, 2))
    writer.add_mixtures([mixtures(1, [[ICE_WATER, 0]], [[51, 0]]), mixtures(3, [[0, ICE_WATER]], [[0, 102]])])
    assert percent_of(drawn("ww", "ww", "ii", "ww", "ii"), writer) == [[0, 0], [20, 0], [100, 100], [0, 40], [100, 100]]


@pytest.mark.parametrize("strip", [1, 4, 1000])
def test_the_strips_that_rows_are_encoded_in_do_not_matter(monkeypatch, strip):
    draw = np.random.default_rng(0)
    pairs, shares = draw.choice([0, ICE_WATER, OTHER_ICE], (20, 7)), draw.integers(0, 256, (20, 7))
    classes = draw.integers(1, 4, (20, 7)).astype(np.uint8)

    def encoded():
        writer = FractionWriter(CLUSTERS, (20, 7))
        writer.add_mixtures(mixtures(row, pairs[row:end], shares[row:end]) for row, end in ((2, 9), (9, 10), (14, 19)))
        return percent_of(classes, writer)

    whole = encoded()
    monkeypatch.setattr("icepipe.measure.area.ice_fraction.BLOCK_PIXELS", strip)
    assert encoded() == whole


def stored(*rows):
    """Strata of class rasters from percent of ice; w is water, i ice without a concentration."""
    codes = {"w": STEP, "i": 2 * STEP}
    pixels = [[codes[x] if x in codes else 2 * STEP + 1 + round(100 * x) for x in row] for row in rows]
    return np.array(pixels, np.uint16)


def test_a_concentration_is_that_of_the_input_and_ice_without_one_has_no_percent():
    writer = FractionWriter(CONCENTRATIONS, (3, 3))
    strata = stored(["w", 15, 100], ["i", 0, 99.6], [33.4, 14.5, "w"])
    # Two parts of one row of blocks, as they come.
    writer.add_strata(Block(0, 0, 3, 2), strata[:, :2])
    writer.add_strata(Block(0, 2, 3, 1), strata[:, 2:])
    assert percent_of(drawn("wii", "iii", "iiw"), writer) == [[0, 15, 100], [255, 0, 100], [33, 15, 0]]


def test_a_concentration_leaves_with_the_class_that_the_sieve_takes_away():
    writer = FractionWriter(CONCENTRATIONS, (1, 3))
    writer.add_strata(Block(0, 0, 1, 3), stored([80, 70, "w"]))
    # The second pixel became water and the third ice, whose concentration no file has.
    assert percent_of(drawn("iwi"), writer) == [[80, 0, 255]]


def test_percent_are_rounded_and_a_half_is_rounded_upwards():
    concentrations = concentration_percent(CONCENTRATIONS)[2 * STEP + 1 :][:10_001]
    assert [concentrations[part] for part in (0, 49, 50, 149, 150, 1450, 9949, 9950, 10_000)] == [
        *(0, 0, 1, 1, 2, 15, 99, 100, 100)
    ]
    shares = np.arange(256)
    assert np.array_equal(to_percent(shares, 255), np.floor(100 * shares / 255 + 0.5))


def test_a_block_of_the_fraction_is_that_block_of_the_grid():
    classes = np.random.default_rng(1).integers(0, 6, (9, 8)).astype(np.uint8)
    fraction = FractionWriter(CLUSTERS, (9, 8)).finish(RunLengthRaster.from_array(classes))
    whole = fraction.block(Block(0, 0, 9, 8))
    assert np.array_equal(fraction.block(Block(2, 3, 5, 4)), whole[2:7, 3:7])
