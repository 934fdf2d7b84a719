"""Properties of the polygons of any class raster, checked with GDAL and GEOS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyproj
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize, shapes
from scipy import ndimage
from shapely.geometry import shape

from icepipe.arrays import Int64, UInt8
from icepipe.classes import ClassCode
from icepipe.geo.geobox import Block, GeoBox
from icepipe.geo.pixel_area import PixelArea
from icepipe.measure.polygons.layers import PolygonOptions, polygon_layers
from icepipe.measure.polygons.polygonize import PolygonLayer, polygonize
from icepipe.raster.run_length import RunLengthRaster

CRS = pyproj.CRS(3413).to_wkt()
WGS84 = pyproj.CRS(4326).to_wkt()
NORTH_UP = Affine(250, 0, -650_000, 0, -250, -1_350_000)
Geometries = NDArray[Any]

SEEN = (ClassCode.WATER, ClassCode.ICE, ClassCode.OTHER)


def grid_of(classes: UInt8, transform: Affine = NORTH_UP, crs: str = CRS) -> GeoBox:
    return GeoBox(crs, transform, classes.shape[1], classes.shape[0])


def layer_of(classes: UInt8, code: ClassCode, grid: GeoBox, area: PixelArea) -> PolygonLayer:
    """Polygons of one class of a raster, shape (rows, columns)."""
    return polygonize(RunLengthRaster.from_array(classes), [code], grid, area.units, area.unit_m2)[code]


def drawn(
    classes: UInt8,
    grid: GeoBox,
    codes: Sequence[ClassCode] = SEEN,
    simplify_m: float = 0.0,
    crs: str | None = None,
    area: PixelArea | None = None,
) -> tuple[PolygonLayer, ...]:
    """Polygon layers as a run builds them."""
    area = area or PixelArea.of(grid)
    return polygon_layers(
        RunLengthRaster.from_array(classes), grid, area.units, area.unit_m2, PolygonOptions(codes, simplify_m, crs)
    )


def labels_of(classes: UInt8) -> Int64:
    """Component of every pixel, numbered over all classes, with a border of 0."""
    labels, count = np.zeros(classes.shape, np.int64), 0
    for code in np.unique(classes):
        found, n = ndimage.label(classes == code)
        labels[found > 0] = found[found > 0] + count
        count += n
    return np.pad(labels, 1)


def in_pixels(polygons: Geometries, grid: GeoBox) -> Geometries:
    pixels: Geometries = shapely.transform(
        polygons, lambda xy: np.rint(np.column_stack(grid.to_pixels(xy[:, 0], xy[:, 1])))
    )
    return pixels


def assert_points_are_needed(polygons: Geometries, grid: GeoBox, labels: Int64) -> None:
    """Every point but the closing one is a corner or a node, where more than two components meet, and occurs once."""
    points, ring = shapely.get_coordinates(shapely.get_rings(in_pixels(polygons, grid)), return_index=True)
    points = points.astype(int)
    same = ring[1:] == ring[:-1]
    leave, ring, points = np.diff(points, axis=0)[same], ring[:-1][same], points[:-1][same]
    assert (np.count_nonzero(leave, axis=1) == 1).all()
    first = np.searchsorted(ring, ring)
    last = np.searchsorted(ring, ring, side="right") - 1
    index = np.arange(len(ring))
    arrive = leave[np.where(index == first, last, index - 1)]
    col, row = points[(arrive != 0)[:, 0] == (leave != 0)[:, 0]].T
    around = np.sort([labels[row, col], labels[row, col + 1], labels[row + 1, col], labels[row + 1, col + 1]], axis=0)
    assert (np.count_nonzero(np.diff(around, axis=0), axis=0) >= 2).all()
    assert len(np.unique(np.column_stack([ring, points]), axis=0)) == len(points)


def assert_rings_begin_at_their_top_left(polygons: Geometries, grid: GeoBox) -> None:
    points, ring = shapely.get_coordinates(shapely.get_rings(in_pixels(polygons, grid)), return_index=True)
    first = np.searchsorted(ring, ring)
    begins = np.lexsort((np.arange(len(ring)) != first, points[:, 0], points[:, 1], ring))[first]
    assert np.array_equal(begins, first)


def assert_equal_to_the_raster(layer: PolygonLayer, classes: UInt8, grid: GeoBox, units: Int64, unit_m2: float) -> None:
    """GDAL's polygons as point sets, the raster when rasterized, and true areas."""
    mask = classes == layer.code
    labels, count = ndimage.label(mask)
    expected = {int(v): shape(g) for g, v in shapes(labels, mask=mask, connectivity=4)}
    assert len(layer.geometry) == count
    assert shapely.equals(
        in_pixels(layer.geometry, grid), np.array([expected[n + 1] for n in range(count)], dtype=object)
    ).all()
    back = np.zeros(classes.shape, np.int32)
    if count:
        pairs = zip(layer.geometry, range(1, count + 1), strict=True)
        back = rasterize(pairs, classes.shape, transform=grid.transform, dtype="int32")
    assert np.array_equal(back, labels)
    assert np.array_equal(layer.n_px, np.bincount(labels.ravel(), minlength=count + 1)[1:])
    true = np.bincount(labels.ravel(), weights=units.ravel(), minlength=count + 1)[1:] * unit_m2
    np.testing.assert_allclose(layer.area_m2, true, rtol=1e-9)


def assert_faithful(
    classes: UInt8, transform: Affine = NORTH_UP, crs: str = CRS, simplify_m: float = 750.0
) -> tuple[tuple[PolygonLayer, ...], tuple[PolygonLayer, ...]]:
    """Check all properties of the polygons of a raster, as they are and simplified."""
    grid = grid_of(classes, transform, crs)
    area = PixelArea.of(grid)
    units, labels = area.units(Block(0, 0, *classes.shape)), labels_of(classes)
    layers = [layer_of(classes, ClassCode(code), grid, area) for code in np.unique(classes)]
    for layer in layers:
        assert shapely.is_valid(layer.geometry).all()
        assert_equal_to_the_raster(layer, classes, grid, units, area.unit_m2)
        assert_points_are_needed(layer.geometry, grid, labels)
        assert_rings_begin_at_their_top_left(layer.geometry, grid)
    assert shapely.coverage_is_valid(np.concatenate([layer.geometry for layer in layers]))
    plain, simple = (drawn(classes, grid, simplify_m=metres, area=area) for metres in (0.0, simplify_m))
    everything = np.concatenate([layer.geometry for layer in simple])
    assert shapely.coverage_is_valid(everything)
    assert shapely.is_valid(everything).all()
    assert (shapely.area(everything) > 0).all()
    for before, after in zip(plain, simple, strict=True):
        assert_rings_begin_at_their_top_left(after.geometry, grid)
        assert np.array_equal(before.area_m2, after.area_m2)
        assert np.array_equal(before.n_px, after.n_px)
        assert shapely.get_num_coordinates(after.geometry).sum() <= shapely.get_num_coordinates(before.geometry).sum()
    return plain, simple
