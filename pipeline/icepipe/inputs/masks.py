"""Cloud and land masks: rasters of each scene, or one vector layer of land for all scenes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window

from icepipe.arrays import Bool, Dataset
from icepipe.config.inputs import Cloud, Mask
from icepipe.errors import ConfigError, InputError
from icepipe.geo.geobox import GeoBox
from icepipe.geo.resampling import SourceWindow
from icepipe.inputs.products.bands import alpha_band, product_folder
from icepipe.inputs.products.quality import quality_file
from icepipe.inputs.scenes import MaskFile
from icepipe.inputs.validate import check_raster, dataset_grid, open_raster
from icepipe.inputs.vector_files import read_areas
from icepipe.raster.blocks import blocks
from icepipe.raster.rasterize_reprojected import ReprojectedCentres, TargetCrs
from icepipe.raster.run_length import RunLengthRaster, run_length_raster
from icepipe.sensors.table import QUALITIES

VECTOR_SUFFIXES = {".shp", ".gpkg", ".geojson", ".json", ".fgb", ".kml"}


def is_vector(mask: Mask) -> bool:
    """Return whether a mask is a vector file, by its suffix."""
    return Path(mask.path).suffix.lower() in VECTOR_SUFFIXES


def mask_path(mask: Mask, scene: Path) -> Path:
    """Return the mask file of a scene, with ``{stem}`` and ``{folder}`` replaced by those of the scene."""
    return Path(mask.path.replace("{stem}", scene.stem).replace("{folder}", str(scene.parent.absolute())))


def describe_mask(mask: Mask, scene: Path, key: str) -> MaskFile:
    """Describe the mask raster of a scene.

    Parameters
    ----------
    mask
        Setting of the config.
    scene
        File of the scene.
    key
        Name of the setting: ``cloud`` or ``land``.

    Raises
    ------
    InputError
        If it is missing or cannot be used: a scene without its mask is not a scene without cloud.
    """
    path = mask_path(mask, scene)
    if not path.exists():
        raise InputError(scene, f"its {key} mask {path} does not exist", f"fetch it, or correct inputs.{key}")
    geobox, bands, alpha = mask_bands(path)
    if mask.values:
        return MaskFile(path, geobox, bands[:1], values=mask.values)
    # A land picture of three bands with alpha is an overlay: transparent means no land, not unknown.
    return MaskFile(path, geobox, bands, nonzero=True, overlay=alpha if key == "land" and len(bands) >= 3 else None)


def describe_quality(cloud: Cloud, scene: Path, product: str) -> MaskFile:
    """Describe the quality raster of a scene, with the conditions that hide the surface.

    Raises
    ------
    InputError
        If it does not exist.
    ConfigError
        If the config names a condition that this kind of raster does not have.
    """
    assert cloud.quality is not None
    kind = QUALITIES[cloud.quality]
    conditions = kind.default if cloud.hide is None else cloud.hide
    if unknown := set(conditions) - set(kind.hides):
        known = ", ".join(kind.hides)
        raise ConfigError(
            f"inputs.cloud.hide: {cloud.quality} has no {', '.join(sorted(unknown))}", f"choose from {known}"
        )
    path = quality_file(cloud.quality, product_folder(scene), product)
    if path is None:
        raise InputError(
            scene, f"its {cloud.quality} quality raster is not next to it", "fetch it, or correct inputs.cloud"
        )
    hides, geobox = tuple(kind.hides[name] for name in conditions), mask_bands(path)[0]
    if kind.by_bits:
        return MaskFile(path, geobox, (1,), bits=hides, unseen_bits=kind.unseen)
    return MaskFile(path, geobox, (1,), values=hides, unseen_values=kind.unseen)


def mask_bands(path: Path) -> tuple[GeoBox, tuple[int, ...], int | None]:
    """Return the grid of a mask raster, the numbers of its bands without alpha, and that of its alpha band."""
    with open_raster(path) as dataset:
        check_raster(path, dataset)
        alpha = alpha_band(dataset)
        return dataset_grid(dataset), tuple(index for index in dataset.indexes if index != alpha), alpha


def has_any_bit(values: NDArray[np.integer[Any]], bits: Sequence[int]) -> Bool:
    """Return where at least one of the bits is set; any shape."""
    return np.asarray(values.astype(np.int64) & sum(1 << bit for bit in bits) != 0)


def read_mask(dataset: Dataset, mask: MaskFile, placement: SourceWindow) -> tuple[Bool, Bool]:
    """Read where a mask hides the surface and where it is known, for the target pixels of a placement.

    Raises
    ------
    InputError
        If its pixels cannot be decoded.
    """
    window = Window(placement.window.col, placement.window.row, placement.window.width, placement.window.height)
    try:
        bands = dataset.read(mask.bands, window=window)
        seen = dataset.dataset_mask(window=window) > 0
    except RasterioError as error:
        raise InputError(mask.path, f"its pixels cannot be read ({error})", "fetch the file again") from error
    # Transparent pixels of an overlay hide nothing; elsewhere, pixels without data are unknown.
    finite = np.isfinite(bands)
    bands = np.where(finite & (seen | (mask.overlay is None)), bands, 0)
    known = (seen | (mask.overlay is not None)) & np.all(finite, axis=0)
    known &= ~np.isin(bands[0], mask.unseen_values) & ~has_any_bit(bands[0], mask.unseen_bits)
    if mask.nonzero:
        hides = np.any(bands != 0, axis=0)
    else:
        hides = np.isin(bands[0], mask.values) | has_any_bit(bands[0], mask.bits)
    known = placement.take(known)
    # Pixels of the block beyond the mask raster are unknown.
    if placement.reached is not None:
        known &= placement.reached
    return placement.take(hides) & known, known


def read_land(mask: Mask, grid: GeoBox) -> RunLengthRaster[np.uint8]:
    """Rasterize a vector file of land: 1 for pixels whose centre is in one of its polygons, else 0.

    Raises
    ------
    ConfigError
        If the file cannot be read, has no CRS, or has no polygons.
    """
    if mask.values:
        raise ConfigError(f"inputs.land: values apply to a raster, and {mask.path} is a vector file", "remove values")
    areas = read_areas(mask.path, "inputs.land")
    shape = shapely.union_all(areas.shapes)
    target = TargetCrs.from_grid(grid, areas.crs)
    strips = (ReprojectedCentres(grid, block, target).rasterize(shape).view(np.uint8) for block in blocks(grid))
    return run_length_raster(strips, grid.width, np.dtype(np.uint8))
