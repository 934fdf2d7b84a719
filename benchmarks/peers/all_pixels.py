"""Clusters of all pixels at once by one library, and the class raster: `IN OUT K LIBRARY`."""

import sys
from pathlib import Path

import numpy as np
import rasterio

source, out, k, library = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
with rasterio.open(source) as dataset:
    data, profile = dataset.read(), dataset.profile
pixels = np.ascontiguousarray(data.reshape(len(data), -1).T, dtype=np.float32)
drawn = pixels[np.random.default_rng(0).choice(len(pixels), 100_000, replace=False)]


def opencv():
    """Lloyd on all pixels, ten iterations."""
    import cv2

    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 10, 1.0)
    return cv2.kmeans(pixels, k, None, stop, 1, cv2.KMEANS_PP_CENTERS)[1].ravel()


def faiss():
    """Fitted on a sample, as the library does by itself."""
    import faiss

    model = faiss.Kmeans(pixels.shape[1], k, niter=20, seed=0)
    model.train(drawn)
    return model.index.search(pixels, 1)[1].ravel()


def scipy():
    """Fitted on a sample; every pixel to the nearest code."""
    from scipy.cluster.vq import kmeans2, vq

    return vq(pixels, kmeans2(drawn, k, minit="++", seed=0)[0])[0]


def minibatch():
    """scikit-learn's mini-batches on all pixels."""
    from sklearn.cluster import MiniBatchKMeans

    return MiniBatchKMeans(k, random_state=0, n_init=3).fit(pixels).labels_


def article():
    """Ten rounds of a distance picture a cluster, its smallest, and rounded means."""
    image = np.moveaxis(data, 0, -1).astype(np.float64)
    centroids = drawn[:k].astype(np.float64)
    for _ in range(10):
        distances = [np.sqrt(((image - centroid) ** 2).sum(axis=2)) for centroid in centroids]
        labels = np.argmin(distances, axis=0)
        centroids = np.array([np.round(image[labels == number].mean(axis=0)) for number in range(k)])
    return labels.ravel()


METHODS = {one.__name__: one for one in (opencv, faiss, scipy, minibatch, article)}
classes = METHODS[library]().astype("uint8").reshape(data.shape[1:]) + 1
profile.update(count=1, dtype="uint8", predictor=1, photometric="MINISBLACK")
with rasterio.open(out / "classes.tif", "w", **profile) as dataset:
    dataset.write(classes, 1)
