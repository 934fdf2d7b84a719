"""Water and ice of a scene by one method, as a raster with a band of 0 and 1 for each: `IN OUT METHOD`.

IN has reflectances, or bytes of a picture, NaN where nothing was seen; the descriptions of its bands are their roles.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import rasterio

source, out, method = sys.argv[1:4]
with rasterio.open(source) as dataset:
    bands = dict(zip(dataset.descriptions, dataset.read(), strict=True))
    profile = dataset.profile
seen = np.isfinite(list(bands.values())).all(axis=0)
measured = "swir1" in bands


def otsu():
    """MNDWI over Otsu's threshold, which is NDSI too; of a picture, its red band."""
    from skimage.filters import threshold_otsu

    if not measured:
        return {"ice": bands["red"] > threshold_otsu(bands["red"][seen])}
    mndwi = normalized_difference("green", "swir1")
    above = mndwi > threshold_otsu(mndwi[seen])
    return {"water": above, "ice": above}


def indices():
    """MNDWI over 0 (Xu 2006) is water; NDSI over 0.4 and near infrared over 0.11 is snow (Hall and others 1995)."""
    ndsi = normalized_difference("green", "swir1")
    return {"water": ndsi > 0, "ice": (ndsi > 0.4) & (bands["nir"] > 0.11)}


def kmeans(k):
    """The darkest of k clusters is water, the brightest ice."""
    from sklearn.cluster import MiniBatchKMeans

    pixels = np.array([band[seen] for band in bands.values()]).T
    drawn = np.random.default_rng(0).permutation(len(pixels))[:100_000]
    model = MiniBatchKMeans(k, random_state=0, n_init=3).fit(pixels[drawn])
    clusters = np.full(seen.shape, -1)
    clusters[seen] = model.predict(pixels)
    brightness = model.cluster_centers_.mean(axis=1)
    return {"water": clusters == brightness.argmin(), "ice": clusters == brightness.argmax()}


def waterdetect():
    """WaterDetect with the settings that it is installed with, from arrays: GDAL's Python is not needed."""
    from waterdetect import DWConfig, DWImageClustering

    # Its sample is drawn by the generator of the whole process.
    np.random.seed(0)
    package = Path(importlib.util.find_spec("waterdetect").origin).parent
    config = DWConfig(config_file=str(package.parent / "WaterDetect.ini"))
    names = {"red": "Red", "green": "Green", "nir": "Nir", "swir1": "Mir", "swir2": "Mir2"}
    arrays = {name: np.nan_to_num(bands[role]) for role, name in names.items()}
    clustering = DWImageClustering(arrays, config.clustering_bands[0], ~seen, config)
    return {"water": clustering.run_detect_water() == 1}


def normalized_difference(first, second):
    """(a - b) / (a + b), 0 where both are 0, and not beyond -1 and 1, which negative reflectances would give."""
    total = bands[first] + bands[second]
    return np.clip(np.divide(bands[first] - bands[second], total, out=np.zeros_like(total), where=total != 0), -1, 1)


METHODS = {
    "otsu": otsu,
    "indices": indices,
    "kmeans3": lambda: kmeans(3),
    "kmeans6": lambda: kmeans(6),
    "waterdetect": waterdetect,
}
found = METHODS[method]()
profile.update(count=len(found), dtype="uint8", nodata=None)
with rasterio.open(out, "w", **profile) as dataset:
    for number, (name, mask) in enumerate(found.items(), 1):
        dataset.write((mask & seen).astype("uint8"), number)
        dataset.set_band_description(number, name)
