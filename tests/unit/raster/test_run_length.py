"""A run-length encoded raster decodes to the pixels it was made of, in whatever blocks they arrived."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from icepipe.classes import ClassCode
from icepipe.geo.geobox import Block, GeoBox
from icepipe.measure.area.mixed_edges import block_with_neighbours
from icepipe.raster.blocks import blocks
from icepipe.raster.run_length import CLASS_DTYPE, RunLengthRaster, RunLengthWriter, border_code, run_length_raster
from tests.rasters import TRANSFORM

RASTERS = hnp.arrays(
    np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.sampled_from([0, 1, 2, 255])
)


def whole(runs):
    return runs.block(Block(0, 0, runs.height, runs.width))


def assert_same(actual, expected):
    for name in ("starts", "codes", "rows"):
        np.testing.assert_array_equal(getattr(actual, name), getattr(expected, name))


def test_two_rows_are_encoded_with_their_border():
    runs = RunLengthRaster.from_array(np.array([[1, 1, 2], [2, 2, 2]], dtype=np.uint8))
    border = border_code(np.uint8)
    assert runs.codes.tolist() == [border, border, border, 1, 2, border, 2, border, border, border]
    assert runs.starts.tolist() == [3, 0, 3, 0, 2, 3, 0, 3, 0, 3]
    assert runs.rows.tolist() == [3, 6, 8]
    assert (runs.width, runs.height) == (3, 2)


def test_no_class_has_the_code_of_the_border():
    assert border_code(CLASS_DTYPE) not in set(map(int, ClassCode))


@settings(max_examples=200, deadline=None)
@given(RASTERS, st.data())
def test_any_block_is_decoded_as_it_was(classes, data):
    runs = RunLengthRaster.from_array(classes)
    np.testing.assert_array_equal(whole(runs), classes)
    top, left = (data.draw(st.integers(0, side - 1)) for side in classes.shape)
    height, width = (data.draw(st.integers(1, side - at)) for side, at in zip(classes.shape, (top, left), strict=True))
    block = Block(top, left, height, width)
    np.testing.assert_array_equal(runs.block(block), classes[block.slices])
    step = data.draw(st.integers(1, 5))
    np.testing.assert_array_equal(runs.decimate(step), classes[::step, ::step])


@settings(max_examples=200, deadline=None)
@given(RASTERS, st.integers(1, 14))
def test_blocks_are_encoded_as_the_whole_raster_is(classes, side):
    grid = GeoBox("", TRANSFORM, classes.shape[1], classes.shape[0])
    writer, everything = RunLengthWriter(grid.width, CLASS_DTYPE), Block(0, 0, *grid.shape)
    for block in blocks(grid, side):
        writer.write(block, classes[block.slices])
        extended, _, _ = block_with_neighbours(block, everything)
        np.testing.assert_array_equal(writer.with_border(extended), classes[extended.slices])
    assert_same(writer.finish(), RunLengthRaster.from_array(classes))
    strips = (classes[row : row + side] for row in range(0, grid.height, side))
    assert_same(run_length_raster(strips, grid.width, CLASS_DTYPE), RunLengthRaster.from_array(classes))


def test_finishing_twice_returns_the_same_raster():
    writer = RunLengthWriter(2, CLASS_DTYPE)
    writer.write(Block(0, 0, 1, 2), np.ones((1, 2), dtype=np.uint8))
    assert_same(writer.finish(), writer.finish())


@settings(max_examples=200, deadline=None)
@given(RASTERS, st.permutations([0, 1, 2, 255]), st.booleans())
def test_a_relabelled_raster_is_encoded_as_its_pixels_would_be(classes, others, merge):
    table = np.zeros(256, dtype=np.uint8)
    table[[0, 1, 2, 255, border_code(np.uint8)]] = [*others, border_code(np.uint8)]
    table[2] = table[1] if merge else table[2]
    runs = RunLengthRaster.from_array(classes)
    assert_same(runs.relabel(table[runs.codes]), RunLengthRaster.from_array(table[classes]))


def test_memory_grows_with_runs_and_not_with_pixels():
    narrow, wide = (
        RunLengthRaster.from_array(np.full((50, width), ClassCode.WATER, dtype=np.uint8)) for width in (10, 100_000)
    )
    assert narrow.starts.nbytes == wide.starts.nbytes
