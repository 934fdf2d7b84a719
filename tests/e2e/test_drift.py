"""A frozen model meets a surface that it has not seen, and first runs on scenes that are hard to fit."""

from __future__ import annotations

import json

import numpy as np
import pytest

from icepipe.classes import ClassCode
from tests.rasters import ICE, WATER, write

FORKED = True

SIDE = 200
NILAS = (97, 97, 97)
"""Reflectance 0.12: ice by the middle threshold, and within its published range."""


def ice_and_water(nilas_share=0.0, seed=0, noise=1.5):
    """Half white ice, half water; nilas takes the place of white ice in a share of the region."""
    pixels = np.empty((3, SIDE, SIDE))
    pixels[:] = np.array(WATER)[:, None, None]
    pixels[:, :, : SIDE // 2] = np.array(ICE)[:, None, None]
    flat = pixels.transpose(0, 2, 1).reshape(3, -1)
    flat[:, : round(nilas_share * SIDE**2)] = np.array(NILAS)[:, None]
    pixels = flat.reshape(3, SIDE, SIDE).transpose(0, 2, 1)
    pixels = pixels + np.random.default_rng(seed).normal(0, noise, pixels.shape)
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def mountains(seed=0):
    """Shaded relief of a fractal surface: forest below, then rock, and snow on top."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.fftfreq(SIDE)[None])
    frequency[0, 0] = np.inf
    height = np.real(np.fft.ifft2(np.fft.fft2(rng.normal(size=(SIDE, SIDE))) * frequency**-1.8))
    height = (height - height.min()) / np.ptp(height)
    down, right = np.gradient(60 * height)
    sun = np.array([-0.6, -0.6, 0.53])
    lit = (sun @ [-right.ravel(), -down.ravel(), np.ones(SIDE**2)]).reshape(SIDE, SIDE) / np.hypot(
        1, np.hypot(down, right)
    )
    forest, rock, snow = np.array([[0.03, 0.06, 0.025], [0.22, 0.19, 0.16], [0.80, 0.82, 0.86]])[:, :, None, None]
    reflectance = np.where(height > 0.6, snow, np.where(height > 0.42, rock, forest)) * (np.clip(lit, 0, None) + 0.06)
    encoded = 255 * (1.055 * np.clip(reflectance, 0.0031308, 1) ** (1 / 2.4) - 0.055)
    return np.clip(np.rint(encoded + rng.normal(0, 1.5, encoded.shape)), 0, 255).astype(np.uint8)


def table(result, date):
    return {row.class_: row for row in result.rows if row.date == date}


def entry(result, date):
    return json.loads((result.folder / "run.json").read_text())["observations"][date]


SHARES = {"2024-03-10": 0.009, "2024-03-20": 0.05, "2024-03-30": 0.2}
ALERTS = {"class": "ice", "under_km2": 1000, "faster_km2_per_day": 5}


@pytest.fixture
def story(tmp_path, run_scenes):
    """A winter date on which the model is fitted, and later dates on which nilas grows."""
    write(tmp_path / "x_20240301.tif", ice_and_water())
    run_scenes(tmp_path / "*.tif", measure={"alerts": ALERTS})
    for day, (date, share) in enumerate(SHARES.items(), start=1):
        write(tmp_path / f"x_{date.replace('-', '')}.tif", ice_and_water(share, seed=day))
    return run_scenes(tmp_path / "*.tif", measure={"alerts": ALERTS})


def test_a_surface_that_grows_under_a_frozen_model_is_counted_as_doubt_from_its_first_percent(story):
    winter = table(story, "2024-03-01")["ice"]
    half = winter.region_km2 / 2
    assert "model_drift" not in winter.flags
    assert winter.area_high_km2 - winter.area_low_km2 < 0.001 * half
    for date, share in SHARES.items():
        ice, water = (table(story, date)[name] for name in ("ice", "water"))
        assert "model_drift" in ice.flags
        assert entry(story, date)["outlying"] == pytest.approx(share, abs=1e-4)
        # Nilas is ice, so half of the region is.
        assert ice.area_low_km2 < half <= ice.area_high_km2 + 1
        for row in (ice, water):
            assert row.area_high_km2 - row.area_low_km2 == pytest.approx(share * ice.region_km2, rel=0.06)
        explained = json.loads((story.folder / f"observations/{date}/explain.json").read_text())
        assert explained["outlying_share_of_seen"] == pytest.approx(share, rel=0.01)
        outlying_km2 = sum(cluster["outlying_km2"] for cluster in explained["clusters"])
        assert outlying_km2 == pytest.approx(share * ice.region_km2, rel=0.01)
    assert entry(story, "2024-03-01")["outlying"] == 0


def test_a_drifted_date_leaves_trends_and_its_alerts_are_marked_maybe(story):
    (ice,) = [trend for trend in story.trends if trend.class_ == "ice"]
    assert ice.n_left_out == {"model_drift": 3}
    assert {(alert.date, alert.kind, alert.certainty) for alert in story.alerts} == {
        ("2024-03-20", "faster", "maybe"),
        ("2024-03-30", "under", "maybe"),
    }
    assert any("--rebase" in note and "2024-03-10, 2024-03-20, 2024-03-30" in note for note in story.notes)


@pytest.mark.parametrize("batch", [{"block": 16}, {"block": 64}, {"workers": 1}, {"workers": 3}], ids=str)
def test_doubt_and_drift_are_the_same_whatever_blocks_and_workers(story, tmp_path, run_scenes, batch):
    names = sorted(path.relative_to(story.folder) for path in (story.folder / "observations").rglob("explain.json"))
    documents = [(story.folder / name).read_bytes() for name in names]
    (tmp_path / "again").mkdir()
    options = {"publish": {"folder": str(tmp_path / "again")}, "batch": batch, "measure": {"alerts": ALERTS}}
    run_scenes(tmp_path / "x_20240301.tif", **options)
    again = run_scenes(tmp_path / "*.tif", **options)
    assert again.rows == story.rows
    assert again.alerts == story.alerts
    assert [(again.folder / name).read_bytes() for name in names] == documents
    assert [entry(again, date) for date in SHARES] == [entry(story, date) for date in SHARES]


@pytest.mark.parametrize("seed", range(3))
def test_a_first_run_on_mountains_gives_areas(tmp_path, run_scenes, seed):
    path = write(tmp_path / "x_20240301.tif", mountains(seed))
    result = run_scenes(path)
    rows = table(result, "2024-03-01")
    assert rows["ice"].area_km2 > 0
    assert rows["ice"].area_low_km2 < rows["ice"].area_km2 < rows["ice"].area_high_km2
    assert rows["ice"].flags.isdisjoint({"model_misfit", "model_drift"})
    assert not any("--rebase" in note for note in result.notes)


@pytest.mark.parametrize("colours", [(ICE, WATER), ((205, 205, 205), (60, 60, 60))], ids=["blue", "grey"])
def test_a_first_run_on_a_noisy_scene_gives_areas_and_says_what_to_change(tmp_path, run_scenes, colours):
    noise = np.random.default_rng(1).normal(0, 25, (3, SIDE, SIDE))
    halves = np.repeat(np.array(colours).T[:, None, :], SIDE // 2, axis=2)
    path = write(tmp_path / "x_20240301.tif", np.clip(np.rint(halves + noise), 0, 255).astype(np.uint8))
    result = run_scenes(path)
    ice = table(result, "2024-03-01")["ice"]
    assert 0 < ice.area_low_km2 < ice.area_km2 < ice.area_high_km2
    assert "noisy" in ice.flags
    assert ice.flags.isdisjoint({"model_misfit", "model_drift"})
    assert any("smooth or average the scenes" in note for note in result.notes)
    assert not any("--rebase" in note for note in result.notes)


def test_a_noisy_date_among_others_of_a_first_run_has_an_area(tmp_path, run_scenes):
    for day in (1, 2, 3):
        write(tmp_path / f"x_2024030{day}.tif", ice_and_water(seed=day))
    write(tmp_path / "x_20240304.tif", ice_and_water(seed=4, noise=25))
    result = run_scenes(tmp_path / "*.tif")
    assert all(row.area_km2 is not None for row in result.rows if row.class_ == "ice")
    assert not any("--rebase" in note for note in result.notes)


def test_a_noisy_date_under_a_frozen_model_has_drifted(tmp_path, run_scenes):
    write(tmp_path / "x_20240301.tif", ice_and_water())
    run_scenes(tmp_path / "*.tif")
    write(tmp_path / "x_20240304.tif", ice_and_water(seed=4, noise=25))
    result = run_scenes(tmp_path / "*.tif")
    ice = table(result, "2024-03-04")["ice"]
    assert {"model_drift", "model_misfit"} <= ice.flags
    assert ice.area_km2 is None
    assert any("--rebase" in note for note in result.notes)


def test_a_date_unlike_the_model_file_of_a_first_run_is_not_told_to_rebase(tmp_path, run_scenes):
    write(tmp_path / "x_20240301.tif", ice_and_water())
    winter = run_scenes(tmp_path / "x_20240301.tif", name="winter")
    write(tmp_path / "x_20240330.tif", ice_and_water(0.2))
    result = run_scenes(tmp_path / "x_20240330.tif", name="given", segment={"fit": str(winter.folder / "model.json")})
    assert "model_drift" in table(result, "2024-03-30")["ice"].flags
    assert any("segment.fit" in note for note in result.notes)
    assert not any("--rebase" in note for note in result.notes)


def test_class_codes_of_doubtful_pixels_are_those_of_the_raster(story):
    import rasterio

    for date in SHARES:
        (path,) = (story.folder / f"observations/{date}").glob("*_classes.tif")
        with rasterio.open(path) as dataset:
            codes = dataset.read(1)
        counts = {code.label: int(np.sum(codes == code)) for code in (ClassCode.ICE, ClassCode.WATER)}
        assert counts == {name: table(story, date)[name].n_pixels for name in counts}
