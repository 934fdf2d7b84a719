"""What may be asked for of a picture: methods, limits and defaults. Light, as the command line imports it to start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Method = Literal["lloyd", "minibatch", "article"]
"""Full iterations, mini-batches, or the article's own steps."""

ITERATIONS: Mapping[Method, int] = {"lloyd": 300, "minibatch": 100, "article": 10}
"""Iterations that each method may take where none are asked for."""

DEFAULT_K = 5
MAX_K = 64
MAX_SWEEP = 11


@dataclass(frozen=True)
class PictureOptions:
    """What is asked for.

    Attributes
    ----------
    k
        Colours; None to let the elbow choose.
    sweep
        Numbers of colours of the contact sheet; empty for none.
    elbow, space
        Whether to draw the curve, and colour space.
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
