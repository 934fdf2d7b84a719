"""Four-point interpolation, compared with polynomials it must reproduce, and with scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import BarycentricInterpolator

from icepipe.geo.pixel_area import cubic_weights
from icepipe.measure.polygons._kernels import weights_at_position

NODES = np.array([-1.0, 0, 1, 2])
POSITIONS = np.linspace(-1, 2, 61)


def test_a_cubic_goes_through_its_nodes_and_is_reproduced_between_them():
    weights = np.stack(cubic_weights(POSITIONS))
    for power in range(4):
        assert weights.T @ NODES**power == pytest.approx(POSITIONS**power, abs=1e-14)
    assert np.array_equal(np.abs(np.stack(cubic_weights(NODES))), np.eye(4))


def test_weights_are_those_of_scipy():
    theirs = BarycentricInterpolator(NODES, np.eye(4))(POSITIONS).T
    assert np.stack(cubic_weights(POSITIONS)) == pytest.approx(theirs, abs=1e-14)


def test_compiled_they_are_the_same_bits():
    weights = np.empty(4)
    for t, expected in zip(POSITIONS[20:40], np.stack(cubic_weights(POSITIONS[20:40])).T, strict=True):
        assert weights_at_position(t + 3, 10, weights) == 2
        assert weights.tolist() == list(cubic_weights((t + 3) - 3))
        assert weights == pytest.approx(expected, abs=1e-14)
