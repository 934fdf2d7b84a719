"""Make the sample tiles again, byte for byte: an Arctic bay on eight dates, drawn from shapes of known area.

Two tiles a date that overlap, each with a nodata wedge that the other fills; one date partly under cloud; one date
whose second tile came late (folder ``late``); a cloud mask for every tile and land outlines for all.

    python data/samples/make.py [FOLDER]

Everything is a shape on the map plane of EPSG:3413. The true area of a class is the geodesic area (WGS 84) of
its shapes with dense outlines; no raster takes part in it. A pixel gets the colour of the shape that holds its
centre.
"""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from shapely.geometry import LineString, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

CRS = "EPSG:3413"
PIXEL_M = 250.0
SIZE = 400
WEST, NORTH = -650_000.0, -1_350_000.0
FRAME = box(WEST, NORTH - SIZE * PIXEL_M, WEST + SIZE * PIXEL_M, NORTH)
SIDE_M = SIZE * PIXEL_M
DATES = ("20240610", "20240622", "20240704", "20240716", "20240728", "20240812", "20240827", "20240910")
CLOUDY, HALF_SEEN = "20240812", "20240728"
TILE_COLUMNS = {"a": (0, 230), "b": (170, 400)}
WEDGE_COLUMNS = 28
OUTLINE_STEP_M = 200.0
CLOUD_RGB = (236, 238, 241)

REFLECTANCE = {
    "water": (0.035, 0.050, 0.070),
    "rough water": (0.090, 0.095, 0.100),
    "pack": (0.74, 0.77, 0.80),
    "floe": (0.70, 0.74, 0.78),
    "grey ice": (0.200, 0.205, 0.215),
    "nilas": (0.120, 0.125, 0.130),
    "ground": (0.230, 0.170, 0.110),
    "tundra": (0.070, 0.130, 0.050),
    "island": (0.210, 0.160, 0.105),
}
CLASS_OF = {
    "water": "water",
    "rough water": "water",
    "pack": "ice",
    "floe": "ice",
    "grey ice": "ice",
    "nilas": "ice",
    "ground": "land",
    "tundra": "land",
    "island": "other",
}


@dataclass(frozen=True)
class Picture:
    """Shapes of one date: parts of the frame that do not overlap, by what they are, and what hides them."""

    date: str
    parts: dict[str, BaseGeometry]
    cloud: BaseGeometry
    unseen: BaseGeometry


def _at(x_km: float, y_km: float) -> tuple[float, float]:
    """Map coordinates of a place given in km from the frame's upper left corner, y downwards."""
    return WEST + x_km * 1000, NORTH - y_km * 1000


def _below(curve_km: NDArray[np.float64]) -> BaseGeometry:
    """The part of the frame under a curve y(x), both in km."""
    x = np.linspace(-1, SIDE_M / 1000 + 1, len(curve_km))
    points = [_at(a, b) for a, b in zip(x, curve_km, strict=True)]
    return Polygon([*points, _at(x[-1], 2 * SIDE_M / 1000), _at(x[0], 2 * SIDE_M / 1000)]).intersection(FRAME)


def _ellipse(x_km: float, y_km: float, a_km: float, b_km: float, angle: float) -> BaseGeometry:
    circle = Point(0, 0).buffer(1, quad_segs=256)
    shape = shapely.affinity.scale(circle, a_km * 1000, b_km * 1000)
    return shapely.affinity.translate(shapely.affinity.rotate(shape, angle), *_at(x_km, y_km)).intersection(FRAME)


def _coast() -> BaseGeometry:
    x = np.linspace(-1, SIDE_M / 1000 + 1, 1000)
    return FRAME.difference(_below(12 + 5 * np.sin(x / 11) + 2 * np.sin(x / 3.7)))


def _cloud(date: str) -> BaseGeometry:
    if date != CLOUDY:
        return Polygon()
    return shapely.union_all([_ellipse(30, 45, 21, 13, 20), _ellipse(52, 62, 17, 9, -15), _ellipse(78, 86, 9, 6, 0)])


def _unseen(date: str) -> BaseGeometry:
    """What no tile of the date shows: the columns that the missing tile alone would."""
    if date != HALF_SEEN:
        return Polygon()
    last = TILE_COLUMNS["a"][1]
    wedge = [_at(last * 0.25 - WEDGE_COLUMNS * 0.25, 0), _at(last * 0.25, 0), _at(last * 0.25, 100)]
    return FRAME.difference(box(*FRAME.bounds[:2], WEST + last * PIXEL_M, NORTH)).union(Polygon(wedge))


def _leads(number: int) -> BaseGeometry:
    """Straight cracks through the pack, one pixel wide."""
    lines = [
        LineString([_at(5 + 17 * i + number, 101), _at(22 + 16 * i - number, 40 + 3 * i)]).buffer(
            PIXEL_M / 2, cap_style="flat"
        )
        for i in range(5)
    ]
    return shapely.union_all(lines)


def _floes(number: int) -> BaseGeometry:
    shrink = 1 - 0.07 * number
    floes = [
        _ellipse(
            12 + 15.5 * i + 1.5 * number,
            24 + 7 * (i % 3) + 0.5 * number,
            (4.2 - 0.3 * i) * shrink,
            2.6 * shrink,
            31 * i,
        )
        for i in range(6)
    ]
    return shapely.union_all(floes)


def draw(number: int) -> Picture:
    """Shapes of the date with this number: the pack's edge retreats southward from date to date."""
    x = np.linspace(-1, SIDE_M / 1000 + 1, 2000)
    edge = 42 + 5.6 * number + 3 * np.sin(x / 9 + number) + 1.2 * np.sin(x / 2.6)
    layers = {
        "island": _ellipse(70, 30, 3.1, 1.7, 25),
        "tundra": _ellipse(62, 4, 15, 3.2, 0).intersection(_coast()),
        "ground": _coast(),
        "floe": _floes(number),
        "pack": _below(edge + 2.5).difference(_leads(number)),
        "water": _leads(number).intersection(_below(edge + 2.5)),
        "grey ice": _below(edge + 1.0),
        "nilas": _below(edge - 0.6),
        "rough water": _below(edge - 2.2),
    }
    parts: dict[str, BaseGeometry] = {}
    rest: BaseGeometry = FRAME
    for name, shape in layers.items():
        parts[name] = shape.intersection(rest)
        rest = rest.difference(shape)
    parts["water"] = parts["water"].union(rest)
    return Picture(DATES[number], parts, _cloud(DATES[number]), _unseen(DATES[number]))


def true_area_km2(shape: BaseGeometry) -> float:
    """Geodesic area of a shape on the map plane, its outline made dense first."""
    to_lonlat = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    geod = pyproj.Geod(ellps="WGS84")
    total = 0.0
    for part in shapely.get_parts(shape):
        if part.geom_type != "Polygon":
            continue
        dense = shapely.segmentize(part, OUTLINE_STEP_M)
        rings = [(dense.exterior, 1), *((ring, -1) for ring in dense.interiors)]
        for ring, sign in rings:
            lon, lat = to_lonlat.transform(*np.asarray(ring.coords).T)
            total += sign * abs(geod.polygon_area_perimeter(lon, lat)[0])
    return total / 1e6


def truth(picture: Picture) -> dict[str, tuple[float, float]]:
    """True km2 of every class: all there is, and what the tiles show of it."""
    hidden = picture.cloud.union(picture.unseen)
    areas = dict.fromkeys(("ice", "water", "other", "land"), (0.0, 0.0))
    for name, shape in picture.parts.items():
        there, shown = areas[CLASS_OF[name]]
        visible = shape if CLASS_OF[name] == "land" else shape.difference(hidden)
        areas[CLASS_OF[name]] = there + true_area_km2(shape), shown + true_area_km2(visible)
    sea = FRAME.difference(picture.parts["ground"].union(picture.parts["tundra"]))
    for name, shape in (("cloud", picture.cloud.difference(picture.unseen)), ("unobserved", picture.unseen)):
        area = true_area_km2(shape.intersection(sea))
        areas[name] = area, area
    return areas


def _srgb(reflectance: NDArray[np.float64]) -> NDArray[np.float64]:
    low = reflectance * 12.92
    high = 1.055 * np.maximum(reflectance, 1e-9) ** (1 / 2.4) - 0.055
    return 255 * np.where(reflectance <= 0.0031308, low, high)


def _noise(seed: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Bell-shaped noise of standard deviation 1.5 from raw random bits, the same on every machine."""
    count = int(np.prod(shape))
    raw = np.random.PCG64(seed).random_raw(count).view(np.uint8).reshape(count, 8)[:, :4]
    centred = raw.astype(np.float64).sum(axis=1) - 510
    return np.asarray((1.5 * centred / np.sqrt(4 * (256**2 - 1) / 12)).reshape(shape))


def paint(picture: Picture, number: int) -> NDArray[np.uint8]:
    """Pixels of a date, shape (3, rows, columns): lit from the left, seen with noise."""
    reflectance = np.zeros((3, SIZE, SIZE))
    for name, shape in picture.parts.items():
        shapely.prepare(shape)
        reflectance[:, under(shape)] = np.array(REFLECTANCE[name])[:, None]
    light = np.linspace(1.05, 0.95, SIZE)
    values = _srgb(reflectance * light)
    values[:, under(picture.cloud)] = np.array(CLOUD_RGB)[:, None]
    return np.clip(np.rint(values + _noise(number, reflectance.shape)), 1, 255).astype(np.uint8)


def under(shape: BaseGeometry) -> NDArray[np.bool_]:
    """True for pixels whose centre lies in a shape."""
    centres = (np.arange(SIZE) + 0.5) * PIXEL_M
    x, y = np.meshgrid(WEST + centres, NORTH - centres)
    return np.asarray(shapely.contains_xy(shape, x, y))


def wedge(tile: str) -> NDArray[np.bool_]:
    """True for pixels of the frame that a tile leaves as nodata at its inner edge: a thin triangle."""
    row, col = np.indices((SIZE, SIZE)) + 0.5
    first, last = TILE_COLUMNS[tile]
    depth = WEDGE_COLUMNS * (1 - row / SIZE)
    return np.asarray(col > last - depth if tile == "a" else col < first + depth)


def _write(path: Path, pixels: NDArray[np.uint8], first_column: int, **options: object) -> None:
    profile = {
        "driver": "GTiff",
        "width": pixels.shape[2],
        "height": pixels.shape[1],
        "count": pixels.shape[0],
        "dtype": "uint8",
        "crs": CRS,
        "transform": Affine(PIXEL_M, 0, WEST + first_column * PIXEL_M, 0, -PIXEL_M, NORTH),
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "compress": "deflate",
        "zlevel": 9,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", **(profile | options)) as dataset:
        dataset.write(pixels)


def write_tile(folder: Path, picture: Picture, pixels: NDArray[np.uint8], tile: str) -> None:
    """Write one RGB tile and its cloud mask."""
    first, last = TILE_COLUMNS[tile]
    shown = np.where(wedge(tile), np.uint8(0), pixels)[:, :, first:last]
    late = picture.date == HALF_SEEN and tile == "b"
    stem = f"bay_{picture.date}_{tile}"
    home = folder / ("late" if late else "arctic")
    _write(home / f"{stem}.tif", shown, first, photometric="RGB", predictor=2, nodata=0)
    cloud = under(picture.cloud)[None, :, first:last].astype(np.uint8)
    _write(folder / "masks" / f"{stem}_cloud.tif", cloud, first)


def write_land(path: Path) -> None:
    """Write the coast as GeoJSON in longitude and latitude."""
    to_lonlat = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    features = []
    for part in shapely.get_parts(_coast()):
        lon, lat = to_lonlat.transform(*np.asarray(shapely.segmentize(part, 1000).exterior.coords).T)
        ring = [[round(a, 7), round(b, 7)] for a, b in zip(lon, lat, strict=True)]
        geometry = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "properties": {"name": "mainland"}, "geometry": geometry})
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}) + "\n")


def main(folder: Path) -> None:
    """Write all tiles, masks, the land and ``truth.csv``."""
    folder.mkdir(parents=True, exist_ok=True)
    write_land(folder / "land.geojson")
    with (folder / "truth.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["date", "class", "area_km2", "shown_km2"])
        for number in range(len(DATES)):
            picture = draw(number)
            pixels = paint(picture, number)
            for tile in TILE_COLUMNS:
                write_tile(folder, picture, pixels, tile)
            day = f"{picture.date[:4]}-{picture.date[4:6]}-{picture.date[6:]}"
            for name, (area, shown) in truth(picture).items():
                writer.writerow([day, name, f"{area:.6f}", f"{shown:.6f}"])


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
