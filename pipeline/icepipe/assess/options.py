"""How a reference sample may be drawn. Light, as the command line imports it to start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Allocation = Literal["proportional", "equal"]
"""How points are spread over the classes of a map: by true area, or as many in each."""

MINIMUM = 50
"""Points that a rare stratum gets in a proportional sample (Olofsson and others 2014, Remote Sens. Environ. 148:42-57,
section 5.1: 50 to 100)."""


@dataclass(frozen=True)
class SampleOptions:
    """How a sample is to be drawn."""

    points: int = 300
    allocation: Allocation = "proportional"
    seed: int = 0
