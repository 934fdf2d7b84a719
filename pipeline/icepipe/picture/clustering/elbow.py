"""How many colours a picture has: the knee of the inertia of 1 to 12 clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from icepipe.picture.clustering.colours import COARSE, Colours
from icepipe.picture.clustering.kmeans import lloyd
from icepipe.picture.options import ITERATIONS
from icepipe.segment.clustering.select_k import inertia_knee

MOST = 12


@dataclass(frozen=True)
class Elbow:
    """Where the curve bends.

    Attributes
    ----------
    k
        The number chosen.
    mean_squared
        Mean squared distance of a pixel to its centroid with 1, 2, ... clusters.
    """

    k: int
    mean_squared: tuple[float, ...]

    @property
    def reason(self) -> str:
        """Why, in a sentence."""
        first, here = self.mean_squared[0], self.mean_squared[self.k - 1]
        if first == 0:
            return "all pixels have one colour"
        gone = f"{self.k} colours leave {here / first:.2%} of the squared error of one"
        if here == 0 or self.k == len(self.mean_squared):
            return gone
        before, after = 1 - here / self.mean_squared[self.k - 2], 1 - self.mean_squared[self.k] / here
        return f"{gone}; the last of them took away {before:.0%} of what was left, one more would take {after:.0%}"


def find_elbow(colours: Colours, seed: int) -> Elbow:
    """Fit 1 to 12 clusters by full iterations on means of close colours, and find the knee.

    With as many clusters as colours there is no error left, and none with more.
    """
    few, iterations = colours.gathered(COARSE, MOST), ITERATIONS["lloyd"]
    curve = [lloyd(few, k, seed, iterations).inertia if k < colours.count else 0.0 for k in range(1, MOST + 1)]
    mean_squared = np.array(curve) / colours.total
    if mean_squared[0] == 0:
        return Elbow(1, tuple(mean_squared.tolist()))
    position = inertia_knee(np.arange(1.0, MOST + 1), mean_squared)
    return Elbow(position + 1, tuple(mean_squared.tolist()))
