"""Table of known sensors, products and quality rasters.

A new sensor needs only new rows here: ``SENSORS`` defines the config keys and the roles of bands, ``PRODUCTS`` the file
names of deliveries, ``QUALITIES`` the bits of quality rasters that hide the surface. Config validation, the reference
pages, `init`, `inspect`, dates, scaling and masks all read this table.
"""

from __future__ import annotations

import re

import numpy as np

from icepipe.sensors.product import PictureName, Product, Quality
from icepipe.sensors.sensor import BANDS, CLASSES, FixedScaling, MetadataFormat, Sensor, Stretch

ROLE_NAMES: dict[str, tuple[str, ...]] = {
    "blue": ("blue",),
    "green": ("green",),
    "red": ("red",),
    "nir": ("nir", "nir08", "near infrared", "near-infrared"),
    "swir1": ("swir1", "swir16", "swir 1", "swir"),
    "swir2": ("swir2", "swir22", "swir 2"),
}
"""Role -> spellings in band descriptions, in lower case; roles are in feature order."""


def _name(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


# Transfer function of IEC 61966-2-1: linear below 0.04045, a power of 2.4 above.
_ENCODED = np.arange(256) / 255
_LINEAR = np.where(_ENCODED <= 0.04045, _ENCODED / 12.92, ((_ENCODED + 0.055) / 1.055) ** 2.4)

SRGB = Stretch(
    name="the sRGB curve",
    knots=tuple(zip(range(256), _LINEAR.tolist(), strict=True)),
    source="IEC 61966-2-1: a picture meant for a screen encodes linear light with the sRGB curve",
)

MODIS_CORRECTED_REFLECTANCE = Stretch(
    name="the MODIS Rapid Response enhancement",
    knots=tuple(
        (byte, scaled / 255 * 1.11 - 0.01)
        for scaled, byte in ((0, 0), (30, 110), (60, 160), (120, 210), (190, 240), (255, 255))
    ),
    source="Gumley, Descloitres and Schmaltz (2007), Creating Reprojected True Color MODIS Images: "
    "corrected reflectance -0.01..1.10 to 0..255, then the Rapid Response enhancement",
)

_COLOURS = ("red", "green", "blue")
_FOUR = ("blue", "green", "red", "nir")
_SIX = tuple(ROLE_NAMES)
_TM = {"1": "blue", "2": "green", "3": "red", "4": "nir", "5": "swir1", "7": "swir2"}
_OLI = {"2": "blue", "3": "green", "4": "red", "5": "nir", "6": "swir1", "7": "swir2"}
_MSI = {"02": "blue", "03": "green", "04": "red", "08": "nir", "11": "swir1", "12": "swir2"}
_MSI_DESCRIPTION = _name(r"^B(\d{2}|8A)$")

# Level-1 factors give reflectance for a sun at the zenith; only the MTL file has the solar elevation.
_LANDSAT_LEVEL1 = re.compile("_L1")

_LANDSAT_LEVEL2 = (
    FixedScaling(
        gain=2.75e-05,
        offset=-0.2,
        source="USGS, Landsat Collection 2 Level-2 science products: reflectance = number x 0.0000275 - 0.2",
        name=_name(r"^L[COTE]\d{2}_L2S[PR]_\d{6}_\d{8}_\d{8}_02_"),
    ),
)

_SENTINEL2_SOURCE = (
    "Sentinel-2 products specification, radiometric offset: from processing baseline 04.00 on numbers carry +1000"
)
_SENTINEL2_BASELINES = (
    FixedScaling(1e-4, -0.1, _SENTINEL2_SOURCE, re.compile(r"^S2.*?_N(?:0[4-9]|[1-9]\d)\d{2}_"), folders=6),
    FixedScaling(1e-4, 0.0, _SENTINEL2_SOURCE, re.compile(r"^S2.*?_N0[0-3]\d{2}_"), folders=6),
)

# PlanetScope names: date, time, hundredths of a second (newer names only), satellite, processing level.
_DOVE = r"^(?P<ymd>\d{8})_(?P<hms>\d{6})_(?:\d{1,2}_)?[0-9a-f]{4}_3B_"

SENSORS: dict[str, Sensor] = {
    sensor.key: sensor
    for sensor in (
        Sensor(
            key="rgb",
            title="8-bit colour picture",
            roles=_COLOURS,
            rule_set="rgb",
            stretch=SRGB,
        ),
        Sensor(
            key="modis-truecolor",
            title="MODIS corrected reflectance, bands 1-4-3",
            roles=_COLOURS,
            rule_set="modis-truecolor",
            stretch=MODIS_CORRECTED_REFLECTANCE,
        ),
        Sensor(
            key="modis-721",
            title="MODIS corrected reflectance, bands 7-2-1",
            roles=("swir2", "nir", "red"),
            rule_set="modis-721",
            stretch=MODIS_CORRECTED_REFLECTANCE,
        ),
        Sensor(
            key="landsat-tm",
            title="Landsat 4 and 5 TM",
            roles=_SIX,
            rule_set="multispectral",
            band_roles=_TM,
            fill=(0.0,),
            metadata=MetadataFormat.LANDSAT_MTL,
            scalings=_LANDSAT_LEVEL2,
            # Chander, Markham and Helder (2009), Remote Sens. Environ. 113, table 3 (Landsat 5 TM).
            irradiance={1: 1983.0, 2: 1796.0, 3: 1536.0, 4: 1031.0, 5: 220.0, 7: 83.44},
            sun_uncorrected=_LANDSAT_LEVEL1,
        ),
        Sensor(
            key="landsat-etm",
            title="Landsat 7 ETM+",
            roles=_SIX,
            rule_set="multispectral",
            band_roles=_TM,
            fill=(0.0,),
            metadata=MetadataFormat.LANDSAT_MTL,
            scalings=_LANDSAT_LEVEL2,
            # Chander, Markham and Helder (2009), table 4.
            irradiance={1: 1997.0, 2: 1812.0, 3: 1533.0, 4: 1039.0, 5: 230.8, 7: 84.90},
            sun_uncorrected=_LANDSAT_LEVEL1,
        ),
        Sensor(
            key="landsat-oli",
            title="Landsat 8 and 9 OLI",
            roles=_SIX,
            rule_set="multispectral",
            band_roles=_OLI,
            fill=(0.0,),
            metadata=MetadataFormat.LANDSAT_MTL,
            scalings=_LANDSAT_LEVEL2,
            sun_uncorrected=_LANDSAT_LEVEL1,
        ),
        Sensor(
            key="sentinel2-l1c",
            title="Sentinel-2 Level-1C",
            roles=_SIX,
            rule_set="multispectral",
            band_roles=_MSI,
            band_description=_MSI_DESCRIPTION,
            fill=(0.0,),
            metadata=MetadataFormat.SENTINEL2_MTD,
            scalings=_SENTINEL2_BASELINES,
        ),
        Sensor(
            key="sentinel2-l2a",
            title="Sentinel-2 Level-2A",
            roles=_SIX,
            rule_set="multispectral",
            band_roles=_MSI,
            band_description=_MSI_DESCRIPTION,
            assumed_by_description=True,
            fill=(0.0,),
            metadata=MetadataFormat.SENTINEL2_MTD,
            scalings=_SENTINEL2_BASELINES,
        ),
        Sensor(
            key="planetscope-4",
            title="PlanetScope 4-band surface reflectance",
            roles=_FOUR,
            rule_set="near-infrared",
            file_roles=_FOUR,
            fill=(0.0,),
            scalings=(
                FixedScaling(
                    gain=1e-4,
                    offset=0.0,
                    source="Planet Labs, Imagery Product Specification: surface reflectance scaled by 10 000",
                ),
            ),
        ),
        Sensor(
            key=CLASSES,
            title="class or concentration rasters",
            roles=("class",),
            rule_set=CLASSES,
        ),
        Sensor(
            key=BANDS,
            title="bands named by the file or the config",
            roles=_SIX,
            rule_set="multispectral",
        ),
    )
}
"""Sensors by key; a config can name every key except ``bands``."""

PRODUCTS: tuple[Product, ...] = (
    Product(
        title="MODIS and VIIRS",
        pictures=(
            PictureName("modis-721", name=_name(r"(?<![a-z])false[-_ ]?colou?r")),
            PictureName(
                "modis-truecolor",
                name=_name(r"(?<![a-z])true[-_ ]?colou?r"),
                context=_name(r"(?<![a-z])(modis|terra|aqua)(?![a-z])"),
            ),
        ),
        dates=(
            # The acquisition day follows an A; the last field is the processing time.
            _name(r"^(?:M[COY]D|V[NJ]P)\w+\.A(?P<yj>\d{7})(?:\.(?P<hm>\d{4})(?=\.))?\."),
        ),
        platforms=(
            (_name(r"(?<![a-z])terra(?![a-z])"), "terra"),
            (_name(r"(?<![a-z])aqua(?![a-z])"), "aqua"),
        ),
    ),
    Product(
        title="Sentinel-2",
        sensors=(
            (_name(r"^S2[A-D]_MSIL1C_"), "sentinel2-l1c"),
            (_name(r"^S2[A-D]_MSIL2A_"), "sentinel2-l2a"),
        ),
        dates=(
            # Products: sensing start, baseline, orbit, tile, processing time.
            _name(r"^S2[A-D]_MSIL\d[AC]_(?P<ymd>\d{8})T(?P<hms>\d{6})_N\d{4}_"),
            # Granules and their bands: tile, then sensing start.
            _name(r"^T\d{2}[A-Z]{3}_(?P<ymd>\d{8})T(?P<hms>\d{6})(?:_|$)"),
        ),
        platforms=(
            (_name(r"(?<![a-z0-9])S2A_"), "sentinel-2a"),
            (_name(r"(?<![a-z0-9])S2B_"), "sentinel-2b"),
            (_name(r"(?<![a-z0-9])S2C_"), "sentinel-2c"),
        ),
        # True-colour image, aerosol, water vapour, preview image.
        companions=re.compile(r"^(?P<product>.+)_(?:TCI|AOT|WVP|PVI)(?:_\d{2}m)?$"),
    ),
    Product(
        title="Landsat",
        sensors=(
            (_name(r"^LT0?[45](?=[_\d])"), "landsat-tm"),
            (_name(r"^LE0?7(?=[_\d])"), "landsat-etm"),
            (_name(r"^L[CO]0?[89](?=[_\d])"), "landsat-oli"),
        ),
        dates=(
            # Collection 1 and 2: acquisition date, then processing date.
            _name(r"^L[COTEM]\d{2}_L\w{3}_\d{6}_(?P<ymd>\d{8})_\d{8}_\d{2}_"),
            # Before collections: year and day of year after path and row.
            _name(r"^L[COTEM]\d\d{6}(?P<yj>\d{7})[A-Z]{3}\d{2}"),
        ),
        platforms=(
            (_name(r"(?<![a-z0-9])L[TM]0?5(?=[_\d])"), "landsat-5"),
            (_name(r"(?<![a-z0-9])LE0?7(?=[_\d])"), "landsat-7"),
            (_name(r"(?<![a-z0-9])L[CO]0?8(?=[_\d])"), "landsat-8"),
            (_name(r"(?<![a-z0-9])L[CO]0?9(?=[_\d])"), "landsat-9"),
        ),
        # Radiometric saturation and aerosol, which do not hide the surface.
        extras=_name(r"(?:QA_RADSAT|QA_AEROSOL)$"),
    ),
    Product(
        title="PlanetScope",
        sensors=((_name(_DOVE + r"AnalyticMS_SR(?:_harmonized)?(?:_clip)?(?=\.|$)"), "planetscope-4"),),
        # Acquisition day, time, hundredths of a second (absent from older names), satellite. No platform: names give a
        # constellation only, and keys of observations by scene must not change for names of other products.
        dates=(_name(_DOVE),),
    ),
)
"""Products, in the order in which their patterns are tried."""

QUALITIES: dict[str, Quality] = {
    quality.key: quality
    for quality in (
        Quality(
            key="landsat-c2",
            name=_name(r"QA_PIXEL$"),
            endings=("QA_PIXEL",),
            folders=(".", "R20m", "R60m"),
            # The clear bit (6) is not used: on Landsat 5 and 7 it is unset over water.
            hides={"dilated": 1, "cirrus": 2, "cloud": 3, "shadow": 4},
            by_bits=True,
            unseen=(0,),
            default=("dilated", "cirrus", "cloud", "shadow"),
        ),
        Quality(
            key="landsat-c1",
            name=_name(r"BQA$"),
            endings=("BQA",),
            folders=(".", "R20m", "R60m"),
            hides={"cloud": 4},
            by_bits=True,
            unseen=(0,),
            default=("cloud",),
        ),
        Quality(
            key="sentinel2-scl",
            name=_name(r"(?:_SCL|SCL_20m|SCL_60m)$"),
            endings=("SCL", "SCL_20m", "SCL_60m"),
            folders=(".", "R20m", "R60m"),
            hides={"shadow": 3, "cloud_medium": 8, "cloud_high": 9, "cirrus": 10},
            by_bits=False,
            unseen=(0,),
            default=("shadow", "cloud_medium", "cloud_high", "cirrus"),
        ),
    )
}
"""Quality rasters by key. Sources: USGS data format control books (Landsat Collection 2 QA_PIXEL, Collection 1 BQA);
Sentinel-2 Level-2A algorithm overview (scene classification)."""
