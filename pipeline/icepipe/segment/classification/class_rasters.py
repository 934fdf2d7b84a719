"""Give class rasters strata, so that they are measured as clustered scenes are."""

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
    """Strata of class rasters: a class code times ``STEP``, plus 1 and the concentration where there is one.

    Parameters
    ----------
    weighted
        Whether the rasters hold concentrations.
    """

    # Nothing is fitted, and no colour can disagree with its class.
    models: tuple[Model, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    misnamed: tuple[int, ...] = ()
    strays: tuple[int, ...] = ()
    outlying: tuple[int, ...] = ()

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
        for stratum, _, after in sieved_strata():
            table[stratum] = after
        return table

    @property
    def from_concentration(self) -> bool:
        """Whether strata of ice hold concentrations of the input."""
        return self._weighted

    @property
    def seen(self) -> list[int]:
        """Strata of all pixels whose surface was seen."""
        return np.flatnonzero(np.isin(self.codes, SEEN)).tolist()

    def cluster_strata(self, cluster: int) -> list[int]:
        """Raise: class rasters have no clusters.

        Raises
        ------
        IndexError
            Always.
        """
        raise IndexError(cluster)

    def class_strata(self, code: ClassCode) -> list[int]:
        """Return the strata of a class."""
        return np.flatnonzero(self.codes == code).tolist()

    def certain(self, code: ClassCode) -> list[int]:
        """Return the strata that have a class in the files themselves."""
        sieved = {stratum for stratum, _, _ in sieved_strata()}
        return [stratum for stratum in self.class_strata(code) if stratum not in sieved]

    def possible(self, code: ClassCode) -> list[int]:
        """Return the strata that have a class before or after the sieve."""
        before = (stratum for stratum, before, _ in sieved_strata() if before == code)
        return sorted({*self.class_strata(code), *before})

    def concentration(self, code: ClassCode) -> dict[int, float] | None:
        """Return the concentration, 0..1, of each stratum of ice that has one; None where the files have none."""
        if not self._weighted or code is not ClassCode.ICE:
            return None
        # The first number of a class is its code without a concentration.
        start = ClassCode.ICE * STEP + 1
        return {start + parts: parts / FULL_COVER for parts in range(FULL_COVER + 1)}


class ClassRasterClassifier:
    """Classifier of class rasters, whose pixels hold strata as they are read.

    Parameters
    ----------
    weighted
        Whether the rasters hold concentrations.
    """

    has_shared_model = True

    def __init__(self, weighted: bool) -> None:
        self.table = ClassRasterStrata(weighted)

    def classify_layer(self, layer: Layer) -> Layer:
        """Return a scene's layer as it is: its band holds strata already."""
        return layer

    def classify(self, pixels: Pixels) -> UInt16:
        """Return the strata of the composite of a block; shape (rows, columns)."""
        return self.apply_masks(pixels.bands[0].astype(np.uint16), pixels)

    def apply_masks(self, strata: UInt16, pixels: Pixels) -> UInt16:
        """Return the strata with those of masks where pixels are hidden."""
        return np.where(pixels.valid, strata, MASK_STRATA[pixels.hidden])
