"""What people say of the points of one observation, as accuracy and area of its map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from icepipe.assess.design import Design
from icepipe.assess.estimators import Assessment, assess
from icepipe.assess.reference_points import LabelledPoint
from icepipe.assess.stratified_sample import StratifiedSample, Stratum
from icepipe.classes import BUDGET, SEEN, ClassCode
from icepipe.errors import InputError, NoUsableInput
from icepipe.publish.run_folder.class_map import ClassMap


@dataclass(frozen=True)
class AssessedObservation:
    """What a labelled sample says of a map.

    Attributes
    ----------
    mapped, design
        The map, and how the points were drawn.
    assessment
        The figures.
    agreement
        Part of each stratum that the map calls what it is.
    mapped_km2
        Area of each class on the map; None for what is not part of it.
    """

    mapped: ClassMap
    design: Design
    assessment: Assessment
    agreement: tuple[float, ...]
    mapped_km2: tuple[float | None, ...]

    @property
    def same_map(self) -> bool:
        """Whether the points were drawn from this map, so that its classes are the strata."""
        return self.design.raster == self.mapped.fingerprint

    @property
    def seen_km2(self) -> float:
        """What the map sees of the surface now."""
        return sum(self.mapped.area_km2(code) for code in SEEN)


def _sample(design: Design, mapped: Sequence[str], points: Sequence[LabelledPoint]) -> StratifiedSample:
    reference = {point.id: point.reference for point in points}
    labels = [stratum.label for stratum in design.strata]
    real = [reference[point.id] for point in design.points]
    classes = tuple(code.label for code in (*BUDGET, ClassCode.OUTSIDE) if code.label in {*labels, *mapped, *real})
    return StratifiedSample(
        strata=tuple(Stratum(s.label, s.area_km2, s.n_pixels) for s in design.strata),
        classes=classes,
        stratum=np.array([labels.index(point.stratum) for point in design.points]),
        mapped=np.array([classes.index(label) for label in mapped]),
        reference=np.array([classes.index(label) for label in real]),
        pixel_area=np.array([point.pixel_m2 for point in design.points]),
    )


def estimate(mapped: ClassMap, path: Path, design: Design, points: Sequence[LabelledPoint]) -> AssessedObservation:
    """Accuracy and error-adjusted areas of a map.

    Where the map is not the one that the points were drawn from (another model, other settings), the strata stay what
    they were and the map's classes are looked up at the points.

    Parameters
    ----------
    mapped
        The map.
    path
        File of the points, for messages.
    design, points
        Checked against each other.

    Raises
    ------
    InputError
        If a stratum has too few points.
    ConfigError
        If the map is of another place.
    """
    if design.raster == mapped.fingerprint:
        called = [point.stratum for point in design.points]
    else:
        x, y = np.array([(point.x, point.y) for point in design.points]).T
        called = [code.label for code in mapped.at(x, y, design.crs)]
    sample = _sample(design, called, points)
    try:
        assessment = assess(sample)
    except NoUsableInput as fault:
        raise InputError(path, fault.message, fault.todo) from fault
    seen = {code.label: mapped.area_km2(code) for code in SEEN}
    areas = tuple(seen.get(label) for label in sample.classes)
    return AssessedObservation(mapped, design, assessment, tuple(sample.agreement.tolist()), areas)
