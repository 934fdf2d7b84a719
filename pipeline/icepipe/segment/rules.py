"""Name spectra by absolute thresholds, each with a published range and a source.

The middle value of a threshold decides the class; the low and high values give the bounds of areas.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from icepipe.arrays import Bool, UInt8, UInt16
from icepipe.classes import ClassCode
from icepipe.config.segment import Ice, NewThreshold
from icepipe.errors import ConfigError
from icepipe.segment.features import Features, feature_range
from icepipe.segment.model import Threshold


@dataclass(frozen=True)
class RuleSet:
    """Thresholds, and the decision that combines their conditions.

    Attributes
    ----------
    thresholds
        In the order in which ``decide`` takes their conditions.
    decide
        Function from conditions, one boolean array per threshold, to class codes.
    ice
        Which ice is in the class: any, or white ice only.
    """

    thresholds: tuple[Threshold, ...]
    decide: Callable[[Sequence[Bool]], UInt8]
    ice: Ice = "any"

    def conditions(self, features: Features, level: int) -> list[Bool]:
        """Return whether each threshold is met, with all thresholds at level 0 (low), 1 (middle) or 2 (high)."""
        return [np.asarray(features[t.feature] >= t.levels[level]) for t in self.thresholds]

    def codes(self, features: Features) -> UInt8:
        """Return the class code of every item under the middle thresholds."""
        return self.decide(self.conditions(features, 1))

    def could_be(self, features: Features) -> UInt8:
        """Return the classes of every item under any combination of thresholds within their ranges, as a bit set.

        Bit ``code`` is set where the class is possible.
        """
        # Each condition is monotone in its threshold, so the ends of the ranges cover every value between them.
        pattern = np.zeros(features[self.thresholds[0].feature].shape, np.intp)
        for i, threshold in enumerate(self.thresholds):
            for level in threshold.levels:
                pattern += (features[threshold.feature] >= level).astype(np.intp) << 2 * i
        return np.asarray(self.outcomes[pattern] >> 3, dtype=np.uint8)

    @property
    def outcomes(self) -> UInt16:
        """Table of :func:`outcome_table` for these rules."""
        return outcome_table(self.decide, len(self.thresholds))


@cache
def outcome_table(decide: Callable[[Sequence[Bool]], UInt8], n: int) -> UInt16:
    """Return possible classes times 8, plus the class code, for every pattern of ``n`` thresholds; shape (4**n,).

    Bits 2i and 2i+1 of a pattern count how many of the low, middle and high value the feature of threshold i reaches.
    """
    conditions = np.arange(2**n)
    # One axis per threshold, the last for the first: a condition that is not met, or met.
    codes = decide([conditions >> i & 1 == 1 for i in range(n)]).reshape((2,) * n)
    could_be = np.uint8(1) << codes
    for axis in range(n):
        codes = codes.take((0, 0, 1, 1), axis)
        unmet, met = could_be.take(0, axis), could_be.take(1, axis)
        # Between the low and the high value, the threshold may be met or not.
        could_be = np.stack((unmet, unmet | met, unmet | met, met), axis)
    return np.asarray(could_be.astype(np.uint16) << 3 | codes, dtype=np.uint16).reshape(-1)


def decide_rgb(conditions: Sequence[Bool]) -> UInt8:
    """Classify colours: green or brown is ground, any other bright colour is ice, any other dark colour is water."""
    bright, colour_counts, green, brown = conditions
    ground = colour_counts & (green | brown)
    bare = np.where(bright, ClassCode.ICE, ClassCode.WATER)
    return np.where(ground, ClassCode.OTHER, bare).astype(np.uint8)


RGB_THRESHOLDS = (
    Threshold(
        key="ice-brightness",
        name="bright enough for ice",
        feature="brightness",
        low=0.085,
        mid=0.11,
        high=0.14,
        unit="reflectance",
        source="Brandt and others (2005), J. Climate 18, tables 1 and 2: open water 0.07, grease ice 0.10 in the "
        "visible, bare nilas 0.14 over all wavelengths. Low is halfway from water to grease ice, high is nilas, "
        "the middle lies between the two",
    ),
    Threshold(
        key="colour-brightness",
        name="bright enough for its colour to mean something",
        feature="brightness",
        low=0.015,
        mid=0.02,
        high=0.03,
        unit="reflectance",
        source="arithmetic: two steps of an 8-bit sRGB picture move an index by 0.05 or more below a reflectance "
        "of 0.02",
    ),
    Threshold(
        key="plant-greenness",
        name="green as plants are",
        feature="greenness",
        low=0.05,
        mid=0.10,
        high=0.15,
        unit="index",
        source="Motohka and others (2010), Remote Sensing 2: green-red index above 0 over green plants, below it over "
        "soil, around it over snow and water; raised by the scatter of the latter",
    ),
    Threshold(
        key="ground-redness",
        name="brown as ground is",
        feature="redness",
        low=0.10,
        mid=0.15,
        high=0.20,
        unit="index",
        source="Warren (1982), Rev. Geophys. 20: snow and ice are flat or bluish in the visible; Di Mauro and others "
        "(2015), JGR Atmospheres 120: desert dust reddens snow by up to 0.1; Condit (1970), Photogramm. Eng. 36: soil "
        "reflectance rises by half or more from blue to red",
    ),
)


def decide_visible(conditions: Sequence[Bool]) -> UInt8:
    """Classify measured visible bands: as pictures, but colourless ground between water and bright ice is other."""
    bright, colour_counts, green, brown, over_water = conditions
    ground = (colour_counts & (green | brown)) | (over_water & ~bright)
    bare = np.where(bright, ClassCode.ICE, ClassCode.WATER)
    return np.where(ground, ClassCode.OTHER, bare).astype(np.uint8)


def decide_multispectral(conditions: Sequence[Bool]) -> UInt8:
    """Classify spectra up to the second shortwave infrared: snow tests for ice, tests of open water for water."""
    snowy, near_infrared, lit, wet, pond_bright, brown, green_over_nir, planted, visible, unshaded = conditions
    # Melt ponds are dark in the near infrared but brighter in green than any open water; brown is never ice.
    ice = snowy & lit & (near_infrared | pond_bright) & ~brown
    open_water = wet & visible & unshaded
    # Muddy water is bright in the near infrared too, but brown, still brighter in green, and darker than dusty snow.
    muddy = open_water & brown & green_over_nir & ~pond_bright
    # Plants in shadow pass the first test alone; at the shore a pixel that does may be part of each.
    dark = ~near_infrared & (open_water | (wet & ~planted))
    water = ~ice & (dark | muddy)
    return np.select([ice, water], [ClassCode.ICE, ClassCode.WATER], ClassCode.OTHER).astype(np.uint8)


def decide_multispectral_swir1(conditions: Sequence[Bool]) -> UInt8:
    """Classify spectra up to the first shortwave infrared by the same rules, without the test against shadow."""
    return decide_multispectral((*conditions, np.ones_like(conditions[0])))


def decide_green_nir_swir(conditions: Sequence[Bool]) -> UInt8:
    """Classify spectra without red and blue by the same rules, without the conditions on brown and on plants."""
    snowy, near_infrared, lit, wet, pond_bright = conditions
    never = np.zeros_like(snowy)
    return decide_multispectral((snowy, near_infrared, lit, wet, pond_bright, *[never] * 5))


def decide_near_infrared(conditions: Sequence[Bool]) -> UInt8:
    """Classify spectra up to the near infrared: plants and brown ground first, then bright is ice and wet is water."""
    bright, near_infrared, plants, brown, wet, over_mud = conditions
    ice = bright & near_infrared & ~plants & ~brown
    # Brown ground is brighter in the near infrared than in green, and muddy water is not.
    water = wet & ~plants & (~near_infrared | (brown & ~over_mud))
    return np.select([ice, water], [ClassCode.ICE, ClassCode.WATER], ClassCode.OTHER).astype(np.uint8)


def decide_modis_721(conditions: Sequence[Bool]) -> UInt8:
    """Classify bands 7-2-1: bright red and dark shortwave infrared is ice, dark red and near infrared is water."""
    bright, snowy, near_infrared, cloud_bright, clear_snow = conditions
    # As bright as grey-white ice, but not as dark in the shortwave infrared as clear snow: may be cloud over ice.
    ice = bright & snowy & (clear_snow | ~cloud_bright)
    water = ~bright & ~near_infrared
    return np.select([ice, water], [ClassCode.ICE, ClassCode.WATER], ClassCode.OTHER).astype(np.uint8)


_SNOWY = Threshold(
    key="snow-ndsi",
    name="as dark in the shortwave infrared as snow",
    feature="ndsi",
    low=0.35,
    mid=0.40,
    high=0.45,
    unit="index",
    source="Hall, Riggs and Salomonson (1995), Remote Sens. Environ. 54: snow from an index of 0.4; Dozier (1989), "
    "Remote Sens. Environ. 28; Salomonson and Appel (2006), IEEE TGRS 44, take the 2.1 micrometre band the same way",
)
_NEAR_INFRARED = Threshold(
    key="water-nir",
    name="brighter in the near infrared than water",
    feature="nir",
    low=0.10,
    mid=0.11,
    high=0.12,
    unit="reflectance",
    source="Hall, Riggs and Salomonson (2001), MODIS snow algorithm ATBD: a near infrared reflectance over 0.11 tells "
    "snow from water",
)
_LIT = Threshold(
    key="snow-green",
    name="lit well enough to judge snow",
    feature="green",
    low=0.09,
    mid=0.10,
    high=0.11,
    unit="reflectance",
    source="Hall, Riggs and Salomonson (2001), MODIS snow algorithm ATBD: green under 0.10 is too dark to be snow",
)

_MEASURED_NEAR_INFRARED = replace(
    _NEAR_INFRARED,
    low=0.085,
    high=0.15,
    source=f"{_NEAR_INFRARED.source}. Low is halfway from open water 0.07 to grease ice 0.10 (Brandt and others 2005, "
    "J. Climate 18), as thin ice is darker in the near infrared than in the visible. High is the near infrared up to "
    "which test 4 of the Dynamic Surface Water Extent accepts water: Jones (2019), Remote Sensing 11, 374",
)
_GREENER_THAN_NIR = Threshold(
    key="water-ndwi",
    name="greener than the near infrared, as water is",
    feature="ndwi",
    low=-0.05,
    mid=0.0,
    high=0.05,
    unit="index",
    source="McFeeters (1996), Int. J. Remote Sensing 17: open water has a difference water index over 0",
)
_REFLECTANCE_ERROR = (
    "The range is the error of the sum if each band is wrong by 0.01, the specified error (0.005 + 0.05 x reflectance) "
    "at a reflectance of 0.1: Claverie and others (2015), Remote Sens. Environ. 169"
)

GREEN_NIR_SWIR_THRESHOLDS = (
    _SNOWY,
    _MEASURED_NEAR_INFRARED,
    _LIT,
    Threshold(
        key="water-mndwi",
        name="greener than the shortwave infrared, as water is",
        feature="mndwi",
        low=0.0,
        mid=0.0124,
        high=0.124,
        unit="index",
        source="Xu (2006), Int. J. Remote Sensing 27: open water has a modified difference water index over 0; test 1 "
        "of the Dynamic Surface Water Extent (Jones 2019, Remote Sensing 11, 374) takes 0.0124 in the USGS algorithm "
        "description, and 0.124 in the Landsat Collection 2 product",
    ),
    Threshold(
        key="pond-green",
        name="bright as a melt pond in green",
        feature="green",
        low=0.25,
        mid=0.30,
        high=0.35,
        unit="reflectance",
        source="Grenfell and Maykut (1977), J. Glaciology 18: spectral albedo of mature melt ponds is 0.25 at 500 nm, "
        "of younger ones more; open water stays under 0.2 even when turbid",
    ),
)

MULTISPECTRAL_THRESHOLDS = (
    *GREEN_NIR_SWIR_THRESHOLDS,
    RGB_THRESHOLDS[3],
    _GREENER_THAN_NIR,
    Threshold(
        key="half-plants",
        name="half of it plants",
        feature="ndvi",
        low=0.20,
        mid=0.41,
        high=0.50,
        unit="index",
        source="Sobrino and others (2004), Remote Sens. Environ. 90: no plants under a vegetation index of 0.2, "
        "nothing but plants over 0.5; between them the share of plants is the square of the way, a half at 0.41",
    ),
    Threshold(
        key="water-mbsr",
        name="brighter in the visible than in the infrared, as water is",
        feature="mbsr",
        low=-0.02,
        mid=0.0,
        high=0.02,
        unit="reflectance",
        source="Jones (2019), Remote Sensing 11, 374, and USGS, DSWE algorithm description: test 2 of the Dynamic "
        f"Surface Water Extent. {_REFLECTANCE_ERROR}",
    ),
    Threshold(
        key="water-awesh",
        name="too bright in blue and green for a shadow",
        feature="awesh",
        low=-0.035,
        mid=0.0,
        high=0.035,
        unit="reflectance",
        source="Feyisa and others (2014), Remote Sens. Environ. 140: the automated water extraction index with shadow "
        "is over 0 for water; test 3 of the Dynamic Surface Water Extent, Jones (2019), Remote Sensing 11, 374. "
        f"{_REFLECTANCE_ERROR}",
    ),
)

NEAR_INFRARED_THRESHOLDS = (
    RGB_THRESHOLDS[0],
    _MEASURED_NEAR_INFRARED,
    Threshold(
        key="plant-ndvi",
        name="green as plants are",
        feature="ndvi",
        low=0.15,
        mid=0.20,
        high=0.25,
        unit="index",
        source="Sobrino and others (2004), Remote Sens. Environ. 90: bare ground under a vegetation index of 0.2, "
        "plants over it",
    ),
    RGB_THRESHOLDS[3],
    _GREENER_THAN_NIR,
    Threshold(
        key="muddy-nir",
        name="brighter in the near infrared than muddy water",
        feature="nir",
        low=0.15,
        mid=0.20,
        high=0.25,
        unit="reflectance",
        source="Jones (2019), Remote Sensing 11, 374, and USGS, DSWE algorithm description: tests 4 and 5 of the "
        "Dynamic Surface Water Extent accept water up to 0.15 and 0.25; the middle lies between them",
    ),
)

VISIBLE_THRESHOLDS = (
    replace(
        RGB_THRESHOLDS[0],
        mid=0.32,
        high=0.45,
        source="Low is that of pictures, which are mostly of sea and ice. The middle is bare grey-white ice, 0.32: "
        "Brandt and others (2005), J. Climate 18; most soils, asphalt and concrete are darker than that in the "
        "visible: Stoner and Baumgardner (1981), Soil Sci. Soc. Am. J. 45; Herold and others (2004), IEEE TGRS 42. "
        "High lies between the brightest glacier ice, 0.40 (Cutler and Munro 1996, J. Glaciology 42) to 0.51, and the "
        "darkest firn, 0.43: Cuffey and Paterson (2010), The Physics of Glaciers, table 5.2",
    ),
    *RGB_THRESHOLDS[1:],
    replace(RGB_THRESHOLDS[0], key="water-brightness", name="brighter than water"),
)

MODIS_721_THRESHOLDS = (
    replace(RGB_THRESHOLDS[0], feature="red"),
    replace(_SNOWY, feature="ndsi_721"),
    _NEAR_INFRARED,
    Threshold(
        key="cloud-brightness",
        name="as bright as clouds over sea ice",
        feature="red",
        low=0.25,
        mid=0.285,
        high=0.32,
        unit="reflectance",
        source="Brandt and others (2005), J. Climate 18: bare young grey ice 0.25, grey-white ice 0.32; the middle "
        "lies between them. Thinner ice is too dark for a cloud test to mean anything",
    ),
    Threshold(
        key="clear-snow-ndsi",
        name="darker in the shortwave infrared than clouds over snow",
        feature="ndsi_721",
        low=0.65,
        mid=0.70,
        high=0.75,
        unit="index",
        source="Irish (2000), Proc. SPIE 4049, and Choi and Bindschadler (2004), Remote Sens. Environ. 91: a snow "
        "index over 0.7 is clear snow or ice, under it cloud; the range is half a tenth to both sides",
    ),
)

RULE_SETS: dict[str, RuleSet] = {
    "rgb": RuleSet(RGB_THRESHOLDS, decide_rgb),
    "modis-truecolor": RuleSet(RGB_THRESHOLDS, decide_rgb),
    "modis-721": RuleSet(MODIS_721_THRESHOLDS, decide_modis_721),
    "multispectral": RuleSet(MULTISPECTRAL_THRESHOLDS, decide_multispectral),
    "multispectral-swir1": RuleSet(MULTISPECTRAL_THRESHOLDS[:-1], decide_multispectral_swir1),
    "green-nir-swir": RuleSet(GREEN_NIR_SWIR_THRESHOLDS, decide_green_nir_swir),
    "near-infrared": RuleSet(NEAR_INFRARED_THRESHOLDS, decide_near_infrared),
    "visible": RuleSet(VISIBLE_THRESHOLDS, decide_visible),
}
"""Rule sets by key. Thresholds are reflectances and indices, so that rendered images and measured bands share them."""


def override_thresholds(rules: RuleSet, overrides: Mapping[str, NewThreshold], features: Collection[str]) -> RuleSet:
    """Return rules with the thresholds that a config sets.

    Parameters
    ----------
    rules
        Rules of the sensor.
    overrides
        New thresholds by key.
    features
        Features that a threshold can be compared with.

    Raises
    ------
    ConfigError
        If the rules have no such threshold or feature, or a range is not in order.
    """
    keys = [t.key for t in rules.thresholds]
    if unknown := sorted(set(overrides) - set(keys)):
        raise ConfigError(
            f"segment.labels.thresholds: these rules have no {', '.join(unknown)}", f"choose from {', '.join(keys)}"
        )
    thresholds = (
        override_threshold(t, overrides[t.key], features) if t.key in overrides else t for t in rules.thresholds
    )
    return replace(rules, thresholds=tuple(thresholds))


def override_threshold(threshold: Threshold, override: NewThreshold, features: Collection[str]) -> Threshold:
    """Return a threshold with the values that a config sets; its source names both.

    Raises
    ------
    ConfigError
        If the feature is unknown, or the range is not in order.
    """
    values = {field: value for field, value in override.model_dump().items() if value is not None}
    unit = "index" if feature_range(values.get("feature", threshold.feature))[0] < 0 else "reflectance"
    source = f"set by the config; the table has {threshold.feature} {threshold.mid:g}: {threshold.source}"
    new = replace(threshold, **values, unit=unit, source=source)
    key = f"segment.labels.thresholds.{threshold.key}"
    if new.feature not in features:
        raise ConfigError(f"{key}: there is no feature {new.feature}", f"choose from {', '.join(features)}")
    if not new.low <= new.mid <= new.high:
        raise ConfigError(f"{key}: {new.low:g}, {new.mid:g}, {new.high:g} are not in order", "give low, mid and high")
    return new
