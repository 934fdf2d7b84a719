"""The sieve: small patches join their largest neighbour before anything is counted."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rasterio.features import sieve as gdal_sieve
from scipy import ndimage

from icepipe.classes import ClassCode
from icepipe.geo.geobox import Block
from icepipe.measure.area.sieve import sieve
from icepipe.raster.run_length import RunLengthRaster
from icepipe.segment.classification.strata import sieved_stratum
from tests.rasters import paint, write

WATER, ICE, OTHER = ClassCode.WATER, ClassCode.ICE, ClassCode.OTHER


def assert_as_made_of_pixels(runs):
    """Check that run lengths are maximal, and that the bordering rows are in place."""
    rebuilt = RunLengthRaster.from_array(runs.block(Block(0, 0, runs.height, runs.width)))
    for name in ("starts", "codes", "rows"):
        np.testing.assert_array_equal(getattr(runs, name), getattr(rebuilt, name))


def merge(codes, least):
    """Sieve codes that are their own strata, on pixels of one unit each."""
    strata = np.asarray(codes, dtype=np.uint16)
    classes = strata.astype(np.uint8)
    everything = Block(0, 0, *strata.shape)
    runs = sieve(strata, RunLengthRaster.from_array(classes), lambda b: np.ones((b.height, b.width), np.int64), least)
    assert_as_made_of_pixels(runs)
    return runs.block(everything), strata


def test_by_eye():
    codes, strata = merge([[1, 1, 1], [1, 2, 1], [1, 1, 1]], 2)
    assert np.all(codes == 1)
    assert strata[1, 1] == sieved_stratum(ICE, WATER)


def test_a_patch_of_the_least_area_stays():
    codes, _ = merge([[1, 1, 1, 1], [1, 2, 2, 1], [1, 1, 1, 1]], 2)
    assert (codes == 2).sum() == 2


def test_the_largest_neighbour_wins():
    codes, _ = merge([[1, 1, 3, 2, 2, 2]], 2)
    assert codes.tolist() == [[1, 1, 2, 2, 2, 2]]


def test_nothing_is_made_of_what_was_not_seen():
    codes, _ = merge([[0, 2, 0], [4, 5, 0]], 5)
    assert codes.tolist() == [[0, 2, 0], [4, 5, 0]]


def test_of_neighbours_of_one_area_the_lower_code_wins():
    assert merge([[3, 3, 2, 1, 1]], 2)[0].tolist() == [[3, 3, 1, 1, 1]]


def test_what_is_still_too_small_moves_on():
    """The ice joins the larger water, which is then the only neighbour of the remaining patch."""
    assert merge([[3, 3, 2, 1, 1, 1]], 10)[0].tolist() == [[1] * 6]


def test_a_chain_of_small_patches_goes_to_its_end():
    codes, _ = merge([[1, 1, 1, 2, 3, 2]], 2)
    assert codes.tolist() == [[1] * 6]


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 3)))
def test_a_small_patch_is_left_only_where_nothing_around_it_was_seen(codes):
    after, strata = merge(codes, 3)
    assert np.array_equal(after == 0, codes == 0)
    moved = after != codes
    assert strata[moved].tolist() == [
        sieved_stratum(*pair) for pair in zip(codes[moved].tolist(), after[moved].tolist(), strict=True)
    ]
    assert np.array_equal(strata[~moved], codes[~moved])
    for code in (WATER, ICE, OTHER):
        patches, count = ndimage.label(after == code)
        for patch in range(1, count + 1):
            inside = patches == patch
            around = after[ndimage.binary_dilation(inside) & ~inside]
            assert inside.sum() >= 3 or not around.any()


def patches_of(codes, units):
    """Labels of scipy, by class and then in raster order, and their classes and areas; 0 is what was not seen."""
    labels, classes = np.zeros(codes.shape, dtype=int), [0]
    for code in (WATER, ICE, OTHER):
        components, count = ndimage.label(codes == code)
        labels[components > 0] = components[components > 0] + len(classes) - 1
        classes += [int(code)] * count
    return labels, classes, [int(units[labels == number].sum()) for number in range(len(classes))]


def merged_pixel_by_pixel(codes, units, least):
    """Every small patch to the largest of those around it, again and again; plainly."""
    while True:
        labels, classes, sizes = patches_of(codes, units)
        target = list(range(len(classes)))
        for number in range(1, len(classes)):
            inside = labels == number
            neighbours = {int(n) for n in np.unique(labels[ndimage.binary_dilation(inside) & ~inside])} - {0}
            if sizes[number] < least:
                target[number] = max([number, *neighbours], key=lambda n: (sizes[n], -n))
        ends = target.copy()
        for number in range(len(ends)):
            while target[ends[number]] != ends[number]:
                ends[number] = target[ends[number]]
        if ends == list(range(len(classes))):
            return codes
        moved = np.array([classes[end] for end in ends], dtype=np.uint8)
        codes = np.where(labels > 0, moved[labels], codes)


@pytest.mark.parametrize("seed", range(40))
def test_patches_move_by_true_area_as_they_do_pixel_by_pixel(seed):
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, 25, 2)
    codes = rng.choice([0, 1, 2, 3, 4], shape, p=[0.05, 0.4, 0.3, 0.2, 0.05]).astype(np.uint8)
    units, least = rng.integers(1, 2 + seed % 3 * 2, shape), float(rng.integers(2, 40))
    strata, classes = codes.astype(np.uint16), codes.copy()
    runs = sieve(strata, RunLengthRaster.from_array(classes), lambda block: units[block.slices].astype(np.int64), least)
    classes = runs.block(Block(0, 0, *classes.shape))
    wanted = merged_pixel_by_pixel(codes, units, least)
    np.testing.assert_array_equal(classes, wanted)
    np.testing.assert_array_equal(strata == codes, wanted == codes)


def test_where_one_patch_is_small_gdal_agrees():
    codes = np.ones((6, 6), dtype=np.uint8)
    codes[2, 2:4] = 2
    assert np.array_equal(merge(codes, 3)[0], gdal_sieve(codes, 3, connectivity=4))


def test_a_run_tells_how_much_moved(run_scenes, tmp_path):
    path = write(tmp_path / "x_20240701.tif", paint(["wwwwww", "wiwwii", "wwwwii"]))
    whole = run_scenes(path)
    result = run_scenes(path, name="clean", measure={"min_patch_m2": 100_000})
    ice = {name: next(r for r in rows.rows if r.class_ == "ice") for name, rows in (("w", whole), ("c", result))}
    assert (ice["w"].n_pixels, ice["c"].n_pixels) == (5, 4)
    assert ice["c"].n_polygons == 1
    moved = json.loads((result.folder / "run.json").read_text())["observations"]["2024-07-01"]["moved_km2"]
    assert moved == {"ice to water": pytest.approx(ice["w"].area_km2 / 5, rel=1e-3)}
    assert ice["c"].area_high_km2 == pytest.approx(ice["w"].area_high_km2, rel=1e-9)
    assert any("small patches were reclassified" in note for note in result.notes)
