"""Accuracy and area from a stratified random sample with reference labels.

Every figure is a ratio of two stratified means with its linearised variance (Stehman 2014, Int. J. Remote Sensing
35:4923-4939, eq. 28). Where strata are the map's classes and all pixels are of one size, these are the estimators of
Olofsson and others (2013, Remote Sens. Environ. 129:122-131, eq. 9-16; 2014, Remote Sens. Environ. 148:42-57, eq.
4-11). Pixels of one stratum that differ in true area are weighted by it (separate ratio estimator, Cochran 1977,
Sampling Techniques, section 6.10).
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from icepipe.arrays import Bool, Float64
from icepipe.assess.stratified_sample import LEAST_POINTS, StratifiedSample
from icepipe.errors import NoUsableInput

CONFIDENCE = 0.95
ROUNDING = 1e-12
"""Standard errors of shares under this are rounding, and not spread."""


@dataclass(frozen=True)
class EstimateWithError:
    """A figure with its standard error.

    Attributes
    ----------
    value
        The figure.
    se
        Its standard error; None where no two points differ, so that the sample says nothing of it.
    most
        What the figure cannot pass.
    """

    value: float
    se: float | None
    most: float = 1.0

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
        """Normal confidence interval, cut to what is possible; None where the standard error is not known."""
        if self.se is None:
            return None
        half = NormalDist().inv_cdf((1 + confidence) / 2) * self.se
        return max(0.0, self.value - half), min(self.most, self.value + half)

    def times(self, factor: float) -> EstimateWithError:
        """The same figure in another unit."""
        return EstimateWithError(self.value * factor, None if self.se is None else self.se * factor, self.most * factor)


@dataclass(frozen=True)
class ClassAccuracy:
    """One class.

    Attributes
    ----------
    label
        Its name.
    share
        Part of the whole area that is of the class by its reference.
    area_km2
        The same as true area: the error-adjusted area.
    users
        Part of what the map calls so that is so; None where the map calls no point so.
    producers
        Part of what is so that the map calls so; None where no point is so.
    """

    label: str
    share: EstimateWithError
    area_km2: EstimateWithError
    users: EstimateWithError | None
    producers: EstimateWithError | None


@dataclass(frozen=True)
class Unanimous:
    """A stratum whose points all have one label, so that it adds nothing to any standard error.

    Attributes
    ----------
    label, n_points
        Which one, and its points.
    hidden_share
        Largest part of it that may be of another class, with 95 % confidence.
    """

    label: str
    n_points: int
    hidden_share: float


@dataclass(frozen=True)
class Assessment:
    """What a labelled sample says.

    Attributes
    ----------
    classes, by_class
        Names and figures of the classes.
    matrix
        Error matrix in parts of the whole area; rows are the map's classes, columns the reference's.
    overall
        Part of the whole area that the map calls what it is.
    total_km2, n_points
        Area the sample stands for, and its points.
    unanimous
        Strata whose errors, if there are any, no point hit.
    """

    classes: tuple[str, ...]
    by_class: tuple[ClassAccuracy, ...]
    matrix: Float64
    overall: EstimateWithError
    total_km2: float
    n_points: int
    unanimous: tuple[Unanimous, ...]


def _spread(sample: StratifiedSample, residual: Float64) -> float:
    """Standard error of a stratified mean of residuals."""
    mean_area = np.bincount(sample.stratum, sample.pixel_area, len(sample.strata)) / sample.n_points
    off = (residual - sample.means(residual)[sample.stratum]) * sample.pixel_area / mean_area[sample.stratum]
    variance = np.bincount(sample.stratum, off**2, len(sample.strata)) / np.maximum(sample.n_points - 1, 1)
    return float(np.sqrt(np.sum(sample.shares**2 * sample.not_drawn * variance / sample.n_points)))


def _ratio(sample: StratifiedSample, part: Bool, whole: Bool) -> EstimateWithError | None:
    """Area of ``part`` over area of ``whole``, which holds it; None where no point lies in the whole."""
    of_whole = float(sample.weights[whole].sum())
    if of_whole == 0:
        return None
    ratio = float(sample.weights[part].sum()) / of_whole
    se = _spread(sample, part - ratio * whole) / of_whole
    if se > ROUNDING:
        return EstimateWithError(ratio, se)
    return EstimateWithError(ratio, 0.0 if not np.any(sample.not_drawn) else None)


def _class_accuracy(sample: StratifiedSample, number: int) -> ClassAccuracy:
    mapped, real = sample.mapped == number, sample.reference == number
    share = _ratio(sample, real, np.ones_like(real))
    assert share is not None
    return ClassAccuracy(
        label=sample.classes[number],
        share=share,
        area_km2=share.times(sample.total_km2),
        users=_ratio(sample, mapped & real, mapped),
        producers=_ratio(sample, mapped & real, real),
    )


def hidden_share(n_points: int) -> float:
    """Largest part that may be wrong where none of some points is, with 95 % confidence.

    The exact binomial bound at no hit (Clopper and Pearson 1934, Biometrika 26:404-413), about 3 / n.
    """
    return float(1 - (1 - CONFIDENCE) ** (1 / n_points))


def _unanimous(sample: StratifiedSample) -> tuple[Unanimous, ...]:
    found = []
    for number, stratum in enumerate(sample.strata):
        labels = sample.reference[sample.stratum == number]
        if sample.not_drawn[number] > 0 and np.all(labels == labels[0]):
            found.append(Unanimous(stratum.label, len(labels), hidden_share(len(labels))))
    return tuple(found)


def _refuse_thin_strata(sample: StratifiedSample) -> None:
    for stratum, count in zip(sample.strata, sample.n_points.tolist(), strict=True):
        if count < LEAST_POINTS and count != stratum.n_pixels:
            raise NoUsableInput(
                f"stratum {stratum.label} has {count} point(s), and {LEAST_POINTS} are the least that tell a spread",
                "draw a sample with more points",
            )


def _matrix(sample: StratifiedSample) -> Float64:
    size = len(sample.classes)
    cells = np.bincount(sample.mapped * size + sample.reference, sample.weights, size**2)
    return np.asarray(cells.reshape(size, size), dtype=np.float64)


def assess(sample: StratifiedSample) -> Assessment:
    """Error matrix, accuracies and areas of a labelled stratified random sample.

    Raises
    ------
    NoUsableInput
        If a stratum has too few points.
    """
    _refuse_thin_strata(sample)
    overall = _ratio(sample, sample.mapped == sample.reference, np.ones(len(sample.mapped), dtype=bool))
    assert overall is not None
    return Assessment(
        classes=sample.classes,
        by_class=tuple(_class_accuracy(sample, number) for number in range(len(sample.classes))),
        matrix=_matrix(sample),
        overall=overall,
        total_km2=sample.total_km2,
        n_points=len(sample.mapped),
        unanimous=_unanimous(sample),
    )
