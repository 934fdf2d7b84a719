"""Speed of compiled kernels next to the libraries they replace, on one thread and 2.1 million pixels.

`pytest benchmarks/test_kernels.py -o addopts=-q --benchmark-sort=fullname --benchmark-columns=min,median,rounds`
"""

from __future__ import annotations

import numpy as np
import pytest
import rasterio.features
from affine import Affine
from rasterio.crs import CRS
from scipy import ndimage
from sklearn.cluster import KMeans

import rasters
from icepipe.classes import ClassCode
from icepipe.geo.geobox import Block, GeoBox
from icepipe.geo.pixel_area import PixelArea
from icepipe.inputs.products.sensors import with_roles
from icepipe.inputs.reading.pixels import Pixels
from icepipe.measure.area.tally import Tally
from icepipe.measure.polygons.polygonize import polygonize
from icepipe.measure.polygons.rings import RingIndex
from icepipe.raster.components import find_components
from icepipe.raster.run_length import RunLengthRaster
from icepipe.segment.classification.classifier import ClusterClassifier, DirectLookup
from icepipe.segment.clustering._kernels import CHUNK_PX, nearest
from icepipe.segment.clustering.sampling import PixelSample
from icepipe.segment.clustering.splitting import fit
from icepipe.segment.features import FeatureSpace
from icepipe.segment.naming import name_clusters
from icepipe.segment.rules import RULE_SETS
from icepipe.sensors.table import SENSORS

ROWS, COLS = 1024, 2048
PX = ROWS * COLS
EVERYTHING = Block(0, 0, ROWS, COLS)

SENSOR = {
    "bands": with_roles(SENSORS["bands"], ("blue", "green", "red", "nir")),
    "picture": SENSORS["rgb"],
}


def scene(kind):
    """Stored pixels of a scene, shape (bands, rows, columns)."""
    measured = kind == "bands"
    reflectance = rasters.scene(np.arange(COLS), np.arange(ROWS), 1, 0.0, 0.01 if measured else 0.0)
    stored = rasters.as_stored(reflectance, measured)
    return stored.astype(np.int16) if measured else stored


def fit_model(kind, values, k=6):
    sensor = SENSOR[kind]
    space, rules = FeatureSpace(sensor), RULE_SETS[sensor.rule_set]
    sample = PixelSample.of(np.ascontiguousarray(values.reshape(len(values), -1)[:, ::61].T))
    return name_clusters(fit(sample, k, 0, space, rules), k, space, rules)


@pytest.fixture(params=["bands", "picture"])
def named(request):
    values = scene(request.param)
    return values, fit_model(request.param, values), SENSOR[request.param]


def named_ground():
    """Return the six kinds of surface of the scene as three classes."""
    values = scene("bands")
    model = fit_model("bands", values)
    lookup = DirectLookup(model, SENSOR["bands"], 0, len(model.clusters))
    cluster = lookup.strata(values, np.ones((ROWS, COLS), dtype=bool)) % len(model.clusters)
    return (cluster % 3 + 1).astype(np.uint8)


def brash():
    """Return three classes as dense as brash ice: a polygon for every hundred pixels."""
    smooth = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(ROWS, COLS)), 2.2)
    return (np.digitize(smooth, np.quantile(smooth, [1 / 3, 2 / 3])) + 1).astype(np.uint8)


@pytest.fixture(params=[named_ground, brash], ids=["ground", "brash"])
def classes(request):
    return request.param()


GRID = GeoBox(CRS.from_epsg(32633).to_wkt(), Affine(10, 0, 499_980, 0, -10, 8_700_040), COLS, ROWS)


@pytest.mark.parametrize("k", [6, 24])
def test_nearest_centroid(benchmark, k):
    points = np.ascontiguousarray(scene("bands").reshape(4, -1)[:, :CHUNK_PX].astype(np.float64))
    centroids = np.random.default_rng(0).random((k, 4)) * 10_000
    best, distance = np.empty((2, CHUNK_PX))
    cluster = np.zeros(CHUNK_PX, dtype=np.int64)

    def whole():
        for _ in range(PX // CHUNK_PX):
            nearest(points, centroids, CHUNK_PX, best, distance, cluster)

    benchmark(whole)


def test_nearest_centroid_by_scikit_learn(benchmark):
    values = scene("bands")
    pixels = np.ascontiguousarray(values.reshape(4, -1).T, dtype=np.float32)
    model = KMeans(6, n_init=1, random_state=0).fit(pixels[::61])
    benchmark(lambda: model.predict(np.ascontiguousarray(values.reshape(4, -1).T, dtype=np.float32)))


def test_clusters_and_rules(benchmark, named):
    """Features, nearest centroid, thresholds and their ranges; a picture is looked up by colour."""
    values, model, sensor = named
    classifier, valid = ClusterClassifier([model], sensor), np.ones((ROWS, COLS), dtype=bool)
    pixels = Pixels(values, valid, np.zeros((ROWS, COLS), dtype=np.uint8), 0)
    benchmark(lambda: classifier.pixels(pixels))


def test_count(benchmark, named):
    values, model, sensor = named
    strata = DirectLookup(model, sensor, 0, len(model.clusters)).strata(values, np.ones((ROWS, COLS), dtype=bool))
    units = np.full((ROWS, COLS), 2**30)
    benchmark(lambda: Tally().add(strata, units))


def test_pixel_area(benchmark):
    area = PixelArea.of(GRID)
    area.units(EVERYTHING)
    benchmark(lambda: area.units(EVERYTHING))


CODES = [ClassCode.WATER, ClassCode.ICE, ClassCode.OTHER]


def test_polygons(benchmark, classes):
    """Well-known binary of all polygons."""

    def whole():
        components = find_components(RunLengthRaster.from_array(classes), CODES)
        rings = RingIndex.from_components(components)
        batches = rings.batches(np.arange(len(components.codes)))
        return sum(len(rings.trace(batch, GRID.transform).wkb[1]) - 1 for batch in batches)

    assert benchmark(whole) > 1000


def test_polygons_with_areas_and_lengths(benchmark, classes):
    area = PixelArea.of(GRID)
    units = area.units(EVERYTHING)

    def whole():
        return polygonize(
            RunLengthRaster.from_array(classes), CODES, GRID, lambda block: units[block.slices], area.unit_m2
        )

    assert len(benchmark(whole)) == 3


def test_polygons_by_rasterio(benchmark, classes):
    """The same polygons as dictionaries, without areas or lengths."""
    benchmark(lambda: list(rasterio.features.shapes(classes, connectivity=4, transform=GRID.transform)))
