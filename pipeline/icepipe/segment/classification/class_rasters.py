"""Class rasters go the way of clusters: their strata are classes and concentrations, and nothing is fitted."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from icepipe.arrays import UInt8, UInt16
from icepipe.classes import BUDGET, SEEN, ClassCode
from icepipe.inputs.reading.class_values import FULL_COVER, STEP
from icepipe.inputs.reading.pixels import Layer, Pixels
from icepipe.segment.classification.strata import MASK_STRATA, N_STRATA, mask_stratum, sieved_strata
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
            table[mask_stratum(code)] = code
        for moved, _, after in sieved_strata():
            table[moved] = after
        return table

    @property
    def seen(self) -> list[int]:
        """Strata of all pixels that show a class of the surface."""
        return np.flatnonzero(np.isin(self.codes, SEEN)).tolist()

    def cluster_strata(self, cluster: int) -> list[int]:
        """All strata of a cluster; there is none."""
        raise IndexError(cluster)

    def class_strata(self, code: ClassCode) -> list[int]:
        """Strata of a class."""
        return np.flatnonzero(self.codes == code).tolist()

    def certain(self, code: ClassCode) -> list[int]:
        """Strata that are a class as the files say it."""
        moved = {number for number, _, _ in sieved_strata()}
        return [number for number in self.class_strata(code) if number not in moved]

    def possible(self, code: ClassCode) -> list[int]:
        """Strata that are a class, before or after small patches were moved."""
        return sorted({*self.class_strata(code), *(number for number, before, _ in sieved_strata() if before == code)})

    def concentration(self, code: ClassCode) -> dict[int, float] | None:
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

    has_shared_model = True

    def __init__(self, weighted: bool) -> None:
        self.table = ClassRasterStrata(weighted)

    def classify_layer(self, layer: Layer) -> Layer:
        """A scene's layer with strata in the place of its bands: it has them already."""
        return layer

    def classify(self, pixels: Pixels) -> UInt16:
        """Strata of what scenes show; shape (rows, columns)."""
        return self.apply_masks(pixels.bands[0].astype(np.uint16), pixels)

    def apply_masks(self, strata: UInt16, pixels: Pixels) -> UInt16:
        """Put what hides pixels in the place of their own strata."""
        return np.where(pixels.valid, strata, MASK_STRATA[pixels.hidden])
