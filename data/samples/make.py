"""Write the sample tiles, byte for byte the same: an Arctic bay on eight dates, drawn from shapes of known area.

Each date has two overlapping tiles, each with a nodata wedge that the other tile fills. One date is partly under cloud;
the second tile of one date comes late (folder ``late``). Every tile has a cloud mask, and all share land outlines.

    python data/samples/make.py [FOLDER]

All shapes are on the map plane of EPSG:3413. A pixel mixes what it covers, as in a sensor: it consists of 4 x 4 cells,
a cell has the reflectance of the shape that contains its centre, and the mean of the cells is encoded as a colour.

``truth.csv`` lists the ground and not the pixels: the geodesic area (WGS 84) of the shapes of a class with densified
outlines, independent of any raster. ``shown_km2`` leaves out what is under cloud and where no tile has data. A cloud
hides the pixels whose centre it contains, in picture and mask alike. The land outlines are the true coast, as in a data
set of coast lines, so land and sea share the pixels along it: a land mask by pixel centre leaves 3.4 km2 of ground in
pixels of the sea, and hides 3.3 km2 of water. In ``truth.csv`` that ground is land, and that water is water.
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
CELLS = 4  # along the side of a pixel
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
    """Shapes of one date: parts of the frame by kind, which do not overlap, and the shapes that hide them."""

    date: str
    parts: dict[str, BaseGeometry]
    cloud: BaseGeometry
    unseen: BaseGeometry


def to_map(x_km: float, y_km: float) -> tuple[float, float]:
    """Return the map coordinates of a point given in km from the upper left corner of the frame, y downwards."""
    return WEST + x_km * 1000, NORTH - y_km * 1000


def below_curve(curve_km: NDArray[np.float64]) -> BaseGeometry:
    """Return the part of the frame below a curve y(x), both in km."""
    # The curve starts and ends outside the frame, so that its ends leave no gap.
    x = np.linspace(-1, SIDE_M / 1000 + 1, len(curve_km))
    points = [to_map(a, b) for a, b in zip(x, curve_km, strict=True)]
    return Polygon([*points, to_map(x[-1], 2 * SIDE_M / 1000), to_map(x[0], 2 * SIDE_M / 1000)]).intersection(FRAME)


def ellipse(x_km: float, y_km: float, a_km: float, b_km: float, angle: float) -> BaseGeometry:
    """Return an ellipse within the frame, from its centre, half axes and rotation in degrees."""
    circle = Point(0, 0).buffer(1, quad_segs=256)
    shape = shapely.affinity.scale(circle, a_km * 1000, b_km * 1000)
    return shapely.affinity.translate(shapely.affinity.rotate(shape, angle), *to_map(x_km, y_km)).intersection(FRAME)


def coast() -> BaseGeometry:
    """Return the land along the upper edge of the frame."""
    x = np.linspace(-1, SIDE_M / 1000 + 1, 1000)
    return FRAME.difference(below_curve(12 + 5 * np.sin(x / 11) + 2 * np.sin(x / 3.7)))


def cloud_cover(date: str) -> BaseGeometry:
    """Return the clouds of a date; empty but for the cloudy date."""
    if date != CLOUDY:
        return Polygon()
    return shapely.union_all([ellipse(30, 45, 21, 13, 20), ellipse(52, 62, 17, 9, -15), ellipse(78, 86, 9, 6, 0)])


def unseen_area(date: str) -> BaseGeometry:
    """Return the part of the frame that no tile of a date shows: where only the late tile has data."""
    if date != HALF_SEEN:
        return Polygon()
    last = TILE_COLUMNS["a"][1]
    wedge = [to_map(last * 0.25 - WEDGE_COLUMNS * 0.25, 0), to_map(last * 0.25, 0), to_map(last * 0.25, 100)]
    return FRAME.difference(box(*FRAME.bounds[:2], WEST + last * PIXEL_M, NORTH)).union(Polygon(wedge))


def leads(number: int) -> BaseGeometry:
    """Return straight cracks through the pack ice, one pixel wide."""
    lines = [
        LineString([to_map(5 + 17 * i + number, 101), to_map(22 + 16 * i - number, 40 + 3 * i)]).buffer(
            PIXEL_M / 2, cap_style="flat"
        )
        for i in range(5)
    ]
    return shapely.union_all(lines)


def floes(number: int) -> BaseGeometry:
    """Return the floes of a date; they drift and shrink from date to date."""
    shrink = 1 - 0.07 * number
    ellipses = [
        ellipse(
            12 + 15.5 * i + 1.5 * number,
            24 + 7 * (i % 3) + 0.5 * number,
            (4.2 - 0.3 * i) * shrink,
            2.6 * shrink,
            31 * i,
        )
        for i in range(6)
    ]
    return shapely.union_all(ellipses)


def draw(number: int) -> Picture:
    """Return the shapes of a date by its number: the edge of the pack retreats southward from date to date."""
    x = np.linspace(-1, SIDE_M / 1000 + 1, 2000)
    edge = 42 + 5.6 * number + 3 * np.sin(x / 9 + number) + 1.2 * np.sin(x / 2.6)
    layers = {
        "island": ellipse(70, 30, 3.1, 1.7, 25),
        "tundra": ellipse(62, 4, 15, 3.2, 0).intersection(coast()),
        "ground": coast(),
        "floe": floes(number),
        "pack": below_curve(edge + 2.5).difference(leads(number)),
        "water": leads(number).intersection(below_curve(edge + 2.5)),
        "grey ice": below_curve(edge + 1.0),
        "nilas": below_curve(edge - 0.6),
        "rough water": below_curve(edge - 2.2),
    }
    # Earlier layers lie on top of later ones.
    parts: dict[str, BaseGeometry] = {}
    rest: BaseGeometry = FRAME
    for name, shape in layers.items():
        parts[name] = shape.intersection(rest)
        rest = rest.difference(shape)
    parts["water"] = parts["water"].union(rest)
    return Picture(DATES[number], parts, cloud_cover(DATES[number]), unseen_area(DATES[number]))


def true_area_km2(shape: BaseGeometry) -> float:
    """Return the geodesic area of a shape on the map plane, with a densified outline."""
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
    """Return the true area of every class in km2: in total, and the part that the tiles show."""
    hidden = picture.cloud.union(picture.unseen)
    areas = dict.fromkeys(("ice", "water", "other", "land"), (0.0, 0.0))
    for name, shape in picture.parts.items():
        total, shown = areas[CLASS_OF[name]]
        # Land is known from its outlines, also under cloud and where no tile has data.
        visible = shape if CLASS_OF[name] == "land" else shape.difference(hidden)
        areas[CLASS_OF[name]] = total + true_area_km2(shape), shown + true_area_km2(visible)
    sea = FRAME.difference(picture.parts["ground"].union(picture.parts["tundra"]))
    for name, shape in (("cloud", picture.cloud.difference(picture.unseen)), ("unobserved", picture.unseen)):
        area = true_area_km2(shape.intersection(sea))
        areas[name] = area, area
    return areas


def srgb(reflectance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return reflectance as sRGB values in 0 .. 255 (IEC 61966-2-1)."""
    low = reflectance * 12.92
    high = 1.055 * np.maximum(reflectance, 1e-9) ** (1 / 2.4) - 0.055
    return 255 * np.where(reflectance <= 0.0031308, low, high)


def pixel_noise(seed: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return bell-shaped noise with a standard deviation of 1.5, the same on every machine."""
    # From raw random bits, as a sum of four bytes: NumPy may change how it makes normal numbers of them.
    count = int(np.prod(shape))
    raw = np.random.PCG64(seed).random_raw(count).view(np.uint8).reshape(count, 8)[:, :4]
    centred = raw.astype(np.float64).sum(axis=1) - 510
    return np.asarray((1.5 * centred / np.sqrt(4 * (256**2 - 1) / 12)).reshape(shape))


def paint(picture: Picture, number: int) -> NDArray[np.uint8]:
    """Return the pixels of a date, shape (3, rows, columns): brighter on the left, and with noise.

    Reflectance is averaged and not colours, because light adds up linearly and the sRGB curve is not linear.
    """
    reflectance = np.zeros((3, SIZE, SIZE))
    for name, shape in picture.parts.items():
        reflectance += np.array(REFLECTANCE[name])[:, None, None] * share_within(shape)
    light = np.linspace(1.05, 0.95, SIZE)
    values = srgb(reflectance * light)
    values[:, pixels_within(picture.cloud)] = np.array(CLOUD_RGB)[:, None]
    # From 1: 0 is nodata.
    return np.clip(np.rint(values + pixel_noise(number, reflectance.shape)), 1, 255).astype(np.uint8)


def pixels_within(shape: BaseGeometry) -> NDArray[np.bool_]:
    """Return True for pixels whose centre is within a shape."""
    centres = (np.arange(SIZE) + 0.5) * PIXEL_M
    x, y = np.meshgrid(WEST + centres, NORTH - centres)
    return np.asarray(shapely.contains_xy(shape, x, y))


def share_within(shape: BaseGeometry) -> NDArray[np.float64]:
    """Return the share of every pixel that a shape covers: of its cells, those whose centre is within the shape."""
    centres = (np.arange(SIZE * CELLS) + 0.5) * PIXEL_M / CELLS
    x, y = np.meshgrid(WEST + centres, NORTH - centres)
    shapely.prepare(shape)
    return np.asarray(shapely.contains_xy(shape, x, y).reshape(SIZE, CELLS, SIZE, CELLS).mean(axis=(1, 3)))


def wedge(tile: str) -> NDArray[np.bool_]:
    """Return True for pixels that a tile leaves as nodata: a thin triangle at its inner edge."""
    row, col = np.indices((SIZE, SIZE)) + 0.5
    first, last = TILE_COLUMNS[tile]
    depth = WEDGE_COLUMNS * (1 - row / SIZE)
    return np.asarray(col > last - depth if tile == "a" else col < first + depth)


def write_raster(path: Path, pixels: NDArray[np.uint8], first_column: int, **options: object) -> None:
    """Write bands that start at a column of the frame as a GeoTIFF."""
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
    values = np.where(wedge(tile), np.uint8(0), pixels)[:, :, first:last]
    late = picture.date == HALF_SEEN and tile == "b"
    stem = f"bay_{picture.date}_{tile}"
    tile_folder = folder / ("late" if late else "arctic")
    write_raster(tile_folder / f"{stem}.tif", values, first, photometric="RGB", predictor=2, nodata=0)
    cloud = pixels_within(picture.cloud)[None, :, first:last].astype(np.uint8)
    write_raster(folder / "masks" / f"{stem}_cloud.tif", cloud, first)


def write_land(path: Path) -> None:
    """Write the coast as GeoJSON in longitude and latitude."""
    to_lonlat = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    features = []
    for part in shapely.get_parts(coast()):
        lon, lat = to_lonlat.transform(*np.asarray(shapely.segmentize(part, 1000).exterior.coords).T)
        ring = [[round(a, 7), round(b, 7)] for a, b in zip(lon, lat, strict=True)]
        geometry = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "properties": {"name": "mainland"}, "geometry": geometry})
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}) + "\n")


def main(folder: Path) -> None:
    """Write tiles, masks, land and ``truth.csv``."""
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
