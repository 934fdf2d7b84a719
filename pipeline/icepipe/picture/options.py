"""Options of `icepipe picture`, with their limits and defaults; the command line imports this module on start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Method = Literal["lloyd", "minibatch", "article"]
"""Full iterations, mini-batches, or the method of the article."""

ITERATIONS: Mapping[Method, int] = {"lloyd": 300, "minibatch": 100, "article": 10}
"""Default limit of the iterations of each method."""

DEFAULT_K = 5
MAX_K = 64
MAX_SWEEP = 11


@dataclass(frozen=True)
class PictureOptions:
    """Options of `icepipe picture`.

    Attributes
    ----------
    k
        Number of colours; None for the elbow.
    sweep
        Numbers of colours on the contact sheet; empty for no sheet.
    elbow, space
        Whether to draw the elbow curve, and colour space.
    pick
        Number or colour of the cluster to isolate; empty for none.
    method, seed, iterations
        As for :func:`icepipe.segment_image`.
    """

    k: int | None = DEFAULT_K
    sweep: tuple[int, ...] = ()
    elbow: bool = False
    space: bool = False
    pick: str = ""
    method: Method = "lloyd"
    seed: int = 0
    iterations: int | None = None
