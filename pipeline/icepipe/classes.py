"""The classes a pixel can be of: the one table that codes, names and colours come from."""

from __future__ import annotations

from enum import IntEnum


class ClassCode(IntEnum):
    """What a pixel is; the number that stands in every raster and table."""

    UNOBSERVED = 0
    WATER = 1
    ICE = 2
    OTHER = 3
    CLOUD = 4
    LAND = 5
    OUTSIDE = 255

    @property
    def label(self) -> str:
        """Name in tables and file names."""
        return self.name.lower()


CLASS_COLOURS: dict[ClassCode, tuple[int, int, int]] = {
    ClassCode.UNOBSERVED: (136, 136, 136),
    ClassCode.WATER: (0, 68, 136),
    ClassCode.ICE: (187, 238, 255),
    ClassCode.OTHER: (221, 170, 51),
    ClassCode.CLOUD: (238, 238, 238),
    ClassCode.LAND: (102, 85, 34),
    ClassCode.OUTSIDE: (0, 0, 0),
}
"""Red, green, blue of every class, told apart by people with any colour vision (lightness differs)."""

SEEN = (ClassCode.WATER, ClassCode.ICE, ClassCode.OTHER)
"""Classes that come from clusters: what was really seen of the surface."""

BUDGET = (*SEEN, ClassCode.CLOUD, ClassCode.LAND, ClassCode.UNOBSERVED)
"""Classes whose areas add up to the region."""
