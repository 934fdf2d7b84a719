"""Records of scenes and observations, and the time interval that an observation covers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from icepipe.classes import ClassEntry
from icepipe.flags import Flag
from icepipe.geo.geobox import GeoBox
from icepipe.inputs.observation_key import ObservationKey
from icepipe.storage.fingerprint import FolderSnapshot

# World files replace the suffix of the raster; GDAL appends its own suffixes to the whole name.
WORLD_FILE_SUFFIXES = (".tfw", ".tifw", ".wld", ".j2w")
SIDECAR_ENDINGS = (".msk", ".aux.xml", ".ovr")


def side_files(path: Path) -> list[Path]:
    """Return the paths of all files next to a raster that GDAL reads with it, whether they exist or not."""
    appended = [path.with_name(path.name + ending) for ending in SIDECAR_ENDINGS]
    return appended + [path.with_suffix(ending) for ending in WORLD_FILE_SUFFIXES]


def with_side_files(path: Path, snapshot: FolderSnapshot) -> list[Path]:
    """Return a raster and the existing files next to it: masks, overviews, world files, metadata."""
    return [path, *(side for side in side_files(path) if snapshot.file_stat(side))]


@dataclass(frozen=True)
class MaskFile:
    """A raster that marks the hidden pixels of a scene.

    Attributes
    ----------
    path
        The raster.
    geobox
        Its own grid.
    bands
        1-based numbers of the bands to read.
    values
        Values of the first band that hide the surface.
    bits
        Bits of the first band that hide the surface.
    nonzero
        True if any value except 0, in any band, hides the surface.
    overlay
        1-based number of the alpha band of an overlay picture, whose transparent pixels hide nothing. None for other
        rasters, whose pixels without data are unknown.
    unseen_values, unseen_bits
        Values and bits of pixels that were not observed.
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
        Reflectance = gain x stored value + offset; 1 and 0 for pictures, whose bytes are used as they are.
    nodata
        Stored values of pixels that were not observed.
    """

    path: Path
    index: int
    geobox: GeoBox
    gain: float = 1.0
    offset: float = 0.0
    nodata: tuple[float, ...] = ()


@dataclass(frozen=True)
class ClassValues:
    """Meaning of the values of a class raster.

    Attributes
    ----------
    entries
        Ranges in ascending order, then single values, which take precedence.
    weight
        Factor from the values of ice ranges to concentrations of 0 to 1; None if they are not concentrations.
    """

    entries: tuple[ClassEntry, ...]
    weight: float | None = None


@dataclass(frozen=True)
class Scene:
    """One acquisition, in one file or in one file per band.

    Attributes
    ----------
    path
        The raster.
    date, time
        Day and, where known, time (UTC) of the acquisition.
    platform
        Satellite, or an empty string.
    sensor, roles, rule_set
        Key of the sensor table, roles of the available bands, and key of the naming rules for these roles.
    geobox
        Grid of the band with the smallest pixels.
    bands
        Band of each role, in the order of the roles.
    alpha
        1-based number of the alpha band of a picture, or None.
    sun_elevation
        Solar elevation in degrees, or None if unknown.
    notes
        Quality flags for the series, from assumptions made about the scene.
    cloud, land
        Cloud and land rasters; None if the config names none.
    values
        Meaning of the values of a class raster; None for scenes that are clustered.
    metadata
        Product metadata files that hold its radiometric scaling.
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
        """Files of all bands and masks, each once."""
        bands = dict.fromkeys(band.path for band in self.bands)
        return (*bands, *(mask.path for mask in (self.cloud, self.land) if mask))

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that its pixels depend on: rasters and metadata."""
        return (*self.rasters, *self.metadata)


@dataclass(frozen=True)
class Observation:
    """One period of the whole region: the scenes of one row of the series and one class raster."""

    key: ObservationKey
    scenes: tuple[Scene, ...]

    @property
    def date(self) -> dt.date:
        """Day of the key; the first day of a longer period."""
        return self.key.day

    @property
    def sensor(self) -> str:
        """Sensor key, or several keys joined by ``+``."""
        return "+".join(sorted({scene.sensor for scene in self.scenes}))


@dataclass(frozen=True)
class TimeInterval:
    """Closed time interval in UTC: the first and the last second."""

    start: dt.datetime
    end: dt.datetime

    @property
    def texts(self) -> tuple[str, str]:
        """First and last second as ISO text."""
        return f"{self.start:%Y-%m-%dT%H:%M:%SZ}", f"{self.end:%Y-%m-%dT%H:%M:%SZ}"

    @classmethod
    def from_iso(cls, texts: tuple[str, str]) -> TimeInterval:
        """Return the interval between two ISO texts."""
        start, end = (dt.datetime.fromisoformat(text) for text in texts)
        return cls(start, end)

    @classmethod
    def for_scene(cls, scene: Scene, to_the_minute: bool) -> TimeInterval:
        """Return the minute of a scene if requested and known, else its day."""
        time = scene.time if to_the_minute else None
        start = dt.datetime.combine(scene.date, time or dt.time(), dt.UTC)
        span = dt.timedelta(minutes=1) if time else dt.timedelta(days=1)
        # The end is inclusive, to whole seconds.
        return cls(start, start + span - dt.timedelta(seconds=1))


def acquisition_interval(observation: Observation) -> TimeInterval:
    """Return the interval from the first to the last scene: whole days, or minutes if the key has a time."""
    to_the_minute = observation.key.time is not None
    intervals = [TimeInterval.for_scene(scene, to_the_minute) for scene in observation.scenes]
    return TimeInterval(min(interval.start for interval in intervals), max(interval.end for interval in intervals))


def shared_time(observation: Observation) -> dt.time | None:
    """Return the time (UTC) that all scenes share on the day of the observation; None if they differ."""
    times = {(scene.date, scene.time) for scene in observation.scenes}
    day, time = times.pop() if len(times) == 1 else (observation.date, None)
    return time if day == observation.date else None
