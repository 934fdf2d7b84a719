"""Class rasters go the way of clusters: their strata are classes and concentrations, and nothing is fitted."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from icepipe.arrays import UInt8, UInt16
from icepipe.classes import BUDGET, SEEN, ClassCode
from icepipe.inputs.reading.class_values import FULL_COVER, STEP
from icepipe.inputs.reading.pixels import Layer, Pixels
from icepipe.segment.classification.strata import HIDDEN, N_STRATA, moved_strata, stratum_of
from icepipe.segment.model import Cluster, Model


class ClassRasterStrata:
    """Strata of class rasters: a class code times ``STEP``, plus 1 and the concentration where there is one."""

    models: tuple[Model, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    misnamed: tuple[int, ...] = ()
    strays: tuple[int, ...] = ()

    def __init__(self, weighted: bool) -> None:
        self._weighted = weighted

    @cached_property
    def codes(self) -> UInt8:
        """Class code of each stratum; shape (65536,)."""
        table = np.full(N_STRATA, ClassCode.OUTSIDE, dtype=np.uint8)
        for code in SEEN:
            table[code * STEP : (code + 1) * STEP] = code
        for code in set(BUDGET) - set(SEEN):
            table[stratum_of(code)] = code
        for moved, _, after in moved_strata():
            table[moved] = after
        return table

    @property
    def seen(self) -> list[int]:
        """Strata of all pixels that show a class of the surface."""
        return np.flatnonzero(np.isin(self.codes, SEEN)).tolist()

    def own(self, cluster: int) -> list[int]:
        """All strata of a cluster; there is none."""
        raise IndexError(cluster)

    def of(self, code: ClassCode) -> list[int]:
        """Strata of a class."""
        return np.flatnonzero(self.codes == code).tolist()

    def surely(self, code: ClassCode) -> list[int]:
        """Strata that are a class as the files say it."""
        moved = {number for number, _, _ in moved_strata()}
        return [number for number in self.of(code) if number not in moved]

    def possibly(self, code: ClassCode) -> list[int]:
        """Strata that are a class, before or after small patches were moved."""
        return sorted({*self.of(code), *(number for number, before, _ in moved_strata() if before == code)})

    def cover(self, code: ClassCode) -> dict[int, float] | None:
        """Concentration of each stratum of ice, less those without one; None where the files hold none."""
        if not self._weighted or code is not ClassCode.ICE:
            return None
        start = ClassCode.ICE * STEP + 1
        return {start + parts: parts / FULL_COVER for parts in range(FULL_COVER + 1)}


class ClassRasterClassifier:
    """Gives the strata of class rasters.

    Parameters
    ----------
    weighted
        Whether they hold concentrations.
    """

    shared = True

    def __init__(self, weighted: bool) -> None:
        self.table = ClassRasterStrata(weighted)

    def layer(self, layer: Layer) -> Layer:
        """A scene's layer with strata in the place of its bands: it has them already."""
        return layer

    def pixels(self, pixels: Pixels) -> UInt16:
        """Strata of what scenes show; shape (rows, columns)."""
        return self.hide(pixels.bands[0].astype(np.uint16), pixels)

    def hide(self, strata: UInt16, pixels: Pixels) -> UInt16:
        """Put what hides pixels in the place of their own strata."""
        return np.where(pixels.valid, strata, HIDDEN[pixels.hidden])
