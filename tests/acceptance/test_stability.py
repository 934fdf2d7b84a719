"""The answer does not move with k or the seed, and a rare class survives."""

from __future__ import annotations

import numpy as np
import pytest

from icepipe.measure.series import Row
from tests.rasters import ICE, WATER, write

SWEEP = [(6, 0), (4, 1), (8, 2), (12, 3), (5, 7)]


def ice_rows(result) -> dict[str, Row]:
    return {row.date: row for row in result.rows if row.class_ == "ice"}


@pytest.mark.parametrize("kind", ["truecolor", "falsecolor"])
def test_ice_moves_by_less_than_a_point_with_k_and_seed(shared_data, run_scenes, tmp_path, kind):
    """Two passes of one day, one fit of both each time."""
    scenes = shared_data / "modis-sea-ice/barents_kara_seas-100km-20250507" / f"*.{kind}.tiff"
    found = []
    for k, seed in SWEEP:
        result = run_scenes(
            scenes,
            name=f"k{k}s{seed}",
            segment={"k": k, "seed": seed},
            measure={"period": "scene"},
            publish={"folder": str(tmp_path / "out"), "polygons": {"classes": []}},
        )
        found.append(ice_rows(result))
    for date, base in found[0].items():
        areas = [rows[date].area_km2 for rows in found]
        assert max(areas) - min(areas) <= 0.01 * base.region_km2
        assert base.area_low_km2 <= min(areas)
        assert max(areas) <= base.area_high_km2
        assert base.area_high_km2 - base.area_low_km2 <= 0.12 * base.region_km2


@pytest.mark.parametrize(("rare", "common", "name"), [(ICE, WATER, "ice"), (WATER, ICE, "water")])
@pytest.mark.parametrize("share", [0.005, 0.001])
def test_a_rare_class_is_found(run_scenes, tmp_path, rare, common, name, share):
    side = 400
    pixels = np.empty((side * side, 3))
    pixels[:] = common
    count = round(share * side * side)
    pixels[1000 : 1000 + count] = rare
    noisy = pixels + np.random.default_rng(0).normal(0, 6, pixels.shape)
    values = np.clip(np.rint(noisy), 0, 255).astype(np.uint8).reshape(side, side, 3).transpose(2, 0, 1)
    result = run_scenes(write(tmp_path / "x_20240701.tif", values))
    found = next(row.n_pixels for row in result.rows if row.class_ == name)
    assert found == pytest.approx(count, rel=0.1)
