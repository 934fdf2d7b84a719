"""The real command: exit codes, messages, and nothing left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from tests.rasters import ICE, TRANSFORM, WATER, paint, write

PICTURE = paint(["wwwwi"] * 6)

_NAMED_CRS = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3413"}}


@pytest.fixture
def config(tmp_path):
    def call(**sections):
        settings = {"name": "bay", "inputs": {"scenes": "tiles"}, "publish": {"folder": "out"}} | sections
        path = tmp_path / "bay.yaml"
        path.write_text(json.dumps(settings))
        return path

    (tmp_path / "tiles").mkdir()
    return call


def test_help_and_version(icepipe):
    done = icepipe("--help")
    assert done.returncode == 0
    for command in ("run", "check", "init", "inspect", "explain", "schema"):
        assert command in done.stdout
    assert icepipe("--version").stdout.startswith("icepipe 0.")


def test_a_run_loads_nothing_that_it_has_no_use_for(config, tmp_path):
    """Every format, a report, a change and named regions, by a start that is real."""
    for day in ("20240701", "20240702"):
        write(tmp_path / f"tiles/x_{day}.tif", PICTURE)
    regions = {"type": "FeatureCollection", "crs": _NAMED_CRS, "features": [_feature("a", 3), _feature("b", 5)]}
    (tmp_path / "regions.geojson").write_text(json.dumps(regions))
    formats = ["geoparquet", "geopackage", "shapefile", "flatgeobuf"]
    publish = {"folder": "out", "report": True, "polygons": {"format": formats}}
    path = config(inputs={"scenes": "tiles", "regions": "regions.geojson"}, publish=publish)
    code = f"import sys; sys.argv = ['icepipe', 'run', {str(path)!r}]; from icepipe.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert {"pyogrio", "pyarrow", "icepipe.publish.report.write"} <= loaded
    unused = {"sklearn", "IPython", "geopandas.geodataframe", "pandas.core.frame", "icepipe.publish.report.notebook"}
    assert not unused & loaded


def _feature(name, columns):
    """A region of some columns of the pictures, in their own coordinate system."""
    corners = [TRANSFORM @ corner for corner in ((0, 0), (columns, 0), (columns, 6), (0, 6), (0, 0))]
    return {"type": "Feature", "properties": {"name": name}, "geometry": {"type": "Polygon", "coordinates": [corners]}}


def test_check_tells_the_plan_and_writes_nothing(icepipe, config, tmp_path):
    write(tmp_path / "tiles/x_20240701.tif", PICTURE)
    done = icepipe("check", config())
    assert done.returncode == 0
    assert "x_20240701.tif" in done.stdout
    assert "sensor rgb" in done.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("second", "rate"), [("20240702", ", 0.55 GB per year"), ("20240703", ", 0.27 GB per year"), ("", "")]
)
def test_check_tells_what_a_year_takes(icepipe, tmp_path, second, rate):
    """1.5 bytes per pixel, a million pixels per date, one date per day: 1.5 MB times 365.25."""
    for day in filter(None, ("20240701", second)):
        write(tmp_path / f"x_{day}.tif", np.full((3, 1000, 1000), 200, dtype=np.uint8), compress="deflate")
    config = tmp_path / "c.yaml"
    config.write_text(json.dumps({"name": "bay", "inputs": {"scenes": "x_*.tif"}}))
    line = next(line for line in icepipe("check", config).stdout.splitlines() if line.startswith("about"))
    assert line.partition("MB of output")[2].removesuffix(" at this rate") == rate


def test_the_command_chooses_k(icepipe, config, tmp_path):
    """scikit-learn judges k, in a process where other libraries load without pandas."""
    write(tmp_path / "tiles/x_20240701.tif", PICTURE)
    done = icepipe("run", config(segment={"k": "elbow"}))
    assert done.returncode == 0, done.stderr
    assert "chosen by elbow" in done.stdout


def test_schema_is_the_schema_of_a_config(icepipe):
    document = json.loads(icepipe("schema").stdout)
    assert set(document["properties"]) == {"name", "inputs", "segment", "measure", "publish", "batch"}


@pytest.mark.parametrize(
    ("make", "code", "text"),
    [
        (Path.iterdir, 3, "no file matches"),
        (lambda tiles: (tiles / "x_20240701.tif").write_text("text"), 3, "not a GeoTIFF"),
        (lambda tiles: write(tiles / "x_20240701.tif", PICTURE, crs=None), 3, "no coordinate system"),
        (lambda tiles: write(tiles / "x.tif", PICTURE), 3, "no date"),
        (lambda tiles: write(tiles / "x_20240701.tif", PICTURE * 0, nodata=0), 3, "no valid pixel"),
    ],
)
def test_unusable_inputs_alone(icepipe, config, tmp_path, make, code, text):
    make(tmp_path / "tiles")
    done = icepipe("run", config())
    assert done.returncode == code
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_raster_without_a_place_brings_up_no_warning_of_rasterio(icepipe, tmp_path):
    path = write(tmp_path / "a.tif", PICTURE, crs=None, transform=Affine.identity())
    done = icepipe("inspect", path).stderr
    assert "it has no coordinate system" in done
    assert "Warning" not in done
    assert icepipe("picture", path, "--out", tmp_path / "p").stderr == ""


def test_a_bad_tile_among_good_ones_is_named_and_the_rest_published(icepipe, config, tmp_path):
    write(tmp_path / "tiles/a_20240701.tif", PICTURE)
    (tmp_path / "tiles/b_20240702.tif").write_text("text")
    done = icepipe("run", config(), "--json")
    assert done.returncode == 4
    assert "b_20240702.tif" in done.stderr
    document = json.loads(done.stdout.strip().splitlines()[-1])
    assert document["observations"] == 1
    assert len(document["failed"]) == 1


def test_a_bad_config_is_two(icepipe, config):
    done = icepipe("run", config(segment={"k": 1}))
    assert done.returncode == 2
    assert "segment.k" in done.stderr
    assert icepipe("run", "no-such.yaml").returncode == 2
    assert icepipe("run").returncode == 2


def test_an_output_that_cannot_be_made_is_told_before_any_work(icepipe, config, tmp_path):
    write(tmp_path / "tiles/a_20240701.tif", PICTURE)
    (tmp_path / "out").write_text("in the way")
    done = icepipe("run", config())
    assert done.returncode == 2
    assert "change publish.folder" in done.stderr
    assert "sample" not in done.stderr


@pytest.mark.parametrize(("colour", "name", "absent"), [(WATER, "water", "ice"), (ICE, "ice", "water")])
def test_scenes_of_one_class_do_not_invent_the_other(run_scenes, tmp_path, colour, name, absent):
    """Noise around one class, at every k, gives none of the other."""
    rng = np.random.default_rng(0)
    pixels = np.clip(rng.normal(colour, 5, (60, 60, 3)), 0, 255).astype(np.uint8).transpose(2, 0, 1)
    path = write(tmp_path / "x_20240701.tif", pixels)
    for k in (2, 6, 12):
        areas = {row.class_: row.area_km2 for row in run_scenes(path, segment={"k": k}).rows}
        assert areas[absent] == 0
        assert areas[name] == pytest.approx(sum(v or 0 for v in areas.values()))


def test_plants_and_ground_are_other(run_scenes, tmp_path):
    path = write(tmp_path / "x_20240701.tif", paint(["ggpp"] * 4))
    areas = {row.class_: row.area_km2 for row in run_scenes(path).rows}
    assert areas["ice"] == areas["water"] == 0
    assert areas["other"] > 0


def test_one_colour_works_with_fewer_clusters(run_scenes, tmp_path):
    result = run_scenes(write(tmp_path / "x_20240701.tif", paint(["iii"] * 3)))
    assert (result.model.k_asked, result.model.k_fitted) == (6, 1)


def test_moving_a_pixel_leaves_the_names_of_clusters(run_scenes, tmp_path):
    """One pixel turned from water to ice moves an area by a pixel, and no cluster's name."""
    one = run_scenes(write(tmp_path / "x_20240701.tif", PICTURE))
    moved = PICTURE.copy()
    moved[:, 0, 0] = ICE
    other = run_scenes(write(tmp_path / "y_20240701.tif", moved))
    assert [c.code for c in one.model.clusters] == [c.code for c in other.model.clusters]
    ice = [next(r for r in result.rows if r.class_ == "ice").n_pixels for result in (one, other)]
    assert ice == [6, 7]


def test_a_scene_that_vanishes_between_plan_and_read_is_a_fault(run_scenes, tmp_path, monkeypatch):
    from icepipe.workflow import plan

    good = write(tmp_path / "a_20240701.tif", PICTURE)
    bad = write(tmp_path / "b_20240702.tif", PICTURE)
    real = plan.run_grid
    monkeypatch.setattr(plan, "run_grid", lambda scenes: (bad.unlink(missing_ok=True), real(scenes))[1])
    result = run_scenes([good, bad])
    assert {row.date for row in result.rows} == {"2024-07-01"}
    assert len(result.faults) == 1
    assert "b_20240702.tif" in str(result.faults[0])
