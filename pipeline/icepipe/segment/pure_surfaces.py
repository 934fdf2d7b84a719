"""Find the pure water and the pure ice of a model: the ends between which mixed pixels lie.

Light mixes linearly, so a pixel of two surfaces lies on the straight line between their reflectances, at their shares:
Settle and Drake (1993), Int. J. Remote Sensing 14; for sea ice and melt ponds Rosel, Kaleschke and Birnbaum (2012),
The Cryosphere 6.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from icepipe.arrays import Bool, Float64
from icepipe.classes import ClassCode
from icepipe.segment.clustering.kmeans import DistinctValues, round_significant
from icepipe.segment.features import compute_features
from icepipe.segment.model import Model, PureSurfaces
from icepipe.segment.rules import RuleSet
from icepipe.segment.which_ice import rules_for
from icepipe.sensors.sensor import Sensor

OPEN_WATER = {"blue": 0.06, "green": 0.05, "red": 0.04, "nir": 0.02, "swir1": 0.01, "swir2": 0.01}
"""Reflectance of open water, where the sample has none. Brandt and others (2005), J. Climate 18: 0.07 over all
wavelengths; water absorbs more and more of the light from blue to the infrared (Pegau and Paulson 2001, Ann. Glaciol.
33)."""

SNOW = 0.87
"""Visible reflectance that pure ice may have: snow on sea ice of Brandt and others (2005), table 1."""

DARKEST_WATER = 0.3
"""Share of the pixels named water, the darkest, whose mean is pure water: the others may hold ice."""

BRIGHTEST_ICE = 0.998
"""Quantile of the brightness of pixels named ice that counts as the brightest. Beyond it are specks, and too few pixels
of the sample for a number that holds for every seed."""

NEAR_BRIGHTEST = 0.88
"""Brightness, relative to the brightest, from which pixels may be pure ice."""

MANY_PURE = 0.1
"""Share of the ice near the brightest from which on their mean is pure ice. A smaller share is the tail of mixtures,
whose end lies beyond the brightest pixel."""

BEYOND_TAIL = 1.1
"""Brightness of pure ice, relative to the brightest pixel, where that is a mixture itself."""

STEPS = 200
"""Steps along the line in which the shares of ice are looked for whose colour can be ice, and water."""


def pure_water(reflectance: Float64, weights: Float64, is_water: Bool, sensor: Sensor) -> Float64:
    """Return the reflectance of pure water, shape (bands,); that of open water where no colour is named water."""
    if not is_water.any():
        return np.array([OPEN_WATER[role] for role in sensor.roles])
    water, pixels = reflectance[is_water], weights[is_water]
    brightness = water.mean(axis=1)
    dark = brightness <= np.quantile(brightness, DARKEST_WATER, weights=pixels, method="inverted_cdf")
    return np.asarray(np.average(water[dark], axis=0, weights=pixels[dark]), dtype=np.float64)


def pure_ice(ice: Float64, pixels: Float64) -> tuple[Float64, float]:
    """Return the reflectance of pure ice, shape (bands,), and the brightness, relative to it, that no ice exceeds.

    Parameters
    ----------
    ice, pixels
        Reflectance of the colours named ice, shape (n, bands), and pixels of each, shape (n,).
    """
    brightness = ice.mean(axis=1)
    brightest = float(np.quantile(brightness, BRIGHTEST_ICE, weights=pixels, method="inverted_cdf"))
    near = brightness > NEAR_BRIGHTEST * brightest
    mean = np.average(ice[near], axis=0, weights=pixels[near])
    many = min(1.0, float(pixels[near].sum() / pixels.sum()) / MANY_PURE)
    end = many * mean.mean() + (1 - many) * BEYOND_TAIL * brightest
    return mean * end / mean.mean(), max(brightest, end) / end


def pure_surfaces(palette: DistinctValues, sensor: Sensor, rules: RuleSet) -> PureSurfaces | None:
    """Return the pure surfaces of a sample; None where it shows no ice, or no line from water to ice.

    Parameters
    ----------
    palette
        Colours of the sample.
    sensor, rules
        Conversion of stored values to reflectance, and the thresholds that name colours.
    """
    reflectance = np.clip(sensor.reflectance(palette.colours), 0.0, None)
    codes = rules.codes(compute_features(palette.colours, sensor))
    is_ice, is_water = codes == ClassCode.ICE, codes == ClassCode.WATER
    if not is_ice.any():
        return None
    water = pure_water(reflectance, palette.weights, is_water, sensor)
    ice, brightest = pure_ice(reflectance[is_ice], palette.weights[is_ice])
    line = ice - water
    if line.mean() <= 0:
        return None
    visible = sensor.roles.index("green" if "green" in sensor.roles else "red")
    shares = np.arange(1, STEPS + 1) / STEPS
    colours = sensor.stored(water + shares[:, None] * line)
    possible = rules.could_be(compute_features(colours, sensor))
    can_be_ice, can_be_water = (possible >> code & 1 == 1 for code in (ClassCode.ICE, ClassCode.WATER))
    return PureSurfaces(
        water=tuple(round_significant(water).tolist()),
        ice=tuple(round_significant(ice).tolist()),
        brightest=float(f"{max(brightest, (SNOW - water[visible]) / line[visible]):.6g}"),
        darkest=float(shares[can_be_ice].min()) if can_be_ice.any() else 1.0,
        surest=float(shares[can_be_water].max()) if can_be_water.any() else 0.0,
        has_water=bool(is_water.any()),
    )


def pure_surfaces_of(model: Model, sensor: Sensor) -> PureSurfaces | None:
    """Return the pure surfaces of a model: those of its sample, or of its clusters where the model holds none.

    Models of earlier versions hold none, and models without ice have none.
    """
    if model.pure or not model.clusters:
        return model.pure
    spectra = np.array([cluster.spectrum for cluster in model.clusters])
    shares = np.array([cluster.share for cluster in model.clusters])
    rules = replace(rules_for(model.rule_set, model.ice), thresholds=model.thresholds)
    return pure_surfaces(DistinctValues(spectra, spectra, shares), sensor, rules)
