"""Fields of the table of products: how the files of a delivery are named, and what comes with its bands."""

from __future__ import annotations

import re
from dataclasses import dataclass

Pattern = re.Pattern[str]


@dataclass(frozen=True)
class PictureName:
    """A name that tells which sensor made a picture.

    Attributes
    ----------
    sensor
        Key of the sensor.
    name
        What the name of the file holds.
    place
        What the name of the file or of its folder (``folder/file``) holds besides; None where any will do.
    """

    sensor: str
    name: Pattern
    place: Pattern | None = None


@dataclass(frozen=True)
class Product:
    """One kind of delivery, by its names.

    Attributes
    ----------
    title
        What people call it.
    sensors
        Name of a product of measured bands -> key of its sensor; the first that fits.
    pictures
        Names of its 8-bit pictures; the first that fits.
    dates
        Names with the acquisition in groups: ``ymd`` (year, month, day) or ``yj`` (year, day of the year), and, where
        the name has a time, ``hms`` or ``hm``. Other dates in such a name, as that of processing, do not count.
    platforms
        Name of a file or folder -> satellite; the first that fits.
    extras
        Name, less its suffix, of files that are neither bands nor masks.
    companions
        Name, less its suffix, of files that are left alone where bands of the same ``product`` (a group) are there too.
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
        What a config says.
    name
        Name, less its suffix, that tells such a raster from a band.
    endings
        Endings of its file's name, less the suffix, after the product's name; the first that is there counts.
    folders
        Where it lies, from the folder of the product.
    hides
        What can be hidden: word -> bit, or word -> value.
    by_bits
        Whether numbers are bits or values.
    unseen
        Bits or values of pixels that were not seen.
    default
        Words that hide where a config does not choose.
    """

    key: str
    name: Pattern
    endings: tuple[str, ...]
    folders: tuple[str, ...]
    hides: dict[str, int]
    by_bits: bool
    unseen: tuple[int, ...]
    default: tuple[str, ...]
