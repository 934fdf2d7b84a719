"""Classes and polygons by the package raster2poly: `IN OUT K`."""

import sys
from pathlib import Path

from raster2poly import RasterClassifier

source, out, k = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
classifier = RasterClassifier(source)
classifier.save(classifier.unsupervised(n_clusters=k, algorithm="mini_batch_kmeans"), str(out / "polygons.gpkg"))
