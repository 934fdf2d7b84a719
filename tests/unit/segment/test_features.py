"""Feature space: stored values of the bands, or a list of bands and indices on fixed ranges."""

from __future__ import annotations

import numpy as np
import pytest

from icepipe.errors import ConfigError
from icepipe.inputs.products.sensors import with_roles
from icepipe.segment.features import FeatureSpace, compute_features, feature_space
from icepipe.sensors.table import SENSORS

MSI = with_roles(SENSORS["sentinel2-l2a"], ("blue", "green", "red", "nir", "swir1", "swir2"))


def test_by_default_pixels_are_compared_by_their_stored_values():
    values = np.array([[100, 200, 300, 400, 500, 600]], dtype=np.int16)
    assert np.array_equal(FeatureSpace(MSI).coordinates(values), values)


def test_listed_features_have_fixed_ranges():
    """Reflectance 0..1 and an index -1..1 both span 10 000."""
    values = np.array([[1000, 3000, 2000, 500, 1000, 0]], dtype=np.int16)
    green, ndsi = feature_space(MSI, ("green", "ndsi")).coordinates(values)[0]
    assert green == pytest.approx(3000)
    assert ndsi == pytest.approx((0.5 + 1) / 2 * 10_000)


def test_a_feature_without_its_bands_is_refused_by_name():
    with pytest.raises(ConfigError, match="has no ndsi"):
        feature_space(SENSORS["rgb"], ("red", "ndsi"))


@pytest.mark.parametrize(
    ("name", "spectrum", "expected"),
    [
        ("ndgi", (0.1, 0.3, 0.1, 0, 0, 0), 0.5),
        ("whiteness", (0.2, 0.2, 0.2, 0, 0, 0), 0.0),
        ("whiteness", (0.0, 0.0, 0.3, 0, 0, 0), 4.0),
        ("whiteness", (0.0, 0.0, 0.0, 0, 0, 0), 0.0),
        ("mndwi", (0, 0.3, 0, 0, 0.1, 0), 0.5),
        ("ndvi", (0, 0, 0.1, 0.3, 0, 0), 0.5),
        ("ndsi", (0, 0, 0, 0, 0, 0), 0.0),
        # USGS, DSWE algorithm description: green + red - (nir + swir1), and
        # blue + 2.5 green - 1.5 (nir + swir1) - 0.25 swir2.
        ("mbsr", (0, 0.3, 0.2, 0.1, 0.05, 0), 0.35),
        ("awesh", (0.1, 0.2, 0, 0.04, 0.06, 0.08), 0.43),
    ],
)
def test_features_by_hand(name, spectrum, expected):
    features = compute_features(np.array([spectrum]) * 1e4, MSI)
    assert features[name][0] == pytest.approx(expected)
