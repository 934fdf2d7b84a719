"""Where cloud or land hides the surface: rasters beside each scene, or one land layer for all."""

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
from icepipe.inputs.validate import check_raster, open_raster
from icepipe.inputs.vector_files import read_areas
from icepipe.raster.blocks import blocks
from icepipe.raster.rasterize_reprojected import ReprojectedCentres, TargetCrs
from icepipe.raster.run_length import RunLengthRaster, run_length_raster
from icepipe.sensors.table import QUALITIES

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
    geobox, colours, alpha = _grid_and_colours(path)
    if mask.values:
        return MaskFile(path, geobox, colours[:1], values=mask.values)
    return MaskFile(path, geobox, colours, nonzero=True, overlay=alpha if key == "land" and len(colours) >= 3 else None)


def describe_quality(cloud: Cloud, scene: Path, product: str) -> MaskFile:
    """The quality raster of a scene, and what of it hides the surface.

    Raises
    ------
    InputError
        If it is not there.
    ConfigError
        If a word is not one of the raster's.
    """
    assert cloud.quality is not None
    kind = QUALITIES[cloud.quality]
    words = kind.default if cloud.hide is None else cloud.hide
    if unknown := set(words) - set(kind.hides):
        known = ", ".join(kind.hides)
        raise ConfigError(
            f"inputs.cloud.hide: {cloud.quality} has no {', '.join(sorted(unknown))}", f"choose from {known}"
        )
    path = quality_file(cloud.quality, product_folder(scene), product)
    if path is None:
        raise InputError(
            scene, f"its {cloud.quality} quality raster is not beside it", "fetch it, or correct inputs.cloud"
        )
    hides, geobox = tuple(kind.hides[word] for word in words), _grid_and_colours(path)[0]
    if kind.by_bits:
        return MaskFile(path, geobox, (1,), bits=hides, unseen_bits=kind.unseen)
    return MaskFile(path, geobox, (1,), values=hides, unseen_values=kind.unseen)


def _grid_and_colours(path: Path) -> tuple[GeoBox, tuple[int, ...], int | None]:
    with open_raster(path) as dataset:
        check_raster(path, dataset)
        geobox = GeoBox(dataset.crs.to_wkt(), dataset.transform, dataset.width, dataset.height)
        alpha = alpha_band(dataset)
        return geobox, tuple(index for index in dataset.indexes if index != alpha), alpha


def _any_bit(numbers: NDArray[np.integer[Any]], bits: Sequence[int]) -> Bool:
    return np.asarray(numbers.astype(np.int64) & sum(1 << bit for bit in bits) != 0)


def _hides(bands: NDArray[np.integer[Any]], mask: MaskFile) -> Bool:
    if mask.nonzero:
        return np.asarray(np.any(bands != 0, axis=0))
    return np.isin(bands[0], mask.values) | _any_bit(bands[0], mask.bits)


def read_mask(dataset: Dataset, mask: MaskFile, placement: SourceWindow) -> tuple[Bool, Bool]:
    """Where a mask hides and where it says anything at all, for the target pixels of a placement.

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
    finite = np.isfinite(bands)
    bands = np.where(finite & (seen | (mask.overlay is None)), bands, 0)
    known = (seen | (mask.overlay is not None)) & np.all(finite, axis=0)
    known &= ~np.isin(bands[0], mask.unseen_values) & ~_any_bit(bands[0], mask.unseen_bits)
    known, hides = placement.take(known), _hides(bands, mask)
    if placement.reached is not None:
        known &= placement.reached
    return placement.take(hides) & known, known


def read_land(mask: Mask, grid: GeoBox) -> RunLengthRaster[np.uint8]:
    """Where a vector file says land: 1 for pixels whose centre lies in one of its areas, else 0.

    Raises
    ------
    ConfigError
        If the file cannot be read, does not say its CRS, or holds no areas.
    """
    if mask.values:
        raise ConfigError(f"inputs.land: values go with a raster, and {mask.path} holds outlines", "take values out")
    areas = read_areas(mask.path, "inputs.land")
    shape = shapely.union_all(areas.shapes)
    other = TargetCrs.from_grid(grid, areas.crs)
    strips = (ReprojectedCentres(grid, block, other).rasterize(shape).view(np.uint8) for block in blocks(grid))
    return run_length_raster(strips, grid.width, np.dtype(np.uint8))
