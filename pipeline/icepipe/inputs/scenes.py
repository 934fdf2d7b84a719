"""The frozen values that describe scenes and observations."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from icepipe.classes import ClassEntry
from icepipe.flags import Flag
from icepipe.geo.geobox import GeoBox
from icepipe.inputs.observation_key import ObservationKey


@dataclass(frozen=True)
class MaskFile:
    """A raster that says which pixels of a scene are hidden.

    Attributes
    ----------
    path
        The raster.
    geobox
        Its own grid.
    bands
        1-based numbers of the bands to read.
    values
        Numbers of its first band that hide.
    bits
        Bits of its first band that hide.
    nonzero
        Whether any number but 0 in any band hides.
    overlay
        1-based number of the alpha band of a picture that is laid over others: transparent is where it hides nothing.
        None where no data are a gap.
    unseen_values, unseen_bits
        Numbers and bits that mean that the scene was not seen.
    """

    path: Path
    geobox: GeoBox
    bands: tuple[int, ...]
    values: tuple[int, ...] = ()
    bits: tuple[int, ...] = ()
    nonzero: bool = False
    overlay: int | None = None
    unseen_values: tuple[int, ...] = ()
    unseen_bits: tuple[int, ...] = ()


@dataclass(frozen=True)
class Band:
    """One band of a scene.

    Attributes
    ----------
    path, index
        File and 1-based number within it.
    geobox
        Its own grid.
    gain, offset
        From stored numbers to reflectance; 1 and 0 for pictures, whose bytes are kept.
    nodata
        Stored numbers that mean "not seen".
    """

    path: Path
    index: int
    geobox: GeoBox
    gain: float = 1.0
    offset: float = 0.0
    nodata: tuple[float, ...] = ()


@dataclass(frozen=True)
class ClassValues:
    """What the numbers of a class raster mean.

    Attributes
    ----------
    entries
        Ranges in ascending order, then single values, which stand above them.
    weight
        Turns the numbers of ranges of ice into concentrations of 0 to 1; None where they are none.
    """

    entries: tuple[ClassEntry, ...]
    weight: float | None = None


@dataclass(frozen=True)
class Scene:
    """One acquisition, in one file or in one a band.

    Attributes
    ----------
    path
        The raster.
    date, time
        Day and, where known, time (UTC) of the acquisition.
    platform
        Satellite, or an empty string.
    sensor, roles, rule_set
        Key of the sensor table, the roles of the bands that are there, and the rules that fit them.
    geobox
        Grid of its finest band.
    bands
        Where each role's numbers are, in the order of the roles.
    alpha
        1-based number of the alpha band of a picture, or None.
    sun_elevation
        Degrees, or None where not known.
    notes
        What was assumed, as flags of the series.
    cloud, land
        Rasters that say where cloud or land hides the surface, or None where none is asked for.
    values
        What the numbers of a class raster mean; None for what is clustered.
    metadata
        Files of its product that tell how its numbers become reflectance.
    """

    path: Path
    date: dt.date
    time: dt.time | None
    platform: str
    sensor: str
    roles: tuple[str, ...]
    rule_set: str
    geobox: GeoBox
    bands: tuple[Band, ...]
    alpha: int | None = None
    sun_elevation: float | None = None
    notes: tuple[Flag, ...] = ()
    cloud: MaskFile | None = None
    land: MaskFile | None = None
    values: ClassValues | None = None
    metadata: tuple[Path, ...] = ()

    @property
    def rasters(self) -> tuple[Path, ...]:
        """Every file that it has pixels or masks from."""
        bands = dict.fromkeys(band.path for band in self.bands)
        return (*bands, *(mask.path for mask in (self.cloud, self.land) if mask))

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that its pixels depend on."""
        return (*self.rasters, *self.metadata)


@dataclass(frozen=True)
class Observation:
    """One period of the whole region: the scenes that one row and one class raster are made of."""

    key: ObservationKey
    scenes: tuple[Scene, ...]

    @property
    def date(self) -> dt.date:
        """Day that its key names."""
        return self.key.day

    @property
    def sensor(self) -> str:
        """Sensor key, or keys joined by ``+``."""
        return "+".join(sorted({scene.sensor for scene in self.scenes}))
