"""Recognize the files of a product that are not bands: quality rasters and companions."""

from __future__ import annotations

from pathlib import Path

from icepipe.sensors.table import PRODUCTS, QUALITIES


def is_quality(path: Path) -> bool:
    """Return whether the name of a file is that of a quality raster."""
    extras = (product.extras for product in PRODUCTS if product.extras)
    return any(name.search(path.stem) for name in (*(kind.name for kind in QUALITIES.values()), *extras))


def companion_product(path: Path) -> str | None:
    """Return the product of a companion file, which is ignored next to the product's bands; None for other files."""
    names = (product.companions for product in PRODUCTS if product.companions)
    return next((match.group("product") for name in names if (match := name.match(path.stem))), None)


def quality_file(kind: str, folder: Path, product: str) -> Path | None:
    """Return the quality raster of a product, searched for in the folders of its kind; None if missing."""
    quality = QUALITIES[kind]
    for ending in quality.endings:
        folders = [folder / name for name in quality.folders]
        matches = [path for subfolder in folders for path in sorted(subfolder.glob(f"{product}*{ending}.*"))]
        rasters = [path for path in matches if path.suffix.lower() in {".tif", ".tiff", ".jp2"}]
        if rasters:
            return rasters[0]
    return None
