"""Which pixels a fit may look at, and what is done while they are read."""

from __future__ import annotations

import geopandas
import numpy as np
import pytest
from shapely.geometry import box

from icepipe.config import Config
from icepipe.errors import InputError, NoUsableInput
from icepipe.fitting import fit_run, pool_of
from icepipe.inputs import grid as grids
from icepipe.inputs.grid import every_other_band
from icepipe.plan import make_plan
from icepipe.records import GeoBox
from tests.rasters import TRANSFORM, write

ROWS, COLS, HIGH = 64, 80, 8


def rows_of(blocks):
    return [row for block in blocks for row in range(block.row, block.row + block.height)]


def silent(_what, _done, _total):
    """Told nothing."""


def nothing(_observation):
    """Done meanwhile."""


@pytest.fixture
def low_bands(monkeypatch):
    """Eight bands of eight rows in a raster of 64."""
    monkeypatch.setattr(grids, "BAND_ROWS", HIGH)


@pytest.fixture
def plan_of(tmp_path):
    """A plan over noise, with a colour of its own in every row; two dates that follow each other."""

    def call(seen=ROWS, region=None, **segment):
        pixels = np.random.default_rng(0).integers(0, 256, (3, ROWS, COLS)).astype(np.uint8)
        pixels[0] = np.arange(ROWS)[:, None] * 3
        pixels[:, seen:] = 0
        for day in (1, 2):
            write(tmp_path / f"x_2024070{day}.tif", pixels, nodata=0)
        inputs = {"scenes": str(tmp_path / "*.tif"), "sensor": "rgb"}
        if region:
            inputs["regions"] = {"path": str(region), "name": "name"}
        return make_plan(Config.model_validate({"name": "x", "inputs": inputs, "segment": segment}))

    return call


@pytest.mark.parametrize(("rows", "wide"), [(4096, 10_980), (10_980, 10_980), (4097, 300), (5000, 2**21)])
def test_two_turns_look_at_every_row_once(rows, wide):
    grid = GeoBox("", None, wide, rows)
    even, odd = (rows_of(every_other_band(grid, first)) for first in (0, 1))
    assert sorted(even + odd) == list(range(rows))
    assert {row // 512 % 2 for row in even} == {0}
    assert {row // 512 % 2 for row in odd} == {1}
    assert all(block.width == wide for block in every_other_band(grid, 1))


def test_a_grid_of_few_bands_is_looked_at_as_a_whole():
    assert rows_of(every_other_band(GeoBox("", None, 10_980, 4095), 1)) == list(range(4095))


@pytest.mark.usefixtures("low_bands")
def test_dates_and_seeds_take_turns(plan_of):
    seen = {}
    for seed in (0, 1):
        plan = plan_of(seed=seed)
        for observation in plan.observations:
            pool = pool_of(plan, 0.9, observation)
            seen[seed, observation.key] = {row // HIGH % 2 for row in pool.values[:, 0] // 3}
    assert seen[0, "2024-07-01"] == seen[1, "2024-07-02"] != seen[0, "2024-07-02"] == seen[1, "2024-07-01"]
    assert all(len(bands) == 1 for bands in seen.values())


@pytest.mark.usefixtures("low_bands")
def test_every_pixel_is_taken_where_that_is_asked_for(plan_of):
    plan = plan_of()
    assert len(pool_of(plan, 1.0, plan.observations[0]).values) == ROWS * COLS


@pytest.mark.usefixtures("low_bands")
def test_named_regions_are_looked_at_as_a_whole(plan_of, tmp_path):
    left, top = TRANSFORM @ (0, 0)
    right, bottom = TRANSFORM @ (COLS, ROWS)
    outline = geopandas.GeoDataFrame({"name": ["bay"]}, geometry=[box(left, bottom, right, top)], crs="EPSG:3413")
    path = tmp_path / "regions.gpkg"
    outline.to_file(path)
    plan = plan_of(region=path)
    pool = pool_of(plan, 0.9, plan.observations[0])
    assert {row // HIGH for row in pool.values[:, 0] // 3} == set(range(ROWS // HIGH))


@pytest.mark.usefixtures("low_bands")
def test_too_small_a_sample_is_drawn_again_from_all_rows(plan_of):
    """Only the first band has data: 640 pixels a date, of which the other date's turn sees none."""
    model, faults = fit_run(plan_of(seen=HIGH, sample=1000), silent, nothing)
    assert model.fit.n_sample > 600
    assert not faults


def test_something_else_is_done_with_every_observation_and_may_fail(plan_of):
    done = []

    def meanwhile(observation):
        done.append(observation.key)
        raise InputError(observation.scenes[0].path, "is away", "come again")

    model, faults = fit_run(plan_of(), silent, meanwhile)
    assert sorted(done) == ["2024-07-01", "2024-07-02"]
    assert not faults
    assert len(model.clusters)


def test_a_run_of_nothing_that_can_be_read_says_so(plan_of, tmp_path):
    plan = plan_of()
    for path in tmp_path.glob("*.tif"):
        path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(NoUsableInput, match="no usable input"):
        fit_run(plan, silent, nothing)
