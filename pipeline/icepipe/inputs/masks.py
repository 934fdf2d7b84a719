"""Where cloud or land hides the surface: rasters beside each scene, or one land layer for all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import shapely
from rasterio.errors import RasterioError
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from icepipe.config import Mask
from icepipe.errors import ConfigError, InputError
from icepipe.inputs.checks import Dataset, check_raster, open_raster
from icepipe.inputs.place import Placement
from icepipe.inputs.roles import alpha_band
from icepipe.records import Bool, GeoBox, MaskFile

VECTOR_SUFFIXES = {".shp", ".gpkg", ".geojson", ".json", ".fgb", ".kml"}


def is_vector(mask: Mask) -> bool:
    """Whether a mask is a file of outlines and not a raster."""
    return Path(mask.path).suffix.lower() in VECTOR_SUFFIXES


def mask_path(mask: Mask, scene: Path) -> Path:
    """File that goes with a scene: ``{stem}`` and ``{folder}`` stand for the scene's own."""
    return Path(mask.path.replace("{stem}", scene.stem).replace("{folder}", str(scene.parent.absolute())))


def describe_mask(mask: Mask, scene: Path, key: str) -> MaskFile:
    """The mask raster of a scene.

    Raises
    ------
    InputError
        If it is not there or cannot be used: a scene without its mask is not a scene without cloud.
    """
    path = mask_path(mask, scene)
    if not path.exists():
        raise InputError(scene, f"its {key} mask {path} is not there", f"fetch it, or correct inputs.{key}")
    with open_raster(path) as dataset:
        check_raster(path, dataset)
        geobox = GeoBox(dataset.crs.to_wkt(), dataset.transform, dataset.width, dataset.height)
        colours = tuple(index for index in dataset.indexes if index != alpha_band(dataset))
        return MaskFile(path, geobox, mask.values, colours[:1] if mask.values else colours)


def read_mask(dataset: Dataset, mask: MaskFile, placement: Placement) -> tuple[Bool, Bool]:
    """Where a mask hides and where it says anything at all, for the target pixels of a placement.

    Raises
    ------
    InputError
        If its pixels cannot be decoded.
    """
    window = Window(placement.window.col, placement.window.row, placement.window.width, placement.window.height)
    try:
        bands = dataset.read(mask.bands, window=window)
        known = dataset.dataset_mask(window=window) > 0
    except RasterioError as error:
        raise InputError(mask.path, f"its pixels cannot be read ({error})", "fetch the file again") from error
    hides = np.isin(bands[0], mask.values) if mask.values else np.any(bands != 0, axis=0)
    known = placement.take(known)
    if placement.reached is not None:
        known &= placement.reached
    return placement.take(hides) & known, known


def read_land(mask: Mask, grid: GeoBox) -> BaseGeometry:
    """Land outlines of a vector file, as one shape in the grid's CRS.

    Raises
    ------
    ConfigError
        If the file cannot be read or does not say its CRS.
    """
    import geopandas
    import pyogrio

    try:
        frame = geopandas.read_file(mask.path)
    except (pyogrio.errors.DataSourceError, OSError) as error:
        raise ConfigError(f"inputs.land: {mask.path} cannot be read ({error})", "correct the path") from None
    if frame.crs is None:
        raise ConfigError(f"inputs.land: {mask.path} has no coordinate system", "write it with one")
    return shapely.union_all(frame.geometry.to_crs(grid.crs).make_valid().to_numpy())
