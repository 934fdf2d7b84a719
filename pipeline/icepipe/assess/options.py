"""Options of `icepipe assess sample`, with their defaults; the command line imports this module on start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Allocation = Literal["proportional", "equal"]
"""Allocation of points to the classes of a map: in proportion to true area, or the same number in each."""

RARE_STRATUM_POINTS = 50
"""Points that a rare stratum gets in a proportional sample (Olofsson and others 2014, Remote Sens. Environ. 148:42-57,
section 5.1: 50 to 100)."""


@dataclass(frozen=True)
class SampleOptions:
    """Number of points, their allocation to strata, and the seed."""

    points: int = 300
    allocation: Allocation = "proportional"
    seed: int = 0
