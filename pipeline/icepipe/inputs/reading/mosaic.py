"""Composite the overlapping scenes of a block."""

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
    """Visibility of the surface in a block; shapes (rows, columns).

    Attributes
    ----------
    valid
        True where the surface is visible.
    hidden
        Class code of what hides it elsewhere.
    twice
        True where it is visible in more than one scene.
    """

    valid: Bool
    hidden: UInt8
    twice: Bool


def covers(layer: Layer, block: Block) -> bool:
    """Return whether a scene has data everywhere in a block."""
    return layer.valid.shape == (block.height, block.width) and bool(layer.valid.all())


def single_scene(layer: Layer) -> Composite:
    """Return the composite of a single scene that covers its block; its bands need no copy."""
    # The same codes as composite_layer gives, without its loop over the bands.
    hidden = np.multiply(layer.cloud, np.uint8(ClassCode.CLOUD))
    if layer.land is not None:
        hidden[layer.land] = ClassCode.LAND
    return Composite(~layer.cloud, hidden, np.zeros_like(layer.valid))


def mosaic(layers: Sequence[Layer], bands: StoredPixels) -> Composite:
    """Composite scenes: the first one with a clear pixel wins, then cloud, then unobserved.

    Parameters
    ----------
    layers
        Scenes in order of precedence.
    bands
        Zeros of shape (bands, rows, columns), filled with the bands of the composite.
    """
    from icepipe.inputs.reading._kernels import composite_layer

    shape = bands.shape[1:]
    composite = Composite(np.zeros(shape, dtype=bool), np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=bool))
    for layer in layers:
        land = NO_LAND if layer.land is None else layer.land
        # The kernel is compiled for contiguous arrays only.
        scene_bands, data, cloud, land = map(np.ascontiguousarray, (layer.bands, layer.valid, layer.cloud, land))
        rows, cols = layer.target
        composite_layer(rows.start, cols.start, (scene_bands, data, cloud, land), bands, composite)
    return composite
