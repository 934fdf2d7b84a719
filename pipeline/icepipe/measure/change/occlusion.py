"""What clouds and gaps hide of each class, by where it was last seen: more of one than of another biases estimates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from icepipe.arrays import UInt8
from icepipe.classes import SEEN, ClassCode
from icepipe.measure.change.transitions import ChangeTable, code_mask

LOOK_BACK = 5
"""Earlier observations that are asked where a pixel was last seen."""

MAX_DIFFERENCE = 0.2
"""Hidden shares of ice and of water that differ by more make the area scaled by what was seen a biased one."""

MIN_SHARE = 0.01
"""Part of the region that each class must have been seen on, so that a few pixels do not speak for a class."""

HIDING = (ClassCode.CLOUD, ClassCode.UNOBSERVED)


@dataclass(frozen=True)
class Occlusion:
    """How much of what was last seen as ice and as water an observation does not see.

    Attributes
    ----------
    ice_km2, water_km2
        Last seen as each, in earlier observations.
    ice_hidden_km2, water_hidden_km2
        Cloud or nothing there now.
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
        """Hidden part of ice and of water, 0..1; None where too little of one was seen before."""
        if min(self.ice_km2, self.water_km2) <= MIN_SHARE * self.region_km2:
            return None
        return self.ice_hidden_km2 / self.ice_km2, self.water_hidden_km2 / self.water_km2

    @property
    def is_biased(self) -> bool:
        """Whether the hidden shares differ by more than ``MAX_DIFFERENCE``."""
        return self.hidden_shares is not None and abs(self.hidden_shares[0] - self.hidden_shares[1]) > MAX_DIFFERENCE


def last_seen(now: UInt8, earlier: Iterable[UInt8]) -> UInt8:
    """Class that each pixel had when its surface was last seen; ``UNOBSERVED`` where it was not, and at land.

    Parameters
    ----------
    now
        Classes of the observation that is asked about.
    earlier
        Classes of earlier ones, the latest first; taken only while a pixel is still to be found.
    """
    from icepipe.measure.change._kernels import start_last_seen, update_last_seen

    is_open, found = np.empty(now.shape, dtype=bool), np.empty_like(now)
    start_last_seen(now.reshape(-1), code_mask((*SEEN, *HIDING)), is_open.reshape(-1), found.reshape(-1))
    for classes in earlier:
        if not update_last_seen(classes.reshape(-1), code_mask(SEEN), is_open.reshape(-1), found.reshape(-1)):
            break
    return found


def find_occlusion(change: ChangeTable) -> Occlusion:
    """What is hidden, from the transitions of what was last seen to what is seen now."""
    there = (*SEEN, *HIDING)
    ice, water = [ClassCode.ICE], [ClassCode.WATER]
    return Occlusion(
        ice_km2=change.km2(ice, there),
        ice_hidden_km2=change.km2(ice, HIDING),
        water_km2=change.km2(water, there),
        water_hidden_km2=change.km2(water, HIDING),
        region_km2=change.region_km2,
    )
