"""Interpolation by the cubic through four neighbouring nodes of a lattice."""

from __future__ import annotations

from typing import TypeVar

from icepipe.arrays import Float64

Real = TypeVar("Real", float, Float64)


def cubic_weights(t: Real) -> tuple[Real, Real, Real, Real]:
    """Weights of the nodes at -1, 0, 1 and 2 for a place ``t``: Lagrange's four-point formula.

    Abramowitz and Stegun (1964), Handbook of Mathematical Functions, 25.2.13. Takes an array as it is, and a number
    where it is compiled.
    """
    return (
        -t * (t - 1) * (t - 2) / 6,
        (t + 1) * (t - 1) * (t - 2) / 2,
        -(t + 1) * t * (t - 2) / 2,
        (t + 1) * t * (t - 1) / 6,
    )
