"""Scale bars of maps."""

from __future__ import annotations

import math

import numpy as np

from icepipe.inputs.earth import Earth
from icepipe.records import GeoBox


def scale_bar(grid: GeoBox) -> tuple[float, str]:
    """Length of a round scale bar as a part of the picture's width, and its label.

    Measured along the middle row on the ellipsoid.
    """
    row = grid.height / 2
    (x1, y1), (x2, y2) = (grid.transform @ (col, row) for col in (grid.width * 0.45, grid.width * 0.55))
    width_m = 10 * float(Earth.of(grid.crs).distances_m(np.array([x1, x2]), np.array([y1, y2]))[0])
    power = 10.0 ** math.floor(math.log10(width_m / 4))
    length_m = max(step * power for step in (1, 2, 5) if step * power <= width_m / 4)
    label = f"{length_m / 1000:g} km" if length_m >= 1000 else f"{length_m:g} m"
    return length_m / width_m, label
