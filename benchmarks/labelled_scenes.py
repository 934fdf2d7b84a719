"""Scenes of ../shared/data whose water or ice was mapped by somebody else, for accuracy.py."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import rasterio
from affine import Affine
from rasterio.features import rasterize
from shapely.geometry import box

from icepipe.arrays import Bool
from icepipe.geo.geobox import GeoBox

DATA = Path(__file__).resolve().parents[2] / "shared/data"


@dataclass(frozen=True)
class Label:
    """What is known of one class in a scene.

    ``mask`` is where the class is, None if only its area is known; ``where`` is what was labelled, shape (rows,
    columns); ``km2`` is the area of the class if it has no mask.
    """

    class_: str
    mask: Bool | None
    where: Bool
    km2: float | None = None


@dataclass(frozen=True)
class LabelledScene:
    """A scene with labels.

    ``make_inputs`` returns the section ``inputs`` of its config, given a folder for files made for the run;
    ``read_labels`` reads the labels on a grid. ``is_truth`` is false if the labels come from another algorithm or
    were drawn for another purpose. ``region`` is the region of the run that has been labelled, None for all of it;
    ``is_thinned`` is true if the neighbours of a
    pixel are not its neighbours on the ground. ``derived_from`` is the
    peer that the labels were made with.
    """

    key: str
    title: str
    make_inputs: Callable[[Path], dict[str, Any]]
    read_labels: Callable[[GeoBox], list[Label]]
    is_truth: bool
    region: str | None = None
    is_thinned: bool = False
    derived_from: str | None = None


def scene_inputs(pattern: str, **inputs: object) -> Callable[[Path], dict[str, Any]]:
    """Return a function that returns the inputs of scenes that match a pattern below the data folder."""
    return lambda _: {"scenes": str(DATA / pattern)} | inputs


def draw(frame: geopandas.GeoDataFrame, grid: GeoBox) -> Bool:
    """Return the pixels whose centre lies in any of the polygons; shape (rows, columns)."""
    shapes = frame.to_crs(grid.crs).geometry
    drawn: Bool = rasterize(shapes, grid.shape, transform=grid.transform, dtype="uint8") == 1
    return drawn


def everywhere(grid: GeoBox) -> Bool:
    """Return a mask of the whole grid."""
    return np.ones(grid.shape, bool)


def read_band(path: str) -> np.ndarray[Any, Any]:
    """Return the first band of the raster below the data folder that matches a pattern."""
    (found,) = DATA.glob(path)
    with rasterio.open(found) as dataset:
        band: np.ndarray[Any, Any] = dataset.read(1)
    return band


LANDSAT5 = DATA / "landsat5-1988/trainingPolygons_lsat.geojson"


def landsat5_inputs(folder: Path) -> dict[str, Any]:
    """Return the inputs of the scene in Brazil; its labelled polygons are a region beside the whole scene."""
    polygons = geopandas.read_file(LANDSAT5)
    with rasterio.open(LANDSAT5.with_name("LT52240631988227CUB02_B1.TIF")) as dataset:
        frame = geopandas.GeoSeries([polygons.union_all(), box(*dataset.bounds)], crs=dataset.crs)
    regions = folder / "regions.gpkg"
    geopandas.GeoDataFrame({"name": ["labelled", "scene"]}, geometry=frame).to_file(regions)
    return {"scenes": str(LANDSAT5.with_name("*.TIF")), "regions": str(regions)}


def landsat5_labels(grid: GeoBox) -> list[Label]:
    """Return the water among the polygons that people drew."""
    polygons = geopandas.read_file(LANDSAT5)
    return [Label("water", draw(polygons[polygons["class"] == "water"], grid), draw(polygons, grid))]


LAKE = "landsat5-lake-burley-griffin-1992"
LAKE_BANDS = {"blue": "*_B10", "green": "*_B20", "red": "*_B30", "nir": "*_B40", "swir1": "*_B50", "swir2": "*_B70"}


def lake_labels(grid: GeoBox) -> list[Label]:
    """Return the water bodies of Canberra."""
    return [Label("water", draw(geopandas.read_file(DATA / LAKE / "waterbodies_canberra.shp"), grid), everywhere(grid))]


def ice_sheet_labels(grid: GeoBox) -> list[Label]:
    """Return ice everywhere, and water nowhere."""
    return [
        Label("ice", everywhere(grid), everywhere(grid)),
        Label("water", np.zeros(grid.shape, bool), everywhere(grid)),
    ]


@dataclass(frozen=True)
class SpectraTable:
    """A table of labelled spectra; ``columns`` are blue to SWIR 2, ``offset`` was left in their reflectances."""

    file: str
    columns: tuple[str, ...]
    offset: float = 0.0

    def rows(self) -> list[dict[str, str]]:
        """Return the rows of the table."""
        with (DATA / "glacier-spectra" / self.file).open(newline="") as file:
            return list(csv.DictReader(file))

    def make_inputs(self, folder: Path) -> dict[str, Any]:
        """Write the spectra as a raster, one to a pixel of 1 km2, and return the inputs of its run."""
        rows = self.rows()
        width = int(np.ceil(np.sqrt(len(rows))))
        pixels = np.full((len(self.columns), width * width), np.nan, np.float32)
        pixels[:, : len(rows)] = np.array([[float(row[name]) - self.offset for name in self.columns] for row in rows]).T
        path = folder / "spectra_20210615.tif"
        # An equal-area projection: the areas of the run are numbers of spectra.
        profile = {"crs": "EPSG:6931", "transform": Affine(1000, 0, 0, 0, -1000, 0), "nodata": np.nan}
        with rasterio.open(path, "w", "GTiff", width, width, len(pixels), dtype="float32", **profile) as dataset:
            dataset.write(pixels.reshape(-1, width, width))
        roles = ("blue", "green", "red", "nir", "swir1", "swir2")
        bands = {role: number for number, role in enumerate(roles, 1)}
        return {"scenes": str(path), "bands": bands, "scale": {"gain": 1.0, "offset": 0.0}}

    def read_labels(self, grid: GeoBox) -> list[Label]:
        """Return the labels by eye: snow, shaded snow and ice are ice; rock and debris are neither."""
        codes = np.zeros(grid.width * grid.height, int)
        rows = self.rows()
        codes[: len(rows)] = [int(float(row["class"])) for row in rows]
        codes = codes.reshape(grid.shape)
        return [Label("ice", np.isin(codes, (1, 2, 3)), codes > 0), Label("water", codes == 5, codes > 0)]


SENTINEL2_SPECTRA = SpectraTable("Sentinel-2_SR_training_data.csv", ("B2", "B3", "B4", "B8", "B11", "B12"))
LANDSAT8_SPECTRA = SpectraTable("Landsat_training_data.csv", tuple(f"SR_B{number}" for number in range(2, 8)), 0.2)


def everest_labels(grid: GeoBox) -> list[Label]:
    """Return the glaciers of the Randolph Glacier Inventory."""
    outlines = geopandas.read_file(DATA / "landsat7-everest-2000/15_rgi60_glacier_outlines.gpkg")
    return [Label("ice", draw(outlines, grid), everywhere(grid))]


NEW_YORK = "landsat8-newyork-2018/LC08_L1TP_013032_20180131_20180207_01_T1"


def new_york_labels(grid: GeoBox) -> list[Label]:
    """Return the snow of the quality raster (bits 9 and 10: high confidence)."""
    return [Label("ice", read_band(f"{NEW_YORK}/*_BQA.TIF") >> 9 & 3 == 3, everywhere(grid))]


def quality_water(folder: str) -> Callable[[GeoBox], list[Label]]:
    """Return a function that returns the water of a Collection 2 quality raster (bit 7)."""
    return lambda grid: [
        Label("water", read_band(f"landsat-generations/{folder}/*_QA_PIXEL.TIF") >> 7 & 1 == 1, everywhere(grid))
    ]


def mndwi_water(file: str) -> Callable[[GeoBox], list[Label]]:
    """Return a function that returns where green (band 3) is brighter than shortwave infrared (band 10)."""

    def labels(grid: GeoBox) -> list[Label]:
        with rasterio.open(DATA / "sentinel2-parana" / file) as dataset:
            green, swir1 = dataset.read([3, 10])
        return [Label("water", green > swir1, everywhere(grid))]

    return labels


def otsu_ice(scene: str, satellite: str) -> Callable[[GeoBox], list[Label]]:
    """Return a function that returns the ice area of a picture by Otsu's threshold of the red band."""

    def labels(grid: GeoBox) -> list[Label]:
        with (DATA / "modis-sea-ice/expected.csv").open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if (row["scene"], row["satellite"]) == (scene, satellite)]
        km2 = float(rows[0]["ice_frac_otsu_red"]) * float(rows[0]["true_km2"])
        return [Label("ice", None, everywhere(grid), km2)]

    return labels


def sea_ice(key: str, title: str, folder: str, satellite: str) -> LabelledScene:
    """Return a MODIS picture of sea ice."""
    inputs = scene_inputs(f"modis-sea-ice/{folder}/*.{satellite}.truecolor.tiff")
    return LabelledScene(key, title, inputs, otsu_ice(folder, satellite), is_truth=False, derived_from="otsu")


def generation(key: str, title: str, folder: str) -> LabelledScene:
    """Return a thinned Landsat scene with the water of its quality raster."""
    inputs = scene_inputs(f"landsat-generations/{folder}/*.TIF", cloud={"quality": "landsat-c2"})
    return LabelledScene(key, title, inputs, quality_water(folder), is_truth=False, is_thinned=True)


BARENTS, HUDSON, LAPTEV = (
    "barents_kara_seas-100km-20250507",
    "hudson_bay-100km-20060513",
    "laptev_sea-200km-20230613",
)
SCALED = {"gain": 0.0001, "offset": -0.1}

SCENES = (
    LabelledScene(
        "brazil",
        "Landsat 5, forest and rivers in Brazil, 1988",
        landsat5_inputs,
        landsat5_labels,
        is_truth=True,
        region="labelled",
    ),
    LabelledScene(
        "canberra",
        "Landsat 5, lakes of Canberra, 1992",
        scene_inputs(f"{LAKE}/*NBAR*.tif", bands=LAKE_BANDS, scale={"gain": 0.0001}),
        lake_labels,
        is_truth=True,
    ),
    LabelledScene(
        "greenland",
        "Landsat 8, ice sheet of Greenland, 2015",
        scene_inputs("landsat8-greenland-2015/*.TIF", cloud={"quality": "landsat-c2", "hide": []}),
        ice_sheet_labels,
        is_truth=True,
        is_thinned=True,
    ),
    LabelledScene(
        "spectra-sentinel2",
        "Sentinel-2, spectra of four glaciers",
        SENTINEL2_SPECTRA.make_inputs,
        SENTINEL2_SPECTRA.read_labels,
        is_truth=True,
        is_thinned=True,
    ),
    LabelledScene(
        "spectra-landsat8",
        "Landsat 8, spectra of four glaciers",
        LANDSAT8_SPECTRA.make_inputs,
        LANDSAT8_SPECTRA.read_labels,
        is_truth=True,
        is_thinned=True,
    ),
    LabelledScene(
        "everest",
        "Landsat 7, Everest, picture, 2000",
        scene_inputs("landsat7-everest-2000/*_RGB.tif"),
        everest_labels,
        is_truth=False,
    ),
    LabelledScene(
        "new-york",
        "Landsat 8, snow around New York, 31 January 2018",
        scene_inputs(f"{NEW_YORK}/*.TIF", scale={"gain": 0.00002, "offset": -0.1}, cloud={"quality": "landsat-c1"}),
        new_york_labels,
        is_truth=False,
        is_thinned=True,
    ),
    generation("landsat5-1998", "Landsat 5, Australia, 1998", "LT05_L2SP_090084_19980308_20200909_02_T1"),
    generation("landsat7-2021", "Landsat 7, Australia, 2021", "LE07_L2SP_090084_20210331_20210426_02_T1"),
    generation("landsat8-2021", "Landsat 8, Australia, 2021", "LC08_L2SP_098084_20210503_20210508_02_T1"),
    LabelledScene(
        "parana-2023",
        "Sentinel-2, Paraná, 17 December 2023",
        scene_inputs("sentinel2-parana/20231217.tif"),
        mndwi_water("20231217.tif"),
        is_truth=False,
        derived_from="indices",
    ),
    LabelledScene(
        "parana-2024",
        "Sentinel-2, Paraná, 1 January 2024",
        scene_inputs("sentinel2-parana/20240101.tif", scale=SCALED),
        mndwi_water("20240101.tif"),
        is_truth=False,
        derived_from="indices",
    ),
    sea_ice("barents-terra", "MODIS, Barents and Kara seas, Terra", BARENTS, "terra"),
    sea_ice("barents-aqua", "MODIS, Barents and Kara seas, Aqua", BARENTS, "aqua"),
    sea_ice("hudson-terra", "MODIS, Hudson Bay, Terra", HUDSON, "terra"),
    sea_ice("hudson-aqua", "MODIS, Hudson Bay, Aqua", HUDSON, "aqua"),
    sea_ice("laptev", "MODIS, Laptev Sea, Terra", LAPTEV, "terra"),
)
