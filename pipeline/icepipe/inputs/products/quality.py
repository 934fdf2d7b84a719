"""Files that come with the bands of products: quality rasters, and what is left alone."""

from __future__ import annotations

from pathlib import Path

from icepipe.sensors.table import PRODUCTS, QUALITIES


def is_quality(path: Path) -> bool:
    """Whether a file's name says that it is a quality raster and no band."""
    extras = (product.extras for product in PRODUCTS if product.extras)
    return any(name.search(path.stem) for name in (*(kind.name for kind in QUALITIES.values()), *extras))


def companion_product(path: Path) -> str | None:
    """Product of a file that is of no use where the product's bands are there too; None for any other file."""
    names = (product.companions for product in PRODUCTS if product.companions)
    return next((match.group("product") for name in names if (match := name.match(path.stem))), None)


def quality_file(kind: str, folder: Path, product: str) -> Path | None:
    """The quality raster of a product, in its folder or where this kind lies from there; or None."""
    quality = QUALITIES[kind]
    for ending in quality.endings:
        places = [folder / place for place in quality.folders]
        found = [path for place in places for path in sorted(place.glob(f"{product}*{ending}.*"))]
        rasters = [path for path in found if path.suffix.lower() in {".tif", ".tiff", ".jp2"}]
        if rasters:
            return rasters[0]
    return None
