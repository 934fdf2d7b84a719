"""A delivery of PlanetScope scenes, from the first config to areas."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from affine import Affine
from rasterio.enums import ColorInterp

from tests.rasters import write

FORKED = True

SPECTRA = {
    "w": (0.0605, 0.0550, 0.0440, 0.0220),
    "i": (0.8250, 0.8140, 0.8030, 0.7150),
    "p": (0.0440, 0.0770, 0.0550, 0.3520),
    ".": (0.0, 0.0, 0.0, 0.0),
}
LETTERS = ["wwwiii.."] * 6 + ["pppppp.."] * 2
PIXEL_M2 = 9.0
ON_THE_CENTRAL_MERIDIAN = 0.9996**2
"""Area on the map, of area on the ground, there."""

PLACE = {"crs": "EPSG:32633", "transform": Affine(3, 0, 500_000, 0, -3, 8_700_000)}


def delivery(folder, ending, **options):
    """One scene of 8 x 8 pixels of 3 m: 18 of water, 18 of ice, 12 of plants, 16 that were not seen."""
    numbers = np.array([[SPECTRA[letter] for letter in row] for row in LETTERS]).transpose(2, 0, 1) * 10_000
    path = folder / f"20220501_184030_12_2480_3B_{ending}.tif"
    return write(path, np.rint(numbers).astype(np.uint16), **(PLACE | options))


@pytest.mark.parametrize(
    ("ending", "options"),
    [
        ("AnalyticMS_SR", {"nodata": 0}),
        ("AnalyticMS_SR_harmonized", {}),
        ("AnalyticMS_SR_clip", {"photometric": "RGB", "alpha": "unspecified"}),
        ("AnalyticMS_SR_harmonized_clip", {"colorinterp": [*[ColorInterp.gray] * 3, ColorInterp.alpha]}),
    ],
)
def test_a_delivery_runs_from_init_to_areas(icepipe, tmp_path, ending, options):
    path = delivery(tmp_path / "tiles", ending, **options)
    started = icepipe("init", "tiles", cwd=tmp_path)
    assert started.returncode == 0, started.stderr
    (tmp_path / "bay.yaml").write_text(started.stdout)
    checked = icepipe("check", "bay.yaml", cwd=tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert path.name in checked.stdout
    assert "sensor planetscope-4" in checked.stdout
    done = icepipe("run", "bay.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with next((tmp_path / "out").glob("*/*series.csv")).open(encoding="utf-8") as file:
        rows = {row["class"]: row for row in csv.DictReader(file)}
    assert {(row["date"], row["sensor"]) for row in rows.values()} == {("2022-05-01", "planetscope-4")}
    pixels = {"water": 18, "ice": 18, "other": 12, "unobserved": 16}
    for name, count in pixels.items():
        expected = count * PIXEL_M2 / ON_THE_CENTRAL_MERIDIAN / 1e6
        assert float(rows[name]["area_km2"]) == pytest.approx(expected, rel=1e-4), name


def test_inspect_prints_sensor_day_and_time(icepipe, tmp_path):
    output = icepipe("inspect", delivery(tmp_path, "AnalyticMS_SR")).stdout
    assert "date 2022-05-01 18:40:30 UTC" in output
    assert "sensor planetscope-4, rules near-infrared, reflectance by gain and offset" in output
    assert "validity: nodata 0" in output
    assert "nir: 220 .. 7150" in output


def test_a_near_infrared_band_that_is_marked_as_alpha_hides_nothing(icepipe, tmp_path):
    colours = [*[ColorInterp.gray] * 3, ColorInterp.alpha]
    output = icepipe("inspect", delivery(tmp_path, "AnalyticMS_SR", colorinterp=colours)).stdout
    assert "validity: nodata 0" in output


def test_a_file_of_another_number_of_bands_is_refused(icepipe, tmp_path):
    path = write(tmp_path / "tiles/20220501_184030_12_2480_3B_AnalyticMS_SR.tif", np.ones((5, 4, 4), np.uint16))
    config = tmp_path / "bay.yaml"
    config.write_text(f"name: bay\ninputs: {{scenes: {path}, sensor: planetscope-4}}\n")
    output = icepipe("check", config)
    assert output.returncode == 3
    assert "its bands do not have the names that planetscope-4 needs" in output.stderr + output.stdout


def test_with_bands_and_scale_in_the_config_a_known_name_is_of_the_sensor_of_its_neighbours(icepipe, tmp_path):
    delivery(tmp_path / "tiles", "AnalyticMS_SR", nodata=0)
    write(tmp_path / "tiles/mosaic_20220505.tif", np.full((4, 8, 8), 600, np.uint16), **PLACE)
    config = tmp_path / "bay.yaml"
    bands = "{blue: 1, green: 2, red: 3, nir: 4}"
    config.write_text(f"name: bay\ninputs: {{scenes: tiles, bands: {bands}, scale: {{gain: 0.0001, offset: 0}}}}\n")
    checked = icepipe("check", config)
    assert checked.returncode == 0, checked.stderr
    assert "sensor bands" in checked.stdout
