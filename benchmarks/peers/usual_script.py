"""The whole job as a script does it: k-means, class raster, polygons, pixels counted: `IN OUT K`.

IN is a raster, or a folder of tiles: fitted on the first, each then named by itself; overlaps count twice.
"""

import csv
import sys
from pathlib import Path

import geopandas
import numpy as np
import rasterio
from rasterio.features import shapes
from shapely.geometry import shape
from sklearn.cluster import MiniBatchKMeans

source, out, k = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
model, rows = None, []
for tile in sorted(source.glob("*.tif")) if source.is_dir() else [source]:
    with rasterio.open(tile) as dataset:
        data, profile = dataset.read(), dataset.profile
    pixels = data.reshape(len(data), -1).T.astype("float32")
    if model is None:
        drawn = np.random.default_rng(0).choice(len(pixels), 100_000, replace=False)
        model = MiniBatchKMeans(k, random_state=0, n_init=3).fit(pixels[drawn])
    classes = model.predict(pixels).astype("uint8").reshape(data.shape[1:]) + 1
    profile.update(count=1, dtype="uint8", predictor=1, photometric="MINISBLACK")
    with rasterio.open(out / f"{tile.stem}_classes.tif", "w", **profile) as dataset:
        dataset.write(classes, 1)
    if "--raster-only" not in sys.argv:
        found = [(shape(outline), int(code)) for outline, code in shapes(classes, transform=profile["transform"])]
        geometry, codes = zip(*found, strict=True)
        frame = geopandas.GeoDataFrame({"class": codes}, geometry=list(geometry), crs=profile["crs"])
        frame.to_file(out / f"{tile.stem}.gpkg", driver="GPKG")
    counts = np.bincount(classes.ravel(), minlength=k + 1)
    rows += [(tile.stem, code, counts[code] * 100 / 1e6) for code in range(1, k + 1)]
with (out / "area.csv").open("w", newline="") as file:
    csv.writer(file).writerows(rows)
