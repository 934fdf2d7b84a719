"""Occlusion: how much of each class clouds and gaps hide, by the class that was last seen there.

Where more of one class is hidden than of another, an area scaled by the fraction that was seen is biased.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from icepipe.arrays import UInt8
from icepipe.classes import SEEN, ClassCode
from icepipe.measure.change.transitions import ChangeTable, code_mask

LOOK_BACK = 5
"""Number of earlier observations that are searched for the class a pixel was last seen with."""

MAX_DIFFERENCE = 0.2
"""Largest difference between the hidden shares of ice and water at which the scaled area is not biased."""

MIN_SHARE = 0.01
"""Part of the region that each class must exceed, so that a few pixels do not decide its hidden share."""

HIDING = (ClassCode.CLOUD, ClassCode.UNOBSERVED)
"""Codes of pixels whose surface may be seen on another day."""


@dataclass(frozen=True)
class Occlusion:
    """Areas last seen as ice and as water, and how much of them an observation does not see.

    Attributes
    ----------
    ice_km2, water_km2
        Area last seen as each class, in earlier observations.
    ice_hidden_km2, water_hidden_km2
        Part of it that is cloud or unobserved now.
    region_km2
        Area of the region.
    """

    ice_km2: float
    ice_hidden_km2: float
    water_km2: float
    water_hidden_km2: float
    region_km2: float

    @property
    def hidden_shares(self) -> tuple[float, float] | None:
        """Hidden part of ice and of water, 0..1; None where too little of either was seen before."""
        if min(self.ice_km2, self.water_km2) <= MIN_SHARE * self.region_km2:
            return None
        return self.ice_hidden_km2 / self.ice_km2, self.water_hidden_km2 / self.water_km2

    @property
    def is_biased(self) -> bool:
        """Whether the hidden shares differ by more than ``MAX_DIFFERENCE``."""
        return self.hidden_shares is not None and abs(self.hidden_shares[0] - self.hidden_shares[1]) > MAX_DIFFERENCE


def last_seen(now: UInt8, earlier: Iterable[UInt8]) -> UInt8:
    """Return the class that each pixel was last seen with; ``UNOBSERVED`` where it never was, and on land.

    Parameters
    ----------
    now
        Class raster of the observation.
    earlier
        Class rasters of earlier observations, the latest first; read only until every pixel is found.
    """
    from icepipe.measure.change._kernels import start_last_seen, update_last_seen

    is_open, last = np.empty(now.shape, dtype=bool), np.empty_like(now)
    start_last_seen(now.reshape(-1), code_mask((*SEEN, *HIDING)), is_open.reshape(-1), last.reshape(-1))
    for classes in earlier:
        # Reading a raster costs more than comparing it, so the search stops when every pixel has been found.
        if not update_last_seen(classes.reshape(-1), code_mask(SEEN), is_open.reshape(-1), last.reshape(-1)):
            break
    return last


def find_occlusion(change: ChangeTable) -> Occlusion:
    """Compute the occlusion from the transitions between last seen classes and the classes seen now."""
    # Pixels that are land now are left out: land is permanent and, unlike cloud, hides no ice or water.
    not_land = (*SEEN, *HIDING)
    ice, water = [ClassCode.ICE], [ClassCode.WATER]
    return Occlusion(
        ice_km2=change.km2(ice, not_land),
        ice_hidden_km2=change.km2(ice, HIDING),
        water_km2=change.km2(water, not_land),
        water_hidden_km2=change.km2(water, HIDING),
        region_km2=change.region_km2,
    )
