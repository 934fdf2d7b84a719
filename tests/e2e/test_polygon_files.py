"""Polygon files of whole runs: formats, the run's GeoPackage, simplified and brought elsewhere."""

from __future__ import annotations

import geopandas
import numpy as np
import pyogrio
import pytest
import shapely
from affine import Affine
from pydantic import ValidationError

from icepipe.config.publish import Polygons
from icepipe.errors import ConfigError
from icepipe.publish.vectors import shapefile
from tests.rasters import paint, write

DAYS = {
    "20240701": ["iiww", "iiww", "wwgg"],
    "20240702": ["iwww", "wiww", "wwgg"],
    "20240703": ["wwww", "wwww", "wwgg"],
}


def tiles(folder, days=tuple(DAYS)):
    for day in days:
        write(folder / f"x_{day}.tif", paint([row * 3 for row in DAYS[day]] * 3))
    return folder


def settings(tmp_path, **polygons):
    return {"folder": str(tmp_path / "out"), "polygons": polygons}


def layers(path):
    return {name: pyogrio.read_dataframe(path, layer=name) for name in ("ice", "water")}


def test_one_geopackage_holds_all_dates(run_scenes, tmp_path):
    result = run_scenes(tiles(tmp_path / "t"), publish=settings(tmp_path, format="geopackage"))
    frames = layers(result.folder / "test.gpkg")
    for row in result.rows:
        if row.class_ in frames:
            mine = frames[row.class_][frames[row.class_]["date"].astype(str) == row.date]
            assert len(mine) == row.n_polygons
            assert mine["area_km2"].sum() == pytest.approx(row.area_km2, rel=1e-9)
            assert mine["n_px"].sum() == row.n_pixels
    info = pyogrio.read_info(result.folder / "test.gpkg", layer="ice")
    assert info["ogr_types"][list(info["fields"]).index("date")] == "OFTDate"
    assert not list(result.folder.rglob("*.shp"))


def test_the_geopackage_is_the_same_however_the_dates_came(run_scenes, tmp_path):
    """One date after another, in several orders."""
    made = {}
    whole = tiles(tmp_path / "whole")
    days = ("2024-07-01", "2024-07-02", "2024-07-03")
    for order in (days, days[::-1], (days[1], days[2], days[0])):
        publish = settings(tmp_path / "-".join(order), format=["geopackage", "shapefile"])
        for number in (1, 2, 3):
            run_scenes(whole, publish=publish, only=order[:number])
        made[order] = (tmp_path / "-".join(order) / "out/test/test.gpkg").read_bytes()
    assert len(set(made.values())) == 1


def test_the_geopackage_is_written_only_when_something_changed(run_scenes, tmp_path):
    folder, publish = tiles(tmp_path / "t"), settings(tmp_path, format="geopackage")
    path = run_scenes(folder, publish=publish).folder / "test.gpkg"
    first, data = path.stat().st_mtime_ns, path.read_bytes()
    run_scenes(folder, publish=publish)
    assert path.stat().st_mtime_ns == first
    path.write_bytes(data[:-5])
    run_scenes(folder, publish=publish)
    assert path.read_bytes() == data
    write(folder / "x_20240703.tif", paint([row * 3 for row in DAYS["20240701"]] * 3))
    run_scenes(folder, publish=publish)
    assert path.read_bytes() != data
    assert [p.name for p in path.parent.glob(".*")] == [".lock"]


def test_another_format_takes_the_place_of_the_first(run_scenes, tmp_path):
    folder = tiles(tmp_path / "t")
    result = run_scenes(folder, publish=settings(tmp_path, format=["geopackage", "flatgeobuf"]))
    assert (result.folder / "test.gpkg").exists()
    run_scenes(folder, publish=settings(tmp_path))
    assert {p.suffix for p in result.folder.rglob("*_ice.*")} == {".shp", ".shx", ".dbf", ".prj", ".cpg", ".qml"}
    assert not (result.folder / "test.gpkg").exists()


def test_someone_elses_geopackage_stays(run_scenes, tmp_path):
    (tmp_path / "out/test").mkdir(parents=True)
    (tmp_path / "out/test/test.gpkg").write_text("mine")
    run_scenes(tiles(tmp_path / "t"))
    assert (tmp_path / "out/test/test.gpkg").read_text() == "mine"


def test_areas_stay_those_of_the_pixels(run_scenes, tmp_path):
    folder = tiles(tmp_path / "t")
    plain = run_scenes(folder, name="plain", publish=settings(tmp_path, format="geoparquet"))
    drawn = run_scenes(
        folder, name="drawn", publish=settings(tmp_path, format="geoparquet", simplify_m=500, crs="EPSG:4326")
    )
    frames = [geopandas.read_parquet(next(r.folder.rglob("*2024-07-02_ice.parquet"))) for r in (plain, drawn)]
    for name in ("id", "n_px", "area_m2"):
        assert np.array_equal(frames[0][name], frames[1][name])
    assert frames[1].crs.to_epsg() == 4326
    assert set(frames[1].geom_type) == {"MultiPolygon"}
    assert [row.area_km2 for row in plain.rows] == [row.area_km2 for row in drawn.rows]
    assert shapely.is_valid(frames[1].geometry.to_numpy()).all()


def test_a_shapefile_that_would_be_too_large_is_told_on_every_run(run_scenes, tmp_path, monkeypatch):
    monkeypatch.setattr(shapefile, "LIMIT_BYTES", 500)
    folder = tiles(tmp_path / "t", ("20240701",))
    for _ in range(2):
        notes = [note for note in run_scenes(folder).notes if "gpkg instead" in note]
        assert [note.split()[0] for note in notes] == ["test_2024-07-01_ice.shp", "test_2024-07-01_water.shp"]


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:999999"])
def test_a_system_without_a_place_for_them_is_refused_before_any_work(run_scenes, tmp_path, crs):
    path = write(tmp_path / "x_20240701.tif", paint(["iw", "wi"]), transform=Affine(250, 0, -250, 0, -250, 250))
    with pytest.raises(ConfigError, match=r"publish\.polygons\.crs"):
        run_scenes(path, publish=settings(tmp_path, crs=crs))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "wrong", [{"format": "kml"}, {"format": []}, {"simplify_m": -1}, {"crs": "4326"}, {"crs": "http://x"}], ids=str
)
def test_what_the_config_refuses(wrong):
    with pytest.raises(ValidationError):
        Polygons.model_validate(wrong)


def test_the_order_of_formats_does_not_matter():
    assert Polygons(format=["shapefile", "geopackage", "shapefile"]) == Polygons(format=["geopackage", "shapefile"])
