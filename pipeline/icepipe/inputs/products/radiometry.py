"""Find gain and offset from stored values to reflectance: by the config, the file's tags or the product's metadata."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from icepipe.arrays import Dataset
from icepipe.config.inputs import Scale
from icepipe.errors import InputError
from icepipe.inputs.products.dates import dates_in_name
from icepipe.inputs.products.metadata import Sentinel2Scale, find_mtl, landsat_scale, read_mtl, read_sentinel2
from icepipe.sensors.sensor import MetadataFormat, Sensor
from icepipe.sensors.table import SENSORS

# Order of the bands in the Sentinel-2 metadata, whose band indices start at 0.
_METADATA_BANDS = ("01", "02", "03", "04", "05", "06", "07", "08", "8A", "09", "10", "11", "12")


def sentinel2_metadata(path: Path, candidates: Sequence[Path]) -> Sentinel2Scale | None:
    """Return the metadata of the product that a file belongs to; None if missing or of another day."""
    metadata_path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if metadata_path is None:
        return None
    # Files that were moved out of their product must not take the metadata of another one.
    days = {
        day.strftime("%Y%m%d")
        for name in (path.stem, *(folder.name for folder in path.parents))
        for day, _ in dates_in_name(name)
    }
    metadata = read_sentinel2(metadata_path)
    return metadata if metadata.day in days else None


def metadata_paths(path: Path, product: str, sensor: str) -> list[Path]:
    """Return the metadata files that can hold the scaling of a file, in order of precedence, existing or not."""
    if SENSORS[sensor].metadata is MetadataFormat.SENTINEL2_MTD:
        # Bands are up to five folders below the metadata (GRANULE/<granule>/IMG_DATA/R10m).
        return [folder / name for folder in list(path.parents)[:6] for name in ("MTD_MSIL2A.xml", "MTD_MSIL1C.xml")]
    if SENSORS[sensor].metadata is MetadataFormat.LANDSAT_MTL:
        start = path.with_name(product)
        usual = [start.with_name(f"{start.name}_MTL{ending}") for ending in (".txt", ".json")]
        return list(dict.fromkeys([*usual, *filter(None, [find_mtl(start)])]))
    return []


def scaling_by_metadata(path: Path, product: str, sensor: Sensor, band: str) -> tuple[float, float] | None:
    """Return gain and offset by the metadata file of a product; None if it has none."""
    if sensor.metadata is MetadataFormat.SENTINEL2_MTD and band:
        metadata = sentinel2_metadata(path, metadata_paths(path, product, sensor.key))
        if metadata is None:
            return None
        offset = metadata.offsets.get(_METADATA_BANDS.index(band), 0.0)
        return 1 / metadata.quantification, offset / metadata.quantification
    if sensor.metadata is MetadataFormat.LANDSAT_MTL and band and (mtl := find_mtl(path.with_name(product))):
        return landsat_scale(read_mtl(mtl), sensor.key, int(band), mtl)
    return None


def scaling_by_name(path: Path, sensor: Sensor) -> tuple[float, float] | None:
    """Return the gain and offset that the publisher fixed for files of this name; None if the name matches none."""
    for depth, name in enumerate((path.name, *(folder.name for folder in path.parents))):
        for fixed in sensor.scalings:
            if depth <= fixed.folders and (fixed.name is None or fixed.name.search(name)):
                return fixed.gain, fixed.offset
    return None


def scaling(
    dataset: Dataset, index: int, path: Path, product: str, sensor: Sensor, band: str, configured: Scale | None
) -> tuple[float, float]:
    """Return gain and offset of one band.

    Parameters
    ----------
    dataset, index
        The open file and the band's number in it.
    path, product
        The file, and the name of the product it belongs to.
    sensor, band
        The sensor, and the band number of the product; empty if it has none.
    configured
        Setting of the config, which takes precedence; None for ``auto``.

    Raises
    ------
    InputError
        If the scaling is unknown.
    """
    if configured:
        return configured.gain, configured.offset
    # GDAL reports a scale of 1 and an offset of 0 for bands without these tags.
    tagged = float(dataset.scales[index - 1]), float(dataset.offsets[index - 1])
    if tagged != (1.0, 0.0):
        return tagged
    known = scaling_by_metadata(path, product, sensor, band) or scaling_by_name(path, sensor)
    if known:
        return known
    if sensor.metadata is MetadataFormat.SENTINEL2_MTD and band:
        raise InputError(
            path,
            "its processing baseline is unknown, and so is whether its values include the offset of 1000",
            "put the product's MTD_MSIL2A.xml next to it, or set inputs.scale",
        )
    raise InputError(
        path,
        f"the scaling of its values ({dataset.dtypes[index - 1]}) to reflectance is unknown",
        "set inputs.scale, such as {gain: 0.0001, offset: 0}, or put the product's metadata next to it",
    )
