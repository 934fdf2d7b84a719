"""Choose the number of colours: the elbow of the inertia of 1 to 12 clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from icepipe.picture.clustering.colours import COARSE_BINS, Colours
from icepipe.picture.clustering.kmeans import lloyd
from icepipe.picture.options import ITERATIONS
from icepipe.segment.clustering.select_k import inertia_knee

MAX_CLUSTERS = 12


@dataclass(frozen=True)
class Elbow:
    """The curve of the squared error, and its elbow.

    Attributes
    ----------
    k
        Number of clusters at the elbow.
    mean_squared
        Mean squared distance of a pixel to its centroid with 1, 2, ... clusters.
    """

    k: int
    mean_squared: tuple[float, ...]

    @property
    def reason(self) -> str:
        """Remaining error at the elbow, and the gains of the last cluster and of another one, in a sentence."""
        total, error = self.mean_squared[0], self.mean_squared[self.k - 1]
        if total == 0:
            return "all pixels have one colour"
        remaining = f"{self.k} colours leave {error / total:.2%} of the squared error of one"
        # Without an error, or at the end of the curve, there is no gain to compare with.
        if error == 0 or self.k == len(self.mean_squared):
            return remaining
        last, further = 1 - error / self.mean_squared[self.k - 2], 1 - self.mean_squared[self.k] / error
        return f"{remaining}; the last of them took away {last:.0%} of what was left, one more would take {further:.0%}"


def find_elbow(colours: Colours, seed: int) -> Elbow:
    """Fit 1 to 12 clusters by full iterations on binned colours, and find the elbow of the mean squared error."""
    binned, iterations = colours.binned(COARSE_BINS, MAX_CLUSTERS), ITERATIONS["lloyd"]
    # With as many clusters as colours the error is 0; more clusters than colours cannot be fitted.
    curve = [
        lloyd(binned, k, seed, iterations).inertia if k < colours.count else 0.0 for k in range(1, MAX_CLUSTERS + 1)
    ]
    mean_squared = np.array(curve) / colours.total
    if mean_squared[0] == 0:
        return Elbow(1, tuple(mean_squared.tolist()))
    position = inertia_knee(np.arange(1.0, MAX_CLUSTERS + 1), mean_squared)
    return Elbow(position + 1, tuple(mean_squared.tolist()))
