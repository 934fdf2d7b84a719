"""Estimate accuracy and areas of an observation's class map from labelled points."""

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
    """A class map with its accuracy assessment.

    Attributes
    ----------
    class_map, design
        The map, and the design of the sample.
    assessment
        Estimated accuracies and areas.
    agreement
        Fraction of each stratum where map and reference agree.
    mapped_km2
        Area of each class on the map; None for classes that the map does not observe, such as cloud.
    """

    class_map: ClassMap
    design: Design
    assessment: Assessment
    agreement: tuple[float, ...]
    mapped_km2: tuple[float | None, ...]

    @property
    def same_map(self) -> bool:
        """Whether the points were drawn from this map, so that its classes are the strata."""
        return self.design.raster == self.class_map.fingerprint

    @property
    def seen_km2(self) -> float:
        """Area that this map observes: water, ice and other."""
        return sum(self.class_map.area_km2(code) for code in SEEN)


def labelled_sample(design: Design, mapped: Sequence[str], points: Sequence[LabelledPoint]) -> StratifiedSample:
    """Join the drawn points with their labels.

    Parameters
    ----------
    design
        Strata and drawn points.
    mapped
        Class of each point of the design on the assessed map.
    points
        Labelled points, in any order.
    """
    # An export from a GIS may reorder the points: labels are joined by id.
    label_by_id = {point.id: point.reference for point in points}
    strata = [stratum.label for stratum in design.strata]
    reference = [label_by_id[point.id] for point in design.points]
    # Classes keep the order of the budget; a point may lie outside of another map.
    occurring = {*strata, *mapped, *reference}
    classes = tuple(code.label for code in (*BUDGET, ClassCode.OUTSIDE) if code.label in occurring)
    return StratifiedSample(
        strata=tuple(Stratum(s.label, s.area_km2, s.n_pixels) for s in design.strata),
        classes=classes,
        stratum=np.array([strata.index(point.stratum) for point in design.points]),
        mapped=np.array([classes.index(label) for label in mapped]),
        reference=np.array([classes.index(label) for label in reference]),
        pixel_area=np.array([point.pixel_m2 for point in design.points]),
    )


def assess_observation(
    class_map: ClassMap, path: Path, design: Design, points: Sequence[LabelledPoint]
) -> AssessedObservation:
    """Estimate accuracy and error-adjusted areas of a class map.

    If the points were drawn from another map (another model, other settings), the strata remain the classes of that
    map, and the classes of this map are looked up at the points.

    Parameters
    ----------
    class_map
        The map.
    path
        File of the points, for messages.
    design, points
        Design and labelled points, already checked against each other.

    Raises
    ------
    InputError
        If a stratum has too few points.
    ConfigError
        If the map has another extent or coordinate system.
    """
    # The fingerprint is that of the raster: the same settings run again give the same map.
    if design.raster == class_map.fingerprint:
        mapped = [point.stratum for point in design.points]
    else:
        x, y = np.array([(point.x, point.y) for point in design.points]).T
        mapped = [code.label for code in class_map.classes_at(x, y, design.crs)]
    sample = labelled_sample(design, mapped, points)
    try:
        assessment = assess(sample)
    except NoUsableInput as error:
        raise InputError(path, error.message, error.todo) from error
    # Clouds and land have no class on a map without masks: only labels can give them an area.
    mapped_km2 = {code.label: class_map.area_km2(code) for code in SEEN}
    return AssessedObservation(
        class_map,
        design,
        assessment,
        agreement=tuple(sample.agreement.tolist()),
        mapped_km2=tuple(mapped_km2.get(label) for label in sample.classes),
    )
