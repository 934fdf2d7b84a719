"""The answer, of pixels and of the surface, does not move with k or the seed, and a rare class survives."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import rasterio
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from icepipe.config.schema import Config
from icepipe.measure.area.series import Row
from icepipe.segment.clustering import kmeans as palette
from icepipe.segment.clustering import splitting
from icepipe.segment.clustering.assignment import nearest, squared_distances
from icepipe.segment.clustering.sampling import thin_sample
from icepipe.segment.features import compute_features
from icepipe.segment.naming import name_clusters
from icepipe.workflow.fit import candidate_pixels
from icepipe.workflow.plan import make_plan
from tests.conftest import ROOT
from tests.modules import load
from tests.rasters import GROUND, ICE, WATER, write

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
        # Both doubts, of names and of mixtures.
        assert base.area_high_km2 - base.area_low_km2 <= 0.15 * base.region_km2


KS_BY_SEED = {0: (4, 6, 9, 12), 2: (5,), 6: (11,), 8: (8,)}
"""Some of the fits of docs/explanation/stability.md, which has nine k and ten seeds."""


NAMES_MOVE = pytest.mark.xfail(
    strict=True, reason="the names of cloud over ice move, and 0.54 points of surface with them"
)


@pytest.mark.parametrize(
    ("kind", "most_points"), [("truecolor", 0.31), pytest.param("falsecolor", 0.93, marks=NAMES_MOVE)]
)
def test_the_surface_of_ice_moves_by_at_most_half_a_point_with_k_and_seed(shared_data, kind, most_points):
    """Five scenes, one fit for all, as the benchmark does it; pixel areas move as little as is published."""
    stability = load(ROOT / "benchmarks/stability.py")
    paths = sorted((shared_data / "modis-sea-ice").glob(f"*/*.{kind}.tiff"))
    scenes = [stability.load_scene(str(path)) for path in paths]
    how, pixels, surfaces = scenes[0].plan.clustering, [], []
    for seed, ks in KS_BY_SEED.items():
        sample = stability.draw_sample(scenes, seed)
        for k in ks:
            model = name_clusters(splitting.fit(sample, k, seed, how.space, how.rules), k, how.space, how.rules)
            pixels.append(stability.ice_fractions(model, scenes))
            surfaces.append(stability.ice_surfaces(model, scenes))
    low, best, high = np.moveaxis(surfaces, -1, 0)
    print(kind, "pixels", np.round(100 * np.ptp(pixels, axis=0), 2), "surface", np.round(100 * np.ptp(best, axis=0), 2))
    assert (100 * np.ptp(pixels, axis=0)).max() <= most_points
    assert (low.max(axis=0) <= best.min(axis=0)).all()
    assert (best.max(axis=0) <= high.min(axis=0)).all()
    assert (100 * np.ptp(best, axis=0)).max() <= 0.5


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


@pytest.mark.parametrize("kind", ["truecolor", "falsecolor"])
def test_full_k_means_on_all_pixels_finds_nothing_better(shared_data, kind):
    """scikit-learn's full Lloyd from our centroids: inertia within 2 %, ice after splitting within a point."""
    path = shared_data / f"modis-sea-ice/laptev_sea-200km-20230613/20230613.250m.terra.{kind}.tiff"
    plan = make_plan(Config.model_validate({"name": "lloyd", "inputs": {"scenes": str(path)}}))
    sample = thin_sample([candidate_pixels(plan, 0.5, plan.observations[0])], 50_000)
    colours = palette.distinct_values(sample, plan.clustering.space)
    ours, _ = palette.k_means(colours, len(sample.values), 6, 0)
    with rasterio.open(path) as dataset:
        pixels = dataset.read((1, 2, 3)).reshape(3, -1).T.astype(np.float64)
    with threadpool_limits(limits=1):
        theirs = KMeans(6, init=ours, n_init=1).fit(pixels)
    inertia = squared_distances(pixels, ours, nearest(pixels, ours)).sum()
    assert inertia <= 1.02 * theirs.inertia_
    splitter = splitting.ClusterSplitter.of(colours, plan.clustering.space, plan.clustering.rules)
    shares = []
    for start in (ours, theirs.cluster_centers_):
        centroids, _, _ = splitter.split(start)
        codes = plan.clustering.rules.codes(compute_features(centroids, plan.sensor))
        shares.append((codes[nearest(pixels, centroids)] == 2).mean())
    assert abs(shares[0] - shares[1]) <= 0.01


def test_what_lies_in_a_few_rows_on_every_date_is_found(run_scenes, tmp_path):
    """Two dates sixteen days apart: 4,608 rows of noisy ice, 41 of water, and 41 of ground some hundred below."""
    rng = np.random.default_rng(0)
    ground = np.broadcast_to(np.array(ICE)[:, None, None], (3, 4608, 64)).astype(float)
    ground = ground.copy()
    ground[:, 700:741] = np.array(WATER)[:, None, None]
    ground[:, 1300:1341] = np.array(GROUND)[:, None, None]
    for day in ("20240701", "20240717"):
        noisy = np.clip(np.rint(ground + rng.normal(0, 6, ground.shape)), 0, 255).astype(np.uint8)
        write(tmp_path / f"x_{day}.tif", noisy)
    result = run_scenes(tmp_path / "*.tif", segment={"sample": 20_000}, publish={"polygons": {"classes": []}})
    for name in ("water", "other"):
        assert [row.n_pixels for row in result.rows if row.class_ == name] == [41 * 64] * 2


def test_the_benchmark_still_runs(tmp_path):
    scene = write(tmp_path / "x_20240701.tif", np.random.default_rng(0).integers(0, 256, (3, 30, 30)).astype(np.uint8))
    script = [sys.executable, ROOT / "benchmarks/stability.py", tmp_path / "plot.png", f"noise={scene}", "--seeds", "1"]
    done = subprocess.run(list(map(str, script)), capture_output=True, text=True, check=True)
    assert "| x_20240701.tif |" in done.stdout
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
