"""Any ice or white ice only: what each choice counts, by published albedos of the stages of development."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from icepipe.classes import ClassCode
from icepipe.errors import ConfigError
from icepipe.inputs.products.sensors import with_roles
from icepipe.segment.features import compute_features
from icepipe.segment.naming import name_spectrum
from icepipe.segment.rules import RULE_SETS
from icepipe.segment.which_ice import check_white_threshold, rules_for
from icepipe.sensors.sensor import BANDS
from icepipe.sensors.table import SENSORS

ICE, WATER, OTHER = ClassCode.ICE, ClassCode.WATER, ClassCode.OTHER

# Brandt and others (2005), J. Climate 18, table 1: all wavelengths, clear sky; with snow of less than 3 cm where named.
STAGES = {
    "open water": (0.07, WATER, WATER),
    "nilas": (0.14, ICE, OTHER),
    "grey ice": (0.25, ICE, OTHER),
    "grey-white ice": (0.32, ICE, ICE),
    "first-year ice under 0.7 m": (0.41, ICE, ICE),
    "first-year ice over 0.7 m": (0.49, ICE, ICE),
    "nilas under thin snow": (0.42, ICE, ICE),
    "first-year ice under thick snow": (0.81, ICE, ICE),
}

FLAT = {"blue", "green", "red", "nir"}
"""Roles of bands in which ice is as bright as over all wavelengths; it is dark in the shortwave infrared."""

SIX = with_roles(SENSORS[BANDS], {"blue", "green", "red", "nir", "swir1", "swir2"})
SENSORS_OF_ICE = {
    "rgb": SENSORS["rgb"],
    "modis-truecolor": SENSORS["modis-truecolor"],
    "modis-721": SENSORS["modis-721"],
    "six bands": SIX,
    "five bands": with_roles(SENSORS[BANDS], {"blue", "green", "red", "nir", "swir1"}),
    "four bands": with_roles(SENSORS[BANDS], {"blue", "green", "red", "nir"}),
    "green, near and shortwave infrared": with_roles(SENSORS[BANDS], {"green", "nir", "swir1"}),
}
VISIBLE = with_roles(SENSORS[BANDS], {"blue", "green", "red"})


def spectrum_of(sensor, brightness):
    """Stored values of a grey surface; water is darker in the near infrared, as it is."""
    reflectance = [
        (brightness if role != "nir" or brightness > 0.1 else 0.03) if role in FLAT else 0.02 for role in sensor.roles
    ]
    if sensor.stretch is None:
        return np.array(reflectance) * 1e4
    table = sensor.reflectance(np.arange(256.0))
    # The next brighter byte, so that a surface on a threshold is not rounded under it.
    return np.searchsorted(table, reflectance).astype(float)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("kind", SENSORS_OF_ICE)
def test_each_choice_counts_the_stages_that_it_names(kind, stage):
    brightness, by_any, by_white = STAGES[stage]
    sensor = SENSORS_OF_ICE[kind]
    spectrum = spectrum_of(sensor, brightness)
    assert name_spectrum(spectrum, sensor, rules_for(sensor.rule_set, "any")).code is by_any
    assert name_spectrum(spectrum, sensor, rules_for(sensor.rule_set, "white")).code is by_white


@pytest.mark.parametrize("stage", STAGES)
def test_visible_bands_alone_have_the_same_white_ice(stage):
    brightness, _, by_white = STAGES[stage]
    assert name_spectrum(spectrum_of(VISIBLE, brightness), VISIBLE, rules_for("visible", "white")).code is by_white


def test_every_rule_set_has_white_ice():
    assert {sensor.rule_set for sensor in (*SENSORS_OF_ICE.values(), VISIBLE)} == RULE_SETS.keys()


@pytest.mark.parametrize("kind", SENSORS_OF_ICE)
def test_white_ice_is_a_part_of_any_ice_and_the_rest_of_it_is_other(kind):
    rng = np.random.default_rng(1)
    sensor = SENSORS_OF_ICE[kind]
    values = rng.integers(0, 256 if sensor.stretch else 10_000, (50_000, len(sensor.roles))).astype(float)
    # Half of them grey: random colours are mostly ground.
    values[::2] = values[::2, :1]
    features = compute_features(values, sensor)
    by_any, by_white = (rules_for(sensor.rule_set, choice).codes(features) for choice in ("any", "white"))
    changed = by_any != by_white
    assert changed.any()
    assert set(by_any[changed]) == {ICE}
    assert set(by_white[changed]) == {OTHER}
    assert (by_white == ICE).any()


def test_ice_between_grey_and_first_year_could_be_either_and_never_water():
    naming = name_spectrum(spectrum_of(SENSORS["rgb"], 0.35), SENSORS["rgb"], rules_for("rgb", "white"))
    assert naming.code is ICE
    assert naming.could_be == (ICE, OTHER)
    assert "bright enough for white ice (brightness 0.35" in naming.reason
    grey = name_spectrum(spectrum_of(SENSORS["rgb"], 0.2), SENSORS["rgb"], rules_for("rgb", "white"))
    assert grey.could_be == (OTHER,)
    assert "not bright enough for white ice" in grey.reason


def test_a_dark_melt_pond_is_ice_and_no_white_ice():
    """Hanesiak and others (2001), JGR 106: dark ponds on first-year ice have an albedo of 0.21."""
    pond = np.array(
        [{"blue": 3200, "green": 3100, "red": 1500, "nir": 400, "swir1": 100, "swir2": 0}[r] for r in SIX.roles]
    )
    assert name_spectrum(pond, SIX, rules_for(SIX.rule_set, "any")).code is ICE
    assert name_spectrum(pond, SIX, rules_for(SIX.rule_set, "white")).code is OTHER


def test_the_same_rules_share_their_tables():
    assert rules_for("rgb", "white") == rules_for("rgb", "white")
    assert rules_for("rgb", "white").outcomes is rules_for("modis-truecolor", "white").outcomes


def test_a_threshold_of_white_ice_under_that_of_ice_is_refused():
    rules = rules_for("rgb", "white")
    check_white_threshold(rules)
    ice, *others = rules.thresholds
    with pytest.raises(ConfigError, match=r"white-brightness \(0\.32\) is under ice-brightness \(0\.4\)"):
        check_white_threshold(replace(rules, thresholds=(replace(ice, mid=0.4), *others)))
    # Another feature has another scale.
    check_white_threshold(replace(rules, thresholds=(replace(ice, mid=0.4, feature="red"), *others)))
