"""The frozen values that are read of a block."""

from __future__ import annotations

from dataclasses import dataclass

from icepipe.arrays import Bool, StoredPixels, UInt8


@dataclass(frozen=True)
class Pixels:
    """What was read of one block.

    Attributes
    ----------
    bands
        uint8 colours, or int16 units of reflectance, of the surface or the cloud; shape (bands, rows, columns).
    valid
        True where the surface was seen; shape (rows, columns).
    hidden
        Why a pixel that is not valid has no class of its own: unobserved, cloud, land or outside, as class codes.
    doubled
        Pixels whose surface more than one scene saw.
    """

    bands: StoredPixels
    valid: Bool
    hidden: UInt8
    doubled: int = 0


@dataclass(frozen=True)
class Layer:
    """What one scene shows of a block: its pixels where they were read, and which of them cloud hides.

    Attributes
    ----------
    target
        Rows and columns of the block that the arrays stand for.
    bands
        uint8 colours, int16 units of reflectance, or coded classes; shape (bands, rows, columns).
    valid
        True where the scene has data; shape (rows, columns).
    cloud
        True where its cloud mask says so.
    scene
        Number of the scene in its observation.
    land
        True where a class raster says land; None for other scenes.
    """

    target: tuple[slice, slice]
    bands: StoredPixels
    valid: Bool
    cloud: Bool
    scene: int = 0
    land: Bool | None = None
