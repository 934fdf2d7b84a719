"""The QGIS project is relative, escaped, reproducible, and lists only files that exist."""

from __future__ import annotations

import datetime as dt
from xml.etree import ElementTree

import numpy as np
import pyproj
import pytest
from affine import Affine

from icepipe.classes import ClassCode
from icepipe.errors import IntegrityError
from icepipe.geo.geobox import GeoBox
from icepipe.geo.pixel_area import PixelArea
from icepipe.inputs.observation_key import ObservationKey
from icepipe.inputs.scenes import Observation, Scene, TimeInterval, acquisition_interval
from icepipe.publish.cog import CLASS_BAND, write_raster
from icepipe.publish.qgis_layers import MapLayer, find_layers
from icepipe.publish.qgis_project import project_xml, write_project
from icepipe.publish.vectors.features import Features
from icepipe.publish.vectors.geopackage import write_features as write_geopackage
from icepipe.publish.vectors.geoparquet import write_geoparquet
from icepipe.publish.vectors.shapefile import write_shapefile
from icepipe.raster.run_length import RunLengthRaster
from tests.polygons import layer_of

GRID = GeoBox(pyproj.CRS(3413).to_wkt(), Affine(250, 0, -650_000, 0, -250, -1_350_000), 4, 3)
CLASSES = np.array([[1, 2, 2, 0], [1, 2, 3, 3], [1, 1, 255, 255]], np.uint8)
KEYS = ("2024-07-01", "2024-07-09T1030_aqua")
MOMENTS = {
    KEYS[0]: ("2024-07-01T00:00:00Z", "2024-07-01T23:59:59Z"),
    KEYS[1]: ("2024-07-09T10:30:00Z", "2024-07-09T10:30:59Z"),
}
REVERSED = dict(reversed(MOMENTS.items()))


def make(folder, keys=KEYS, codes=(ClassCode.ICE, ClassCode.WATER)):
    """Files of some observations, as a run leaves them."""
    area = PixelArea.of(GRID)
    for key in keys:
        part = folder / "observations" / key
        part.mkdir(parents=True)
        day = dt.date.fromisoformat(key[:10])
        write_raster(part / f"bay_{key}_classes.tif", CLASS_BAND, RunLengthRaster.from_array(CLASSES), GRID, day)
        for code in codes:
            layer = layer_of(CLASSES, code, GRID, area)
            write_shapefile(part / f"bay_{key}_{code.label}.shp", Features(layer, day, key))
    return folder


def project(folder):
    (path,) = folder.glob("*.qgs")
    return ElementTree.fromstring(path.read_text())


def test_it_holds_the_files_that_are_there_by_class_and_date(tmp_path):
    make(tmp_path)
    (tmp_path / "observations" / KEYS[1] / f"bay_{KEYS[1]}_ice.shp").unlink()
    (tmp_path / "series.csv").write_text("a\n1\n")
    write_project(tmp_path, "bay", REVERSED | {"2024-07-30": MOMENTS[KEYS[0]]}, GRID)
    root = project(tmp_path)
    groups = {g.get("name"): [n.get("name") for n in g] for g in root.findall("./layer-tree-group/layer-tree-group")}
    assert groups == {
        "ice": ["ice 2024-07-01"],
        "water": [f"water {key}" for key in KEYS],
        "class rasters": [f"classes {key}" for key in KEYS],
    }
    in_tree = [n.get("id") for n in root.iter("layer-tree-layer")]
    assert in_tree == [layer.findtext("id") for layer in root.iter("maplayer")]
    assert all(len(name) > 10 for name in in_tree)
    assert len(set(in_tree)) == len(in_tree)


def test_a_shapefile_comes_first_then_a_geopackage_of_the_date_then_the_one_of_all_dates(tmp_path):
    make(tmp_path, codes=(ClassCode.ICE,))
    together = tmp_path / "bay.gpkg"
    area = PixelArea.of(GRID)
    for key, kinds in {KEYS[0]: ("shp", "gpkg", "parquet"), KEYS[1]: ("gpkg", "parquet")}.items():
        layer = layer_of(CLASSES, ClassCode.WATER, GRID, area)
        features = Features(layer, dt.date(2024, 7, 1), key)
        for kind in kinds:
            write = {"shp": write_shapefile, "gpkg": write_geopackage, "parquet": write_geoparquet}[kind]
            write(tmp_path / "observations" / key / f"bay_{key}_water.{kind}", features)
        if key == KEYS[0]:
            write_geopackage(together, features)

    def sources():
        layers = find_layers(tmp_path, "bay", MOMENTS, GRID.crs, together)
        return [layer.source for layer in layers if layer.group == "water"]

    stems = [f"./observations/{key}/bay_{key}_water" for key in KEYS]
    assert sources() == [f"{stems[0]}.shp", f"{stems[1]}.gpkg|layername=water"]
    for path in tmp_path.rglob("*_water.[sg][hp]*"):
        path.unlink()
    assert sources() == [f"./bay.gpkg|layername=water|subset=\"observation\" = '{key}'" for key in KEYS]
    assert [s for s in find_layers(tmp_path, "bay", MOMENTS, GRID.crs) if s.group == "water"] == []


def test_every_path_is_relative(tmp_path):
    folder = make(tmp_path / "run")
    (folder / "series.csv").write_text("a\n1\n")
    write_project(folder, "bay", MOMENTS, GRID)
    root = project(folder)
    sources = {n.get("source") for n in root.iter("layer-tree-layer")} | {n.text for n in root.iter("datasource")}
    assert all(source.startswith(("./observations/", "file:./series.csv?")) for source in sources)
    assert str(tmp_path) not in (folder / "bay.qgs").read_text()
    assert root.findtext("./properties/Paths/Absolute") == "false"
    assert root.find(".//Macros") is None


def test_a_layer_shows_at_its_own_time(tmp_path):
    write_project(make(tmp_path), "bay", MOMENTS, GRID)
    root = project(tmp_path)
    times = {
        layer.findtext("layername"): tuple(
            layer.findtext(f"./temporal[@enabled='1']/fixedRange/{e}") for e in ("start", "end")
        )
        for layer in root.iter("maplayer")
    }
    assert times["ice 2024-07-01"] == ("2024-07-01T00:00:00Z", "2024-07-01T23:59:59Z")
    assert times[f"classes {KEYS[1]}"] == ("2024-07-09T10:30:00Z", "2024-07-09T10:30:59Z")
    season = root.find("./ProjectTimeSettings/TemporalRange")
    assert [e.text for e in season] == ["2024-07-01T00:00:00Z", "2024-07-09T10:30:59Z"]
    assert root.findtext("./properties/TemporalControllerWidget/NavigationMode") == "1"


def test_the_same_files_give_the_same_bytes(tmp_path):
    texts = set()
    for name in ("a", "b"):
        write_project(make(tmp_path / name), "bay", MOMENTS if name == "a" else REVERSED, GRID)
        texts.add((tmp_path / name / "bay.qgs").read_bytes())
    assert len(texts) == 1


def test_names_are_escaped():
    key = "2024-07-01<b>&\"'c"
    layer = MapLayer(f"ice {key}", f"./{key}.shp", "ogr", "ice", GRID.crs, TimeInterval.from_iso(MOMENTS[KEYS[0]]))
    root = ElementTree.fromstring(project_xml(key, GRID, [layer]))
    assert root.findtext("title") == root.get("projectname") == key
    assert root.findtext(".//maplayer/datasource") == f"./{key}.shp"
    assert root.findtext(".//maplayer/id") == "ice_2024_07_01_b____c"


def test_a_layer_has_the_coordinate_system_of_its_own_file(tmp_path):
    """Polygons need not be in the run grid's system, and QGIS believes the project more than the file."""
    make(tmp_path)
    prj = tmp_path / "observations" / KEYS[0] / f"bay_{KEYS[0]}_ice.prj"
    prj.write_text(pyproj.CRS(4326).to_wkt("WKT1_ESRI"))
    epsg = {layer.name: pyproj.CRS(layer.crs).to_epsg() for layer in find_layers(tmp_path, "bay", MOMENTS, GRID.crs)}
    assert epsg["ice 2024-07-01"] == 4326
    assert epsg["water 2024-07-01"] == epsg["classes 2024-07-01"] == 3413


def test_a_file_without_a_coordinate_system_raises(tmp_path):
    make(tmp_path)
    (tmp_path / "observations" / KEYS[0] / f"bay_{KEYS[0]}_ice.prj").unlink()
    with pytest.raises(IntegrityError, match=r"bay_2024-07-01_ice\.shp"):
        find_layers(tmp_path, "bay", MOMENTS, GRID.crs)


def test_a_run_of_nothing_is_an_empty_project(tmp_path):
    write_project(tmp_path, "bay", {}, GRID)
    root = project(tmp_path)
    assert list(root.iter("maplayer")) == []
    assert root.find("ProjectTimeSettings") is None


def interval_texts(key, *scenes):
    stamps = [dt.datetime.fromisoformat(text) for text in scenes]
    observed = tuple(Scene(None, s.date(), s.time(), "", "rgb", (), "rgb", GRID, ()) for s in stamps)
    return acquisition_interval(Observation(ObservationKey(key), observed)).texts


@pytest.mark.parametrize(
    ("key", "scenes", "start", "end"),
    [
        ("2024-02-29", ["2024-02-29T10:30"], "2024-02-29T00:00:00Z", "2024-02-29T23:59:59Z"),
        ("2024-12-31T2359_T9", ["2024-12-31T23:59"], "2024-12-31T23:59:00Z", "2024-12-31T23:59:59Z"),
        ("2024-07-01", ["2024-07-15T10:30", "2024-07-20T10:30"], "2024-07-15T00:00:00Z", "2024-07-20T23:59:59Z"),
        ("2024-06-02", ["2024-06-01T23:30"], "2024-06-01T00:00:00Z", "2024-06-01T23:59:59Z"),
    ],
)
def test_the_time_of_an_observation_is_that_of_its_scenes(key, scenes, start, end):
    """A month, or a day by the sun, can have a key of another day."""
    assert interval_texts(key, *scenes) == (start, end)
