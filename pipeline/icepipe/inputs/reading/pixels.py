"""Records of the pixels read for a block."""

from __future__ import annotations

from dataclasses import dataclass

from icepipe.arrays import Bool, StoredPixels, UInt8


@dataclass(frozen=True)
class Pixels:
    """Composited pixels of one block.

    Attributes
    ----------
    bands
        Stored pixels (uint8 colours, or int16 units of reflectance) of the surface or of the cloud that hides it;
        shape (bands, rows, columns).
    valid
        True where the surface is visible; shape (rows, columns).
    hidden
        Class code of what hides the other pixels: unobserved, cloud, land or outside.
    doubled
        Number of valid pixels that more than one scene shows.
    """

    bands: StoredPixels
    valid: Bool
    hidden: UInt8
    doubled: int = 0


@dataclass(frozen=True)
class Layer:
    """Pixels of one scene in a block, and its cloud mask.

    Attributes
    ----------
    target
        Rows and columns of the block that the arrays cover.
    bands
        Stored pixels: uint8 colours, int16 units of reflectance, or encoded classes; shape (bands, rows, columns).
    valid
        True where the scene has data; shape (rows, columns).
    cloud
        True where cloud hides the surface.
    scene
        Index of the scene in its observation.
    land
        True where a class raster has land; None for other scenes.
    """

    target: tuple[slice, slice]
    bands: StoredPixels
    valid: Bool
    cloud: Bool
    scene: int = 0
    land: Bool | None = None
