"""Ragged polygons have the bytes, bounds and counts of the Shapely geometries made of them."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine

from icepipe.classes import SEEN
from icepipe.errors import IntegrityError
from icepipe.geo.geobox import GeoBox
from icepipe.geo.pixel_area import PixelArea
from icepipe.measure.polygons import rings
from icepipe.measure.polygons.geometry import ShapelyPolygons
from icepipe.measure.polygons.polygonize import polygonize
from icepipe.measure.polygons.simplify import simplify_layers
from icepipe.publish.vectors import features
from icepipe.publish.vectors.features import wkb_array
from icepipe.raster.run_length import RunLengthRaster
from tests.rasters import TRANSFORM

CRS = pyproj.CRS("EPSG:3413").to_wkt()
TRANSFORMS = {
    "north up": TRANSFORM,
    "south up": TRANSFORM @ Affine.scale(1, -1),
    "rotated": TRANSFORM @ Affine.rotation(30),
    "mirrored": TRANSFORM @ Affine.scale(-1, 1),
}


def traced(transform, tolerance_px=0.0, seed=0, shape=(60, 70)):
    classes = np.random.default_rng(seed).choice([1, 2, 3], shape, p=[0.6, 0.3, 0.1]).astype(np.uint8)
    grid = GeoBox(CRS, transform, shape[1], shape[0])
    area = PixelArea.of(GeoBox(CRS, TRANSFORM, shape[1], shape[0]))
    layers = tuple(polygonize(RunLengthRaster.from_array(classes), SEEN, grid, area.units, area.unit_m2).values())
    layers = simplify_layers(layers, grid, tolerance_px) if tolerance_px else layers
    return [batch for layer in layers for batch in layer.batches]


@pytest.mark.parametrize("tolerance_px", [0.0, 1.5])
@pytest.mark.parametrize("name", TRANSFORMS)
def test_ragged_polygons_are_the_geometries_that_shapely_makes_of_them(name, monkeypatch, tolerance_px):
    monkeypatch.setattr(rings, "BATCH_POINTS", 500)
    batches = traced(TRANSFORMS[name], tolerance_px)
    assert len(batches) == 3 if tolerance_px else len(batches) > 10
    for batch in batches:
        objects = ShapelyPolygons(batch.geometry)
        assert objects.geometry.size
        assert shapely.is_valid(objects.geometry).all()
        assert (batch.n_points, batch.n_rings) == (objects.n_points, objects.n_rings)
        np.testing.assert_array_equal(batch.bounds, objects.bounds)
        data, offsets = batch.wkb
        expected, expected_offsets = objects.wkb
        np.testing.assert_array_equal(offsets, expected_offsets)
        assert data.tobytes() == expected.tobytes()
        assert shapely.is_ccw(shapely.get_exterior_ring(shapely.from_wkb(wkb_array(batch.wkb).to_pylist()))).all()


def test_more_bytes_than_a_column_can_hold_are_refused(monkeypatch):
    (batch, *_) = traced(TRANSFORM)
    monkeypatch.setattr(features, "MOST_BYTES", 1000)
    with pytest.raises(IntegrityError, match="a polygon has"):
        wkb_array(batch.wkb)
