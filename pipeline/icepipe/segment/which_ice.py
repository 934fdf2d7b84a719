"""Choose which ice counts: every stage from grease ice on, or white ice only.

Stages of development are those of WMO Sea-Ice Nomenclature (WMO-No. 259): new ice and nilas up to 10 cm, grey ice to
15 cm, grey-white ice to 30 cm, first-year ice beyond, of which the thinnest (to 70 cm) is also named white ice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from icepipe.arrays import Bool, UInt8
from icepipe.classes import ClassCode
from icepipe.config.segment import Ice
from icepipe.errors import ConfigError
from icepipe.segment.model import Threshold
from icepipe.segment.rules import RULE_SETS, RuleSet

WHITE_BRIGHTNESS = Threshold(
    key="white-brightness",
    name="bright enough for white ice",
    feature="brightness",
    low=0.25,
    mid=0.32,
    high=0.41,
    unit="reflectance",
    source="Brandt and others (2005), J. Climate 18, table 1, all wavelengths, no snow, clear sky: grey ice 0.25, "
    "grey-white ice 0.32, first-year ice under 0.7 m (white ice in WMO-No. 259) 0.41. Bare ice is no darker in red "
    "(table 2: nilas 0.17, over all wavelengths 0.14), so that grey-white ice is above the middle value",
)
"""Threshold that rule sets get for white ice only."""

_OTHER_FEATURES = {"modis-721": "red", "green-nir-swir": "green"}
"""Feature of the threshold for rule sets whose bands are not red, green and blue."""


def white_threshold(rule_set: str) -> Threshold:
    """Return the threshold of white ice for the bands of a rule set."""
    return replace(WHITE_BRIGHTNESS, feature=_OTHER_FEATURES.get(rule_set, WHITE_BRIGHTNESS.feature))


@cache
def white_only(decide: Callable[[Sequence[Bool]], UInt8]) -> Callable[[Sequence[Bool]], UInt8]:
    """Return a decision with one more condition, the last: ice that does not meet it is ``other``.

    Grey ice is not water: it covers the sea, and reflects three to four times as much light (0.07 against 0.25).
    """

    def decide_white_only(conditions: Sequence[Bool]) -> UInt8:
        *others, white = conditions
        codes = decide(others)
        return np.where((codes == ClassCode.ICE) & ~white, np.uint8(ClassCode.OTHER), codes)

    return decide_white_only


def rules_for(rule_set: str, ice: Ice) -> RuleSet:
    """Return the rules of a rule set for every stage of ice, or for white ice only."""
    rules = RULE_SETS[rule_set]
    if ice == "any":
        return rules
    # Cached decision: tables of all outcomes are kept by it, and the same rules must find them again.
    return RuleSet((*rules.thresholds, white_threshold(rule_set)), white_only(rules.decide), ice)


def check_white_threshold(rules: RuleSet) -> None:
    """Raise ConfigError if the threshold of white ice is so low that no ice could be left out."""
    by_key = {threshold.key: threshold for threshold in rules.thresholds}
    white, ice = by_key.get(WHITE_BRIGHTNESS.key), by_key.get("ice-brightness")
    if white and ice and white.feature == ice.feature and white.mid < ice.mid:
        raise ConfigError(
            f"segment.labels: {white.key} ({white.mid:g}) is under {ice.key} ({ice.mid:g}), so that all ice is white",
            f"raise {white.key} or lower {ice.key}, or set ice: any",
        )
