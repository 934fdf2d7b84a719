"""Files that lie about what they are: refused by name, at once, with nothing leaked, fetched or written."""

from __future__ import annotations

import http.server
import os
import shutil
import socket
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from icepipe.runtime.gdal_environment import SETTINGS
from tests.faults.forged import picture, tiff
from tests.faults.runs import letters
from tests.rasters import write

pytestmark = pytest.mark.usefixtures("socket_enabled")

SECRET = "a line that must not leak"


@pytest.fixture
def server():
    """A server on loopback and the list of what it was asked for."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def parse_request(self):
            asked.append(self.raw_requestline)
            return super().parse_request()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", asked
        running.shutdown()


def vrt(source, raw=False):
    band = (
        f'<VRTRasterBand dataType="Byte" band="1" subClass="VRTRawRasterBand"><SourceFilename>{source}</SourceFilename>'
        "<ImageOffset>0</ImageOffset><PixelOffset>1</PixelOffset><LineOffset>4</LineOffset></VRTRasterBand>"
        if raw
        else f'<VRTRasterBand dataType="Byte" band="1"><SimpleSource><SourceFilename>{source}</SourceFilename>'
        "</SimpleSource></VRTRasterBand>"
    )
    return (
        '<VRTDataset rasterXSize="4" rasterYSize="2"><SRS>EPSG:3413</SRS><GeoTransform>0,250,0,0,0,-250</GeoTransform>'
        f"{band}</VRTDataset>"
    )


TEXTS = {
    "raw": vrt("SECRET", raw=True),
    "address": vrt("/vsicurl/URL/x.tif"),
    "wms": '<GDAL_WMS><Service name="TMS"><ServerUrl>URL/${z}</ServerUrl></Service><DataWindow/></GDAL_WMS>',
    "mrf": "<MRF_META><CachedSource><Source>SECRET</Source></CachedSource></MRF_META>",
    "gti": "<GDALTileIndexDataset><IndexDataset>SECRET</IndexDataset></GDALTileIndexDataset>",
    "zip": "PK\3\4 not a zip",
}


@pytest.mark.parametrize("kind", TEXTS)
def test_other_formats_under_the_name_of_a_tile_are_refused(icepipe, config, tiles, server, tmp_path, kind):
    url, asked = server
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET)
    (tiles / "b_20240702.tif").write_text(TEXTS[kind].replace("SECRET", str(secret)).replace("URL", url))
    done = icepipe("run", config)
    assert done.returncode == 4
    assert "b_20240702.tif: not a GeoTIFF" in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert not asked
    assert sorted(path.name for path in tiles.iterdir()) == ["a_20240701.tif", "b_20240702.tif"]


@pytest.mark.parametrize("where", ["inside", "beside"])
def test_metadata_that_name_other_files_are_refused(icepipe, config, tiles, server, where):
    url, asked = server
    bad = write(tiles / "b_20240702.tif", letters(["iiww", "iwww"]))
    if where == "inside":
        with rasterio.open(bad, "r+") as dataset:
            dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=f"/vsicurl/{url}/x.tif")
    else:
        item = f'<MDI key="OVERVIEW_FILE">/vsicurl/{url}/x.tif</MDI>'
        text = f'<PAMDataset><Metadata domain="OVERVIEWS">{item}</Metadata></PAMDataset>'
        bad.with_name(bad.name + ".aux.xml").write_text(text)
    done = icepipe("run", config)
    assert done.returncode == 4
    assert "point to other files" in done.stderr
    assert not asked


def test_a_coordinate_system_that_is_an_address_is_not_fetched(icepipe, config, tiles, server):
    url, asked = server
    bad = write(tiles / "b_20240702.tif", letters(["iiww", "iwww"]), crs=None)
    bad.with_name(bad.name + ".aux.xml").write_text(f"<PAMDataset><SRS>{url}/crs.wkt</SRS></PAMDataset>")
    done = icepipe("run", config)
    assert done.returncode == 4
    assert "no coordinate system" in done.stderr
    assert not asked


def flood():
    body = zlib.compress(bytes(400 * 2**20), 9)
    return picture(10_000, 14_000, 3, 14_000, 8, len(body)), body


def many_bands():
    body = zlib.compress(bytes(64 * 64 * 65_535), 1)
    return picture(64, 64, 65_535, 64, 8, len(body)), body


def loop():
    body = zlib.compress(bytes(3 * 16 * 16))
    start = 8 + len(body) + len(body) % 2
    return picture(16, 16, 3, 16, 8, len(body)), body, start


MEASURED = """
import resource, sys, time
from pathlib import Path
from icepipe.runtime.gdal_environment import apply_gdal_settings
apply_gdal_settings()
from icepipe.errors import InputError
from icepipe.inputs.validate import check_raster, open_raster
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
with open_raster(Path(sys.argv[1])):
    pass
start, before = time.monotonic(), peak()
try:
    with open_raster(Path(sys.argv[2])) as dataset:
        check_raster(Path(sys.argv[2]), dataset)
    print("accepted")
except InputError as fault:
    print(fault)
print(time.monotonic() - start, peak() - before)
"""


@pytest.mark.parametrize(
    ("make", "told"),
    [(flood, "bad_20240702.tif"), (many_bands, "bad_20240702.tif: one of its blocks"), (loop, "accepted")],
)
def test_floods_and_loops_take_neither_time_nor_memory(tiles, tmp_path, make, told):
    """A loop of directories does no harm: the first page is whole, and no other is looked at."""
    tiff(tmp_path / "bad_20240702.tif", *make())
    command = [sys.executable, "-c", MEASURED, tiles / "a_20240701.tif", tmp_path / "bad_20240702.tif"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    said, figures = done.stdout.splitlines()
    seconds, megabytes = map(float, figures.split())
    assert told in said
    assert seconds < 1
    assert megabytes < 60


def test_a_huge_empty_file_is_refused_by_the_command(icepipe, config, tiles):
    with rasterio.open(
        tiles / "b_20240702.tif",
        "w",
        driver="GTiff",
        width=1_000_000,
        height=1_000_000,
        count=1,
        dtype="uint8",
        blockxsize=16_384,
        blockysize=16_384,
        tiled=True,
        compress="deflate",
        SPARSE_OK=True,
        crs="EPSG:3413",
        transform=Affine(250, 0, 0, 0, -250, 0),
    ):
        pass
    assert (tiles / "b_20240702.tif").stat().st_size < 50_000
    done = icepipe("run", config)
    assert done.returncode == 4
    assert "64 MiB" in done.stderr


def test_what_is_no_file_is_skipped_and_told(icepipe, config, tiles):
    os.mkfifo(tiles / "pipe_20240702.tif")
    (tiles / "folder_20240703.tif").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tiles / "socket_20240704.tif"))
        done = icepipe("run", config)
    assert done.returncode == 0
    assert "folder_20240703.tif, pipe_20240702.tif, socket_20240704.tif" in done.stdout


def test_links_that_lead_nowhere_or_to_the_system_are_named(icepipe, config, tiles):
    (tiles / "loop_20240702.tif").symlink_to(tiles / "loop_20240702.tif")
    (tiles / "gone_20240703.tif").symlink_to(tiles / "nowhere.tif")
    (tiles / "system_20240704.tif").symlink_to("/etc/passwd")
    done = icepipe("run", config)
    assert done.returncode == 4
    assert "loop_20240702.tif: a broken symbolic link" in done.stderr
    assert "gone_20240703.tif: a broken symbolic link" in done.stderr
    assert "system_20240704.tif: not a GeoTIFF" in done.stderr
    assert "root:" not in done.stderr + done.stdout


@pytest.mark.parametrize("ending", [".aux.xml", ".msk", ".ovr"])
def test_a_pipe_beside_a_tile_does_not_hang(icepipe, config, tiles, ending):
    write(tiles / "b_20240702.tif", letters(["iiww", "iwww"]))
    os.mkfifo(tiles / f"b_20240702.tif{ending}")
    done = icepipe("run", config)
    assert done.returncode == 4
    assert "not a regular file" in done.stderr


def test_settings_of_the_machine_do_not_turn_broken_pixels_into_water(icepipe, config, tiles, tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(1, 4, (1, 64, 64), dtype=np.uint8)
    bad = write(tiles / "b_20240702.tif", pixels, compress="deflate", tiled=True, blockxsize=16, blockysize=16)
    whole = bytearray(bad.read_bytes())
    whole[len(whole) // 2] ^= 0x10
    bad.write_bytes(whole)
    lax = tmp_path / "home/.gdal"
    lax.mkdir(parents=True)
    (lax / "gdalrc").write_text("[configoptions]\nGTIFF_IGNORE_READ_ERRORS=YES\n")
    for variables in ({"HOME": str(tmp_path / "home")}, {"GDAL_CONFIG_FILE": str(lax / "gdalrc")}):
        done = icepipe("run", config, env=os.environ | variables)
        assert done.returncode == 4
        assert "b_20240702.tif" in done.stderr
        shutil.rmtree(tmp_path / "out")


DRIVERS = """
from icepipe.runtime.gdal_environment import apply_gdal_settings
apply_gdal_settings()
import pyogrio
import rasterio

FORKED = True
with rasterio.Env() as env:
    print(*env.drivers(), *pyogrio.list_drivers(), sep="\\n")
"""


USED = {"GTiff", "COG", "JP2OpenJPEG", "PNG", "MEM", "Memory", "ESRI Shapefile", "GPKG", "FlatGeobuf", "GeoJSON", "KML"}


def test_only_the_drivers_that_are_used_are_there():
    done = subprocess.run([sys.executable, "-c", DRIVERS], capture_output=True, text=True, check=True)
    assert set(done.stdout.splitlines()) <= USED
    assert {"GTiff", "COG", "JP2OpenJPEG", "GPKG", "FlatGeobuf", "ESRI Shapefile"} <= set(done.stdout.splitlines())
    assert done.stderr == ""


def test_the_command_restricts_before_it_loads_a_library():
    code = "import icepipe.cli, sys; print({'rasterio', 'pyogrio', 'pyproj'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    assert SETTINGS["GTIFF_IGNORE_READ_ERRORS"] == "NO"


def test_no_module_reads_pickles():
    source = Path(__file__).resolve().parents[2] / "pipeline"
    found = [path for path in source.rglob("*.py") if {"pickle", "joblib", "marshal"} & set(path.read_text().split())]
    assert found == []
