"""Lengths of outlines against geodesics of pyproj."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely

from icepipe.measure import lengths
from icepipe.measure.lengths import EDGE_M, perimeters_m
from icepipe.measure.shapes import Outlines

GEOD = pyproj.Geod(ellps="WGS84")
CRS = {
    "north pole": ("EPSG:3413", 0.0, 0.0, 1e-8),
    "south polar": ("EPSG:3031", 900_000.0, -1_400_000.0, 1e-8),
    "UTM": ("EPSG:32633", 500_000.0, 8_600_000.0, 1e-8),
    "equal area": ("EPSG:6933", 2_000_000.0, 7_000_000.0, 1e-7),
}
"""Code, a place, and the accuracy there: equal areas near the pole stretch edges threefold."""


def geodesic_m(polygon, crs):
    """All rings of a polygon, its edges cut as densely as the rules say."""
    to_lonlat = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform
    cut = shapely.transform(shapely.segmentize(polygon, EDGE_M), to_lonlat, interleaved=False)
    return sum(GEOD.line_length(*shapely.get_coordinates(ring).T) for ring in shapely.get_rings(cut))


def measured_m(polygons, crs):
    _, points, (ring_offsets, piece_offsets) = shapely.to_ragged_array(polygons)
    return perimeters_m(Outlines(points, ring_offsets, piece_offsets, clockwise=False), pyproj.CRS(crs).to_wkt())


def with_hole(x, y, side):
    """A square of map metres with a hole whose edges are a tenth as long."""
    hole = shapely.box(x + side / 4, y + side / 4, x + side / 4 + side / 10, y + side / 4 + side / 10)
    return shapely.box(x, y, x + side, y + side) - hole


@pytest.mark.parametrize("name", CRS)
def test_every_ring_is_measured_on_the_ellipsoid(name):
    crs, x, y, accuracy = CRS[name]
    polygons = np.array([with_hole(x, y, side) for side in (30.0, 19_999.0, 20_001.0, 250_000.0)])
    expected = [geodesic_m(polygon, crs) for polygon in polygons]
    np.testing.assert_allclose(measured_m(polygons, crs), expected, rtol=accuracy)


def test_chunks_and_neighbours_change_nothing(monkeypatch):
    crs, x, y, _ = CRS["UTM"]
    polygons = np.array([with_hole(x + 1e5 * n, y, 10.0 ** (n + 1)) for n in range(5)])
    whole = measured_m(polygons, crs)
    alone = np.concatenate([measured_m(polygons[n : n + 1], crs) for n in range(5)])
    np.testing.assert_array_equal(whole, alone)
    monkeypatch.setattr(lengths, "CHUNK_POINTS", 3)
    np.testing.assert_array_equal(measured_m(polygons, crs), whole)
