"""Scenes laid over each other: what each pixel of a block shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from icepipe.arrays import Bool, StoredPixels, UInt8
from icepipe.classes import ClassCode
from icepipe.geo.geobox import Block
from icepipe.inputs.reading.pixels import Layer

NO_LAND = np.zeros((0, 0), dtype=bool)


class Composite(NamedTuple):
    """Several scenes laid over each other; shapes (rows, columns).

    Attributes
    ----------
    valid
        True where the surface is seen.
    hidden
        What hides it elsewhere, as class codes.
    twice
        True where more than one scene shows it.
    """

    valid: Bool
    hidden: UInt8
    twice: Bool


def covers(layer: Layer, block: Block) -> bool:
    """Whether a scene has data everywhere in a block."""
    return layer.valid.shape == (block.height, block.width) and bool(layer.valid.all())


def single_scene(layer: Layer) -> Composite:
    """What :func:`laid_over` gives of one scene that has data everywhere; its bands are shown as they are."""
    hidden = np.multiply(layer.cloud, np.uint8(ClassCode.CLOUD))
    if layer.land is not None:
        hidden[layer.land] = ClassCode.LAND
    return Composite(~layer.cloud, hidden, np.zeros_like(layer.valid))


def mosaic(layers: Sequence[Layer], bands: StoredPixels) -> Composite:
    """Lay scenes over each other: the first that shows the surface wins, then cloud, then nothing.

    Parameters
    ----------
    layers
        Scenes in the order that wins.
    bands
        Zeros of the block's shape (bands, rows, columns), to be filled.
    """
    from icepipe.inputs.reading._kernels import composite_layer

    shape = bands.shape[1:]
    laid = Composite(np.zeros(shape, dtype=bool), np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=bool))
    for layer in layers:
        land = NO_LAND if layer.land is None else layer.land
        shown, data, cloud, land = map(np.ascontiguousarray, (layer.bands, layer.valid, layer.cloud, land))
        rows, cols = layer.target
        composite_layer(rows.start, cols.start, (shown, data, cloud, land), bands, laid)
    return laid
