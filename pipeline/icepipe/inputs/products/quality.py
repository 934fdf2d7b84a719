"""Quality rasters that come with products: which bits and numbers mean cloud, and which mean not seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Quality:
    """One kind of quality raster.

    Attributes
    ----------
    endings
        Endings of its file's name, less the suffix, after the product's name.
    hides
        What can be hidden: word -> bit, or word -> value.
    by_bits
        Whether numbers are bits or values.
    unseen
        Bits or values of pixels that were not seen.
    default
        Words that hide where a config does not choose.
    """

    endings: tuple[str, ...]
    hides: dict[str, int]
    by_bits: bool
    unseen: tuple[int, ...]
    default: tuple[str, ...]


QUALITIES: dict[str, Quality] = {
    "landsat-c2": Quality(
        ("QA_PIXEL",),
        {"dilated": 1, "cirrus": 2, "cloud": 3, "shadow": 4},
        True,
        (0,),
        ("dilated", "cirrus", "cloud", "shadow"),
    ),
    "landsat-c1": Quality(("BQA",), {"cloud": 4}, True, (0,), ("cloud",)),
    "sentinel2-scl": Quality(
        ("SCL", "SCL_20m", "SCL_60m"),
        {"shadow": 3, "cloud_medium": 8, "cloud_high": 9, "cirrus": 10},
        False,
        (0,),
        ("shadow", "cloud_medium", "cloud_high", "cirrus"),
    ),
}
"""Landsat Collection 2 QA_PIXEL and Collection 1 BQA (USGS data format control books), Sentinel-2 scene classification
(Level-2A algorithm overview). The clear bit is not used: on Landsat 5 and 7 it is unset over water."""


def is_quality(path: Path) -> bool:
    """Whether a file's name says that it is a quality raster and no band."""
    return path.stem.upper().endswith(("QA_PIXEL", "QA_RADSAT", "BQA", "_SCL", "SCL_20M", "SCL_60M", "QA_AEROSOL"))


def quality_file(kind: str, folder: Path, product: str) -> Path | None:
    """The quality raster of a product, in its folder or in Sentinel-2's folders of one resolution; or None."""
    for ending in QUALITIES[kind].endings:
        found = [
            path for place in ("", "R20m/", "R60m/") for path in sorted(folder.glob(f"{place}{product}*{ending}.*"))
        ]
        rasters = [path for path in found if path.suffix.lower() in {".tif", ".tiff", ".jp2"}]
        if rasters:
            return rasters[0]
    return None
