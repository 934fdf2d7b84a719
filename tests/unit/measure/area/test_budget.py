"""Tallies, bounds and budgets on numbers a reader can check by eye."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pyproj
import pytest
from affine import Affine

from icepipe.classes import ClassCode
from icepipe.errors import IntegrityError
from icepipe.flags import Flag
from icepipe.geo.geobox import Block, GeoBox
from icepipe.geo.pixel_area import PixelArea
from icepipe.inputs.observation_key import ObservationKey
from icepipe.inputs.reading.class_values import FULL_COVER, STEP
from icepipe.inputs.scenes import Observation, Scene
from icepipe.measure.area.budget import compute_budget
from icepipe.measure.area.mixed_edges import Edges, block_with_neighbours, edge_areas
from icepipe.measure.area.series import COLUMNS, RowContext, observation_rows, row_flags
from icepipe.measure.area.tally import Tally
from icepipe.raster.blocks import blocks
from icepipe.raster.run_length import RunLengthRaster
from icepipe.segment.classification.class_rasters import ClassRasterStrata
from icepipe.segment.classification.strata import ClusterStrata, mask_stratum
from icepipe.segment.model import Cluster, FitRecord, Model

WATER, ICE, OTHER = ClassCode.WATER, ClassCode.ICE, ClassCode.OTHER
GRID = GeoBox(pyproj.CRS(6931).to_wkt(), Affine(1000, 0, 0, 0, -1000, 0), 4, 3)


def cluster(code, *could_be):
    return Cluster((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), code, code, could_be or (code,), 0.1, "", 0.25, 0)


CLUSTERS = (cluster(WATER), cluster(WATER, WATER, ICE), cluster(ICE, WATER, ICE), cluster(ICE))
FITTED = FitRecord(0, 12, 1, 1, 100, 1e-4, True, 0.0)
ROLES = ("red", "green", "blue")
MODEL = ClusterStrata([Model("rgb", ROLES, "sRGB", (), "rgb", (), 4, 4, FITTED, 0.0, 0.0, 0.0, 1.0, CLUSTERS)])
UNSEEN, BEYOND = mask_stratum(ClassCode.UNOBSERVED), mask_stratum(ClassCode.OUTSIDE)
STRATA = np.array([[0, 0, 1, 2], [3, 3, 3, UNSEEN], [UNSEEN, BEYOND, BEYOND, BEYOND]], dtype=np.uint16)
NO_EDGE = dict.fromkeys((WATER, ICE, OTHER), 0)


def tallied() -> Tally:
    tally = Tally()
    tally.add(STRATA, np.full(STRATA.shape, 500_000))
    return tally


def test_areas_and_bounds_follow_from_what_clusters_could_be():
    result = compute_budget(tallied(), MODEL, 2.0, NO_EDGE)
    ice, water = result.classes[ICE], result.classes[WATER]
    assert (water.low_km2, water.area_km2, water.high_km2) == (2, 3, 4)
    assert (ice.low_km2, ice.area_km2, ice.high_km2) == (3, 4, 5)
    assert result.classes[ClassCode.UNOBSERVED].area_km2 == 2
    assert (result.region_km2, result.seen_km2, result.unknown_km2) == (9, 7, 2)
    assert result.valid_fraction == pytest.approx(7 / 9)


def test_blocks_add_up_to_the_whole_whatever_their_order():
    units = np.random.default_rng(0).integers(2**29, 2**31, STRATA.shape)
    whole, parts = Tally(), Tally()
    whole.add(STRATA, units)
    for row in (2, 0, 1):
        parts.add(STRATA[row : row + 1], units[row : row + 1])
    assert whole == parts


def test_a_budget_that_does_not_close_is_an_error():
    tally = tallied()
    tally.units[60_000] += 1_000_000
    with pytest.raises(IntegrityError, match="add up to"):
        compute_budget(tally, MODEL, 2.0, NO_EDGE)


def test_edges_are_border_length_times_half_a_pixel():
    classes = np.array([[1, 1, 2, 2], [1, 1, 2, 3], [0, 0, 0, 3]], dtype=np.uint8)
    area = PixelArea.of(GRID)
    units = edge_areas(RunLengthRaster.from_array(classes), Block(0, 0, 3, 4), area.units).units
    km2 = {code: value * area.unit_m2 / 4e6 for code, value in units.items()}
    assert km2[WATER] == pytest.approx(2 * 0.5, rel=1e-6)
    assert km2[ICE] == pytest.approx(4 * 0.5, rel=1e-6)
    assert km2[OTHER] == pytest.approx(2 * 0.5, rel=1e-6)


def test_edges_do_not_depend_on_strips_or_blocks(monkeypatch):
    classes = np.random.default_rng(0).integers(0, 4, (30, 20), dtype=np.uint8)
    grid = dataclasses.replace(GRID, width=20, height=30)
    area = PixelArea.of(grid)
    everything = Block(0, 0, 30, 20)
    whole = edge_areas(RunLengthRaster.from_array(classes), everything, area.units)
    monkeypatch.setattr("icepipe.raster.blocks.BLOCK_PIXELS", 60)
    assert edge_areas(RunLengthRaster.from_array(classes), everything, area.units) == whole
    parts = Edges()
    for block in blocks(grid, 7):
        around, above, left = block_with_neighbours(block, everything)
        parts.add(classes[around.slices], area.units(around), above, left)
    assert parts == whole


def test_edges_of_a_window_have_the_areas_of_its_place(monkeypatch):
    monkeypatch.setattr("icepipe.raster.blocks.BLOCK_PIXELS", 30)
    rng = np.random.default_rng(1)
    classes, units = rng.integers(0, 4, (30, 20), dtype=np.uint8), rng.integers(1, 1000, (30, 20))
    window, cut = Block(5, 3, 20, 10), np.full((30, 20), ClassCode.OUTSIDE, dtype=np.uint8)
    cut[window.slices] = classes[window.slices]
    edges = edge_areas(RunLengthRaster.from_array(classes[window.slices]), window, lambda block: units[block.slices])
    assert edges == edge_areas(RunLengthRaster.from_array(cut), Block(0, 0, 30, 20), lambda block: units[block.slices])
    assert edges.units[ICE] > 0


def context(flags=frozenset(), screened=frozenset()):
    day = dt.date(2024, 7, 1)
    scene = Scene(None, day, None, "", "rgb", ("red", "green", "blue"), "rgb", GRID, ())
    return RowContext(
        "bay", Observation(ObservationKey.of(day), (scene,)), "first", "any", 1.0, flags, "m", "c", screened, True
    )


def test_rows_close_and_leave_the_unknown_empty():
    result = compute_budget(tallied(), MODEL, 2.0, NO_EDGE)
    table = {row.class_: row for row in observation_rows(result, {ICE: 2}, context())}
    assert sum(row.area_km2 or 0 for row in table.values()) == pytest.approx(result.region_km2, rel=1e-9)
    assert table["cloud"].area_km2 is None
    assert table["land"].area_km2 is None
    assert table["other"].area_km2 == 0
    assert table["ice"].n_polygons == 2
    assert table["ice"].area_est_km2 == pytest.approx(4 * 9 / 7)
    assert table["ice"].planar_km2 == 4
    assert COLUMNS[:5] == ("region", "date", "sensor", "class", "area_km2")


def test_nothing_seen_means_nothing_known():
    tally = Tally()
    tally.add(np.full((2, 2), UNSEEN, np.uint16), np.ones((2, 2), np.int64))
    result = compute_budget(tally, MODEL, 1.0, NO_EDGE)
    table = {row.class_: row for row in observation_rows(result, {}, context())}
    assert table["ice"].area_km2 is None
    assert table["ice"].area_est_km2 is None
    assert table["unobserved"].area_km2 == pytest.approx(4e-6)
    assert "nothing_seen" in row_flags(result, 0.5, frozenset(), context().observation, False, False)


def test_flags_say_what_was_not_screened_and_not_seen():
    result = compute_budget(tallied(), MODEL, 2.0, NO_EDGE)
    assert row_flags(result, 0.5, frozenset(), context().observation, False, False) == {
        Flag.CLOUD_NOT_SCREENED,
        Flag.LAND_NOT_MASKED,
        Flag.PARTLY_SEEN,
    }
    assert "model_drift" in row_flags(result, 0.5, frozenset(), context().observation, True, False)
    assert "under_min_valid" in row_flags(result, 0.9, frozenset(), context().observation, False, False)
    assert row_flags(
        result, 0.5, frozenset({ClassCode.CLOUD, ClassCode.LAND}), context().observation, False, False
    ) == {Flag.PARTLY_SEEN}


def test_the_planar_area_of_a_block_is_not_the_true_one():
    mercator = GeoBox(pyproj.CRS(3857).to_wkt(), Affine(240, 0, 1_800_000, 0, -240, 14_400_000), 4, 4)
    true = PixelArea.of(mercator).m2(Block(0, 0, 4, 4)).mean()
    assert mercator.planar_pixel_area / true > 20


def test_the_surface_is_scaled_to_the_region_like_the_pixel_area():
    result = compute_budget(tallied(), MODEL, 2.0, NO_EDGE)
    table = {row.class_: row for row in observation_rows(with_ice(result, 3.5), {}, context())}
    assert (table["ice"].area_km2, table["ice"].weighted_km2) == (4, 3.5)
    assert table["ice"].weighted_est_km2 == pytest.approx(3.5 * 9 / 7)
    assert table["unobserved"].weighted_km2 is None
    assert table["unobserved"].weighted_est_km2 is None
    assert COLUMNS[COLUMNS.index("weighted_km2") + 1] == "weighted_est_km2"


def with_ice(budget, ice_km2, mixed_fraction=0.0):
    """The budget with another surface of ice; what it loses is water."""
    classes = dict(budget.classes)
    gained = classes[ICE].area_km2 - ice_km2
    for code, km2 in ((ICE, ice_km2), (WATER, classes[WATER].area_km2 + gained)):
        classes[code] = dataclasses.replace(classes[code], weighted_km2=km2)
    return dataclasses.replace(budget, classes=classes, mixed_fraction=mixed_fraction)


def tally_of(n_water, n_ice):
    tally = Tally()
    tally.add(np.array([[0] * n_water + [3] * n_ice], dtype=np.uint16), np.ones((1, n_water + n_ice), np.int64))
    return compute_budget(tally, MODEL, 1e6, NO_EDGE)


@pytest.mark.parametrize(
    ("n_ice", "ice_km2", "mixed_fraction", "is_flagged"),
    [
        pytest.param(500, 455.0, 0.0, False, id="less than a tenth of the area"),
        pytest.param(500, 445.0, 0.0, True, id="more than a tenth of the area, less"),
        pytest.param(500, 555.0, 0.0, True, id="more than a tenth of the area, more"),
        pytest.param(500, 500.0, 0.1, False, id="a tenth of the seen area is mixed"),
        pytest.param(500, 500.0, 0.11, True, id="more than a tenth of the seen area is mixed"),
        pytest.param(0, 2.9, 0.0, False, id="a trace of a class without pixels"),
        pytest.param(0, 3.1, 0.0, True, id="a class without pixels that is notable"),
        pytest.param(4, 2.0, 0.0, False, id="half of next to nothing"),
        pytest.param(20, 10.0, 0.0, True, id="half of a small class"),
    ],
)
def test_mixed_pixels_are_flagged_where_they_matter(n_ice, ice_km2, mixed_fraction, is_flagged):
    budget = with_ice(tally_of(1000 - n_ice, n_ice), ice_km2, mixed_fraction)
    for unfit in (False, True):
        flags = row_flags(budget, 0.5, frozenset(), context().observation, False, unfit)
        assert (Flag.MIXED_PIXELS in flags) == (is_flagged and not unfit)
    assert not Flag.MIXED_PIXELS.excludes_from_trends


@pytest.mark.parametrize("has_concentrations", [False, True])
def test_a_surface_is_a_concentration_only_where_the_input_holds_concentrations(has_concentrations):
    half = ClassCode.ICE * STEP + 1 + FULL_COVER // 2
    tally = Tally()
    tally.add(np.array([[half, half, ClassCode.WATER * STEP]], dtype=np.uint16), np.ones((1, 3), np.int64))
    result = compute_budget(tally, ClassRasterStrata(has_concentrations), 1e6, NO_EDGE)
    flags = row_flags(result, 0.5, frozenset(), context().observation, False, False)
    assert (Flag.CONCENTRATION in flags) == has_concentrations
    # An extent is twice its surface here, and no pixel is doubtful for it.
    assert Flag.MIXED_PIXELS not in flags
    weighted = [result.classes[code].weighted_km2 for code in (ICE, WATER)]
    assert weighted == ([2 * (FULL_COVER // 2) / FULL_COVER, None] if has_concentrations else [None, None])
    clustered = row_flags(tally_of(1, 1), 0.5, frozenset(), context().observation, False, False)
    assert Flag.CONCENTRATION not in clustered
