"""Settings of GDAL and PROJ in the `icepipe` command, applied before either library is loaded.

rasterio and pyogrio each bring a copy of GDAL. Only environment variables reach both, and only they override a `gdalrc`
file of the machine; the settings of rasterio do neither.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

_ONE_WORD = """
AAIGrid ACE2 ADBC ADRG AIG AIVector AVCBin AVCE00 AirSAR AmigoCloud BAG BIGGIF BLX BMP BSB BT BYN CALS
CEOS COASP COSAR CPG CSV CSW CTG CTable2 Carto DAAS DERIVED DGN DIMAP DIPEx DOQ1 DOQ2 DTED DXF ECRGTOC
EDIGEO EEDA EEDAI EHdr EIR ELAS ENVI ERS ESAT ESRIC ESRIJSON Elasticsearch FAST FIT GDALG GFF GIF GML
GNMDatabase GNMFile GPSBabel GPX GRASSASCIIGrid GRIB GS7BG GSAG GSBG GSC GTFS GTI GTX GXF GenBin
GeoJSONSeq GeoRSS HDF5 HDF5Image HF2 HFA HTTP ILWIS IRIS ISCE ISG ISIS2 ISIS3 Idrisi JAXAPALSAR JDEM JML
JPEG JSONFG KMLSUPEROVERLAY KRO L1B LAN LCP LIBKML LOSLAS LVBAG Leveller MAP MBTiles MFF MFF2 MRF MSGN
MVT MapML MiraMonVector NDF NGSGEOID NGW NITF NOAA_B NSIDCbin NTv2 NWT_GRC NWT_GRD OAPIF ODS OGCAPI
OGR_GMT OGR_PDS OGR_VRT OSM OZI OpenFileGDB PAux PCIDSK PCRaster PDF PDS PDS4 PGDUMP PLMOSAIC PLSCENES
PMTiles PNM PRF R RIK RMF ROI_PAC RPFTOC RRASTER RS2 RST Rasterlite S102 S104 S111 S57 SAFE SAGA
SAR_CEOS SDTS SENTINEL2 SGI SIGDEM SNAP_TIFF SNODAS SQLite SRP SRTMHGT STACIT STACTA SXF Selafin TGA TIL
TSX Terragen TopoJSON USGSDEM VDV VFK VICAR VRT WAsP WCS WEBP WFS WMS WMTS XLSX XPM XYZ ZMap Zarr netCDF
"""

UNUSED = ("MapInfo File", *_ONE_WORD.split())
"""Every driver of the two builds except those of the formats that are read or written: a driver that is not registered
cannot be tricked into opening a file or an address. Memory stays registered: rasterio before 1.5 rasterizes with it."""

CACHE_MB = 16
"""Size of GDAL's cache of decoded blocks: small, since icepipe requests whole rows of tiles and keeps them itself."""

SETTINGS = {
    "GDAL_SKIP": ",".join(UNUSED),
    # Each copy of GDAL logs which drivers of the list it does not have; real errors arrive as exceptions.
    "CPL_LOG": os.devnull,
    "GDAL_CACHEMAX": str(CACHE_MB),
    "GDAL_DRIVER_PATH": "disable",
    "GDAL_CONFIG_FILE": os.devnull,
    # An unreadable pixel is an error and never a zero.
    "GTIFF_IGNORE_READ_ERRORS": "NO",
    # Input files must not run programs or open other files and addresses.
    "GDAL_VRT_ENABLE_PYTHON": "NO",
    "GDAL_VRT_ENABLE_RAWRASTERBAND": "NO",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "{none}",
    "CPL_VSIL_CURL_HEADER_FILE_KVP_ENABLED": "NO",
    "MRF_ENABLE_CACHING": "NO",
    "PROJ_NETWORK": "OFF",
    # Matrices are small; with limited memory, OpenBLAS hangs while it allocates the buffers of further threads.
    "OPENBLAS_NUM_THREADS": "1",
}
"""Environment variables: no further formats, plug-ins, machine settings, addresses, or programs in files."""


def apply_gdal_settings(variables: MutableMapping[str, str] = os.environ) -> None:
    """Set the variables of this process; without effect once rasterio or pyogrio is loaded."""
    variables.update(SETTINGS)
