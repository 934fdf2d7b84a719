"""Estimate accuracy and area from a stratified random sample with reference labels.

Every estimate is a ratio of two stratified means with its linearised variance (Stehman 2014, Int. J. Remote Sensing
35:4923-4939, eq. 28). If strata are the map's classes and all pixels have the same size, these are the estimators of
Olofsson and others (2013, Remote Sens. Environ. 129:122-131, eq. 9-16; 2014, Remote Sens. Environ. 148:42-57, eq.
4-11). Pixels of one stratum that differ in true area are weighted by it (separate ratio estimator, Cochran 1977,
Sampling Techniques, section 6.10).
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from icepipe.arrays import Bool, Float64
from icepipe.assess.stratified_sample import MIN_POINTS, StratifiedSample
from icepipe.errors import NoUsableInput

CONFIDENCE = 0.95

ZERO_SE = 1e-12
"""Standard errors of proportions up to this are rounding errors of zero."""


@dataclass(frozen=True)
class EstimateWithError:
    """An estimate with its standard error.

    Attributes
    ----------
    value
        The estimate.
    se
        Standard error; None if all points agree, so that the sample holds no information about it.
    maximum
        Upper limit of the quantity.
    """

    value: float
    se: float | None
    maximum: float = 1.0

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
        """Return the normal confidence interval, clipped to 0..maximum; None if the standard error is unknown."""
        if self.se is None:
            return None
        # The normal approximation reaches below zero for rare classes, and above the maximum for common ones.
        half = NormalDist().inv_cdf((1 + confidence) / 2) * self.se
        return max(0.0, self.value - half), min(self.maximum, self.value + half)

    def scale(self, factor: float) -> EstimateWithError:
        """Return the estimate in another unit."""
        se = None if self.se is None else self.se * factor
        return EstimateWithError(self.value * factor, se, self.maximum * factor)


@dataclass(frozen=True)
class ClassAccuracy:
    """Estimated area and accuracies of a class.

    Attributes
    ----------
    label
        Name of the class.
    share
        Fraction of the total area that belongs to the class according to the reference.
    area_km2
        The same as true area: the error-adjusted area.
    users
        User's accuracy: fraction of the area mapped as the class that belongs to it; None if no point is mapped as it.
    producers
        Producer's accuracy: fraction of the area of the class that is mapped as it; None if no point belongs to it.
    """

    label: str
    share: EstimateWithError
    area_km2: EstimateWithError
    users: EstimateWithError | None
    producers: EstimateWithError | None


@dataclass(frozen=True)
class UnanimousStratum:
    """A stratum whose points all have the same reference label, so that it adds nothing to any standard error.

    Attributes
    ----------
    label, n_points
        Name of the stratum, and its number of points.
    max_other_share
        Largest fraction of it that may belong to other classes, with 95 % confidence.
    """

    label: str
    n_points: int
    max_other_share: float


@dataclass(frozen=True)
class Assessment:
    """Accuracies and areas estimated from a labelled sample.

    Attributes
    ----------
    classes, by_class
        Names of the classes, and their estimates.
    matrix
        Error matrix as area proportions, with map classes in rows and reference classes in columns.
    overall
        Overall accuracy: fraction of the total area where map and reference agree.
    total_km2, n_points
        Area that the sample represents, and its number of points.
    unanimous
        Strata in which no point disagrees with another.
    """

    classes: tuple[str, ...]
    by_class: tuple[ClassAccuracy, ...]
    matrix: Float64
    overall: EstimateWithError
    total_km2: float
    n_points: int
    unanimous: tuple[UnanimousStratum, ...]


def stratified_standard_error(sample: StratifiedSample, residual: Float64) -> float:
    """Return the standard error of the stratified mean of a value of the points; shape (n_points,)."""
    # Weighting by pixel area makes each stratum mean a ratio estimate, whose residuals are scaled by area over mean
    # area.
    mean_area = np.bincount(sample.stratum, sample.pixel_area, len(sample.strata)) / sample.n_points
    deviation = (residual - sample.means(residual)[sample.stratum]) * sample.pixel_area / mean_area[sample.stratum]
    # A stratum of one pixel has one point and no error: the correction is 0 there, and the divisor must not be.
    variance = np.bincount(sample.stratum, deviation**2, len(sample.strata)) / np.maximum(sample.n_points - 1, 1)
    correction = sample.finite_population_correction
    return float(np.sqrt(np.sum(sample.shares**2 * correction * variance / sample.n_points)))


def ratio_estimate(sample: StratifiedSample, numerator: Bool, denominator: Bool) -> EstimateWithError | None:
    """Estimate the ratio of the areas of two sets of points; None if the denominator is empty.

    Parameters
    ----------
    sample
        The labelled points.
    numerator, denominator
        Masks of the points, shape (n_points,); the numerator is a subset of the denominator.
    """
    denominator_share = float(sample.weights[denominator].sum())
    if denominator_share == 0:
        return None
    ratio = float(sample.weights[numerator].sum()) / denominator_share
    # Taylor linearisation: the error of a ratio R = Y / X is the error of the mean of y - R x, divided by X.
    se = stratified_standard_error(sample, numerator - ratio * denominator) / denominator_share
    if se > ZERO_SE:
        return EstimateWithError(ratio, se)
    # No variance among the points means no error only if every pixel was drawn; otherwise the error is unknown.
    return EstimateWithError(ratio, 0.0 if not np.any(sample.finite_population_correction) else None)


def area_share(sample: StratifiedSample, points: Bool) -> EstimateWithError:
    """Estimate the fraction of the total area that a set of points represents; shape (n_points,)."""
    share = ratio_estimate(sample, points, np.ones_like(points))
    assert share is not None  # the weights of all points sum to 1
    return share


def class_accuracy(sample: StratifiedSample, index: int) -> ClassAccuracy:
    """Estimate area, user's and producer's accuracy of a class."""
    mapped, reference = sample.mapped == index, sample.reference == index
    share = area_share(sample, reference)
    return ClassAccuracy(
        label=sample.classes[index],
        share=share,
        area_km2=share.scale(sample.total_km2),
        users=ratio_estimate(sample, mapped & reference, mapped),
        producers=ratio_estimate(sample, mapped & reference, reference),
    )


def max_undetected_share(n_points: int) -> float:
    """Return the largest fraction that may be wrong if none of ``n_points`` is, with 95 % confidence.

    The exact binomial bound at zero hits (Clopper and Pearson 1934, Biometrika 26:404-413), about 3 / n.
    """
    return float(1 - (1 - CONFIDENCE) ** (1 / n_points))


def unanimous_strata(sample: StratifiedSample) -> tuple[UnanimousStratum, ...]:
    """Return the strata whose points all have the same reference label, unless every pixel was drawn."""
    strata = []
    for index, stratum in enumerate(sample.strata):
        # A fully drawn stratum has no undetected share, whatever its labels are.
        labels = sample.reference[sample.stratum == index]
        if sample.finite_population_correction[index] > 0 and np.all(labels == labels[0]):
            strata.append(UnanimousStratum(stratum.label, len(labels), max_undetected_share(len(labels))))
    return tuple(strata)


def assess(sample: StratifiedSample) -> Assessment:
    """Estimate error matrix, accuracies and areas from a labelled stratified random sample.

    Raises
    ------
    NoUsableInput
        If a stratum has fewer than two points.
    """
    for stratum, count in zip(sample.strata, sample.n_points.tolist(), strict=True):
        # A stratum of one pixel is complete with one point.
        if count < MIN_POINTS and count != stratum.n_pixels:
            raise NoUsableInput(
                f"stratum {stratum.label} has {count} point(s); a standard error needs at least {MIN_POINTS}",
                "draw a sample with more points",
            )
    return Assessment(
        classes=sample.classes,
        by_class=tuple(class_accuracy(sample, index) for index in range(len(sample.classes))),
        matrix=sample.error_matrix,
        overall=area_share(sample, sample.mapped == sample.reference),
        total_km2=sample.total_km2,
        n_points=len(sample.mapped),
        unanimous=unanimous_strata(sample),
    )
