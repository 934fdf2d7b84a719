"""From stored numbers to reflectance: by the config, the file's tags, or the product's metadata."""

from __future__ import annotations

from pathlib import Path

from icepipe.arrays import Dataset
from icepipe.config.inputs import Scale
from icepipe.errors import InputError
from icepipe.inputs.products.dates import dates_in_name
from icepipe.inputs.products.metadata import Sentinel2Scale, find_mtl, landsat_scale, read_mtl, read_sentinel2
from icepipe.sensors.sensor import MetadataFormat, Sensor
from icepipe.sensors.table import SENSORS

_METADATA_BANDS = ("01", "02", "03", "04", "05", "06", "07", "08", "8A", "09", "10", "11", "12")


def _sentinel2_metadata(path: Path) -> Sentinel2Scale | None:
    """Product metadata in the folder of a file or one of the five above it, if they are of the file's day."""
    days = {
        day.strftime("%Y%m%d")
        for name in (path.stem, *(p.name for p in path.parents))
        for day, _ in dates_in_name(name)
    }
    there = next((place for place in _sentinel2_places(path) if place.is_file()), None)
    found = read_sentinel2(there) if there else None
    return found if found and found.day in days else None


def _sentinel2_places(path: Path) -> list[Path]:
    """Where the metadata of a product may stand, the first that counts first."""
    return [folder / name for folder in list(path.parents)[:6] for name in ("MTD_MSIL2A.xml", "MTD_MSIL1C.xml")]


def metadata_places(path: Path, product: str, sensor: str) -> list[Path]:
    """Files that can tell how the numbers of a product's file become reflectance, whether they are there or not."""
    if SENSORS[sensor].metadata is MetadataFormat.SENTINEL2_MTD:
        return _sentinel2_places(path)
    if SENSORS[sensor].metadata is MetadataFormat.LANDSAT_MTL:
        start = path.with_name(product)
        usual = [start.with_name(f"{start.name}_MTL{ending}") for ending in (".txt", ".json")]
        return list(dict.fromkeys([*usual, *filter(None, [find_mtl(start)])]))
    return []


def _sentinel2(path: Path, band: str) -> tuple[float, float] | None:
    metadata = _sentinel2_metadata(path)
    if metadata is None:
        return None
    offset = metadata.offsets.get(_METADATA_BANDS.index(band), 0.0)
    return 1 / metadata.quantification, offset / metadata.quantification


def _landsat(path: Path, product: str, sensor: Sensor, band: str) -> tuple[float, float] | None:
    mtl = find_mtl(path.with_name(product))
    return landsat_scale(read_mtl(mtl), sensor.key, int(band), mtl) if mtl else None


def _by_metadata(path: Path, product: str, sensor: Sensor, band: str) -> tuple[float, float] | None:
    """Gain and offset by the metadata file of a product; None where there is none."""
    if sensor.metadata is MetadataFormat.SENTINEL2_MTD and band:
        return _sentinel2(path, band)
    if sensor.metadata is MetadataFormat.LANDSAT_MTL and band:
        return _landsat(path, product, sensor, band)
    return None


def _by_table(path: Path, sensor: Sensor) -> tuple[float, float] | None:
    """Gain and offset that the publisher fixed for files of this name; None where the name says nothing of it."""
    for depth, name in enumerate((path.name, *(folder.name for folder in path.parents))):
        for fixed in sensor.scalings:
            if depth <= fixed.folders and (fixed.name is None or fixed.name.search(name)):
                return fixed.gain, fixed.offset
    return None


def scaling(
    dataset: Dataset, index: int, path: Path, product: str, sensor: Sensor, band: str, asked: Scale | None
) -> tuple[float, float]:
    """Gain and offset of one band.

    Parameters
    ----------
    dataset, index
        The open file and the band's number in it.
    path, product
        The file, and the name of the product it is part of.
    sensor, band
        The sensor, and the band as the product numbers it; empty where it does not.
    asked
        What the config says; it wins.

    Raises
    ------
    InputError
        If nothing tells.
    """
    if asked:
        return asked.gain, asked.offset
    tagged = float(dataset.scales[index - 1]), float(dataset.offsets[index - 1])
    if tagged != (1.0, 0.0):
        return tagged
    found = _by_metadata(path, product, sensor, band) or _by_table(path, sensor)
    if found:
        return found
    if sensor.metadata is MetadataFormat.SENTINEL2_MTD and band:
        raise InputError(
            path,
            "nothing tells its processing baseline, so whether its numbers carry the offset of 1000 is not known",
            "put the product's MTD_MSIL2A.xml beside it, or set inputs.scale",
        )
    raise InputError(
        path,
        f"nothing tells how its numbers ({dataset.dtypes[index - 1]}) become reflectance",
        "set inputs.scale, such as {gain: 0.0001, offset: 0}, or put the product's metadata beside it",
    )
