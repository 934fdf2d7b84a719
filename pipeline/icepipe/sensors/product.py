"""Record types of the product table: file-name patterns of deliveries and of their quality rasters."""

from __future__ import annotations

import re
from dataclasses import dataclass

Pattern = re.Pattern[str]


@dataclass(frozen=True)
class PictureName:
    """A file-name pattern that identifies the sensor of an 8-bit picture.

    Attributes
    ----------
    sensor
        Key of the sensor.
    name
        Pattern searched for in the file name.
    context
        Second pattern that must match somewhere in ``folder/file``; None for no such condition.
    """

    sensor: str
    name: Pattern
    context: Pattern | None = None


@dataclass(frozen=True)
class Product:
    """One kind of delivery and the patterns of its file names.

    Attributes
    ----------
    title
        Name for messages and documentation.
    sensors
        (product-name pattern, sensor key) pairs for measured bands; the first match wins.
    pictures
        Patterns of 8-bit pictures; the first match wins.
    dates
        Patterns with the acquisition in groups: ``ymd`` (year, month, day) or ``yj`` (year, day of year) and, if the
        name has a time, ``hms`` or ``hm``. Other dates in a matching name, such as the processing date, are ignored.
    platforms
        (file or folder name pattern, satellite) pairs; the first match wins.
    extras
        Pattern of file stems that are neither bands nor masks.
    companions
        Pattern of file stems that are ignored if bands of the same ``product`` (a named group) are present.
    """

    title: str
    sensors: tuple[tuple[Pattern, str], ...] = ()
    pictures: tuple[PictureName, ...] = ()
    dates: tuple[Pattern, ...] = ()
    platforms: tuple[tuple[Pattern, str], ...] = ()
    extras: Pattern | None = None
    companions: Pattern | None = None


@dataclass(frozen=True)
class Quality:
    """One kind of quality raster.

    Attributes
    ----------
    key
        Name in the config.
    name
        Pattern of file stems that distinguishes such a raster from a band.
    endings
        Endings of the file stem after the product name, in order of preference.
    folders
        Folders to search, relative to the folder of the product.
    hides
        Conditions that can hide the surface: name -> bit number, or name -> pixel value.
    by_bits
        True if ``hides`` and ``unseen`` are bit numbers, False if they are pixel values.
    unseen
        Bits or values of pixels that were not observed.
    default
        Conditions that hide the surface unless the config selects others.
    """

    key: str
    name: Pattern
    endings: tuple[str, ...]
    folders: tuple[str, ...]
    hides: dict[str, int]
    by_bits: bool
    unseen: tuple[int, ...]
    default: tuple[str, ...]
