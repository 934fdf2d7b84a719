"""Any picture, through the real command: what is kept, what is told, what is refused."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import time
from itertools import pairwise

import numpy as np
import pyogrio
import pyproj
import pytest
import rasterio
import shapely
from affine import Affine
from PIL import Image, ImageOps
from rasterio.enums import ColorInterp
from rasterio.features import rasterize
from sklearn.datasets import load_sample_image

from tests.conftest import ROOT
from tests.pictures import FLAT, article_by_hand, declared_png, patches
from tests.rasters import write

FORKED = True
PAGE = ROOT / "docs" / "how-to" / "picture.md"
BLOCK = re.compile(r"```console\n\$ icepipe (?P<command>[^\n]*)\n(?P<output>.*?)```", re.DOTALL)
UTM = {"crs": "EPSG:32633", "transform": Affine(20, 0, 400_000, 0, -20, 7_700_000)}
LAKE, SHORE = (20, 40, 90), (140, 120, 80)


@pytest.fixture
def make(icepipe, tmp_path):
    """Run `icepipe picture` on a file and read its document."""

    def call(path, *options):
        done = icepipe("picture", path, "--out", tmp_path / "made", "--json", *options, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        result = json.loads(done.stdout.splitlines()[-1])
        assert result.pop("folder") == str(tmp_path / "made")
        assert result == json.loads((tmp_path / "made/palette.json").read_text())
        assert sorted(result["files"]) == sorted(path.name for path in (tmp_path / "made").iterdir())
        return result

    return call


def saved(image, path, **options):
    image.save(path, **options)
    return path


def photo(height=90, width=120):
    return Image.fromarray(patches(FLAT, 8, height, width))


def lake(width=200, height=150, noise=3):
    """A round lake, as RGB bands and as a mask."""
    row, col = np.indices((height, width))
    wet = (row - 70) ** 2 + (col - 90) ** 2 < 50**2
    rng = np.random.default_rng(0)
    flat = np.where(wet[..., None], LAKE, SHORE) + rng.integers(-noise, noise + 1, (height, width, 3))
    return np.moveaxis(flat.astype(np.uint8), -1, 0), wet


def with_frames(path, kind):
    image = photo()
    image.save(path, format=kind, save_all=True, append_images=[ImageOps.mirror(image), ImageOps.flip(image)])
    return path


def truncated(path, whole):
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    return path


def sparse_tiff(path, side):
    options = {"count": 1, "dtype": "uint8", "tiled": True, "blockxsize": 512, "blockysize": 512, "sparse_ok": True}
    rasterio.open(path, "w", driver="GTiff", height=side, width=side, **UTM, **options).close()
    return path


def paletted_tiff(path):
    numbers = (np.indices((30, 40)).sum(axis=0) % 4).astype(np.uint8)
    table = {0: (0, 0, 0, 255), 1: (200, 30, 30, 255), 2: (30, 200, 30, 255), 3: (9, 9, 9, 255)}
    with rasterio.open(path, "w", driver="GTiff", height=30, width=40, count=1, dtype="uint8", nodata=3, **UTM) as tiff:
        tiff.write(numbers, 1)
        tiff.colorinterp = [ColorInterp.palette]
        tiff.write_colormap(1, table)
    return path


ROTATED = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
"""Exif of one tag: Orientation is 6."""

WIDE = (patches(FLAT, 5).astype(np.uint16) * 150 + 300).transpose(2, 0, 1)

WORKS = {
    "grey": lambda p: saved(photo().convert("L"), p / "a.png"),
    "grey-alpha": lambda p: saved(photo().convert("LA"), p / "a.png"),
    "palette": lambda p: saved(photo().quantize(32), p / "a.png"),
    "palette-transparent": lambda p: saved(photo().quantize(32), p / "a.png", transparency=3),
    "cmyk-jpeg": lambda p: saved(photo().convert("CMYK"), p / "a.jpg"),
    "grey-jpeg": lambda p: saved(photo().convert("L"), p / "a.jpeg"),
    "progressive-jpeg": lambda p: saved(photo(), p / "a.jpg", progressive=True),
    "one-bit": lambda p: saved(photo().convert("1"), p / "a.png"),
    "sixteen-bit-grey": lambda p: saved(Image.fromarray(WIDE[0]), p / "a.png"),
    "sixteen-bit-colour": lambda p: write(p / "a.png", WIDE, driver="PNG", crs=None, transform=None),
    "alpha": lambda p: saved(photo().convert("RGBA"), p / "a.png"),
    "interlaced": lambda p: saved(photo(), p / "a.PNG"),
    "rotated": lambda p: saved(
        photo(), p / "a.jpg", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    ),
    "animated": lambda p: with_frames(p / "a.png", "PNG"),
    "several-jpegs": lambda p: with_frames(p / "a.jpg", "MPO"),
    "one-pixel": lambda p: saved(Image.new("RGB", (1, 1), "teal"), p / "a.png"),
    "one-row": lambda p: saved(Image.fromarray(patches(FLAT, 5, 1, 10_000)), p / "a.png"),
    "one-column": lambda p: saved(Image.fromarray(patches(FLAT, 5, 1, 10_000).swapaxes(0, 1)), p / "a.png"),
    "tiff-without-a-place": lambda p: saved(photo(), p / "a.tif"),
    "one-bit-tiff": lambda p: saved(photo().convert("1"), p / "a.tif"),
    "sixteen-bit-tiff": lambda p: write(p / "a.tif", WIDE, **UTM),
    "single-band-tiff": lambda p: write(p / "a.tif", WIDE[:1], **UTM),
    "palette-tiff": lambda p: paletted_tiff(p / "a.tif"),
    "many-bands": lambda p: write(p / "a.tif", np.concatenate([WIDE, WIDE]), **UTM),
    "name": lambda p: saved(photo(), p / "$a_b$ 日本 %d.png"),
}

REFUSED = {
    "truncated-jpeg": (lambda p: truncated(p / "b.jpg", saved(photo(), p / "a.jpg")), "damaged"),
    "truncated-png": (lambda p: truncated(p / "b.png", saved(photo(), p / "a.png")), "damaged"),
    "truncated-tiff": (lambda p: truncated(p / "b.tif", write(p / "a.tif", WIDE, **UTM)), "b.tif"),
    "huge-png": (lambda p: put(p / "a.png", declared_png(60_000, 60_000)), "more than 178,956,970"),
    "hollow-png": (lambda p: put(p / "a.png", declared_png(13_000, 13_000)), "too small for the pixels"),
    "animated-gif": (lambda p: with_frames(p / "a.gif", "GIF"), "neither a GeoTIFF nor a PNG nor a JPEG"),
    "text": (lambda p: put(p / "a.jpg", b"no picture at all"), "neither a GeoTIFF"),
    "empty": (lambda p: put(p / "a.png", b""), "neither a GeoTIFF"),
    "header-alone": (lambda p: put(p / "a.png", b"\x89PNG\r\n\x1a\n"), "damaged"),
    "folder": (lambda p: p, "not a regular file"),
    "absent": (lambda p: p / "none.png", "no such file"),
    "floats": (lambda p: write(p / "a.tif", WIDE.astype(np.float32), **UTM), "8 or 16 bits"),
    "two-bands": (lambda p: write(p / "a.tif", WIDE[:2], **UTM), "neither grey nor colour"),
    "hollow-tiff": (lambda p: sparse_tiff(p / "a.tif", 13_000), "pixels are missing"),
    "nothing-seen": (lambda p: saved(Image.new("RGBA", (9, 9)), p / "a.png"), "has no visible pixel"),
    "huge-tiff": (lambda p: sparse_tiff(p / "a.tif", 60_000), "more than 178,956,970"),
}


def put(path, data):
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", WORKS)
def test_awkward_pictures_work(make, tmp_path, kind):
    path = WORKS[kind](tmp_path)
    result = make(path, "--k", "3", "--space", "--pick", "1")
    with rasterio.open(tmp_path / "made" / result["files"][0]) as dataset:
        assert (dataset.width, dataset.height) == (result["width"], result["height"])
    assert round(sum(round(100 * entry["share_percent"]) for entry in result["clusters"])) == 10_000
    assert (
        sum(entry["pixels"] for entry in result["clusters"])
        == result["pixels"]
        == result["width"] * result["height"] - result["hidden_pixels"]
    )


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_picture_is_refused_in_a_sentence(icepipe, tmp_path, kind):
    write_it, message = REFUSED[kind]
    began, done = time.monotonic(), icepipe("picture", write_it(tmp_path), cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr
    assert "; " in done.stderr
    assert time.monotonic() - began < 20
    assert not list(tmp_path.glob("*_picture"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--k", "0"), "k is 0"),
        (("--k", "65"), "1 to 64"),
        (("--k", "many"), "--k many"),
        (("--sweep", "2,x"), "--sweep 2,x"),
        (("--sweep", "2,,3"), "--sweep 2,,3"),
        (("--sweep", "2,3,4,5,6,7,8,9,10,11,12,13"), "at most 11"),
        (("--pick", "9"), "1 to 5"),
        (("--pick", "0"), "1 to 5"),
        (("--pick", "blue"), "neither a number nor a colour"),
        (("--pick", "#12345"), "neither a number nor a colour"),
        (("--method", "magic"), "magic"),
        (("--out", "a.png"), "is a file"),
    ],
)
def test_what_cannot_be_done_is_refused(icepipe, tmp_path, options, said):
    saved(photo(), tmp_path / "a.png")
    done = icepipe("picture", "a.png", *options, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_the_articles_method_does_not_start_among_sixteen_bits(icepipe, tmp_path):
    done = icepipe("picture", write(tmp_path / "a.tif", WIDE, **UTM), "--method", "article", cwd=tmp_path)
    assert done.returncode == 2
    assert "uint16" in done.stderr


def test_a_folder_that_cannot_be_made_is_told(icepipe, tmp_path):
    done = icepipe("picture", saved(photo(), tmp_path / "a.png"), "--out", "/proc/none", cwd=tmp_path)
    assert done.returncode in {2, 6}
    assert len(done.stderr.splitlines()) == 1
    assert "/proc" in done.stderr


def test_outputs_are_not_written_through_links(icepipe, tmp_path):
    path = saved(photo(), tmp_path / "a.png")
    (tmp_path / "a_picture").mkdir()
    (tmp_path / "a_picture/a_colours.png").symlink_to(path)
    before = path.read_bytes()
    done = icepipe("picture", "a.png", cwd=tmp_path)
    assert done.returncode == 6
    assert len(done.stderr.splitlines()) == 1
    assert path.read_bytes() == before
    assert not list((tmp_path / "a_picture").glob(".*"))


def test_each_pixel_gets_the_mean_of_its_cluster(make, tmp_path):
    path = saved(photo(), tmp_path / "a.png")
    result = make(path)
    before, after = (np.asarray(Image.open(p).convert("RGB")) for p in (path, tmp_path / "made/a_colours.png"))
    colours = np.unique(after.reshape(-1, 3), axis=0)
    assert len(colours) == 5
    for entry in result["clusters"]:
        inside = np.all(after == entry["colour"], axis=-1)
        assert inside.sum() == entry["pixels"]
        assert np.abs(before[inside].mean(axis=0) - entry["centroid"]).max() < 0.1
        assert entry["hex"] == "#{:02x}{:02x}{:02x}".format(*entry["colour"])
    apart = np.linalg.norm(before.astype(float) - after, axis=-1).mean()
    assert result["mean_colour_error"] == pytest.approx(apart, abs=1e-3)
    light = [np.dot(entry["centroid"], [0.2126, 0.7152, 0.0722]) for entry in result["clusters"]]
    assert light == sorted(light)


def test_k_can_be_chosen(make, tmp_path):
    result = make(saved(photo(), tmp_path / "a.png"), "--k", "auto", "--elbow", "--sweep", "2,3,5,7")
    assert (result["k"], result["k_asked"], result["elbow"]["k"]) == (5, "auto", 5)
    assert "5 colours leave" in result["elbow"]["reason"]
    assert [entry["k"] for entry in result["sweep"]] == [2, 3, 5, 7]
    assert all(a["inertia"] > b["inertia"] for a, b in pairwise(result["sweep"]))
    assert result["sweep"][2]["inertia"] == result["inertia"]
    assert {"a_elbow.png", "a_sweep.png"} <= set(result["files"])


def test_more_colours_than_there_are_is_said(make, tmp_path):
    result = make(saved(Image.fromarray(patches(FLAT[:3], 0)), tmp_path / "a.png"), "--k", "6")
    assert result["k"] == 3
    assert result["notes"] == ["it has 3 colours, so k is 3 and not 6"]
    assert result["mean_colour_error"] == 0


def test_the_article_can_be_reproduced(make, tmp_path):
    pixels = load_sample_image("china.jpg")[::3, ::3]
    result = make(saved(Image.fromarray(pixels), tmp_path / "a.png"), "--method", "article", "--k", "6", "--seed", "3")
    theirs = article_by_hand(pixels, 6, 3)
    assert sorted(entry["centroid"] for entry in result["clusters"]) == sorted(theirs.tolist())
    assert result["iterations"] == len(result["history"]) <= 10
    assert result["history"][-1]["centroids"] == [entry["centroid"] for entry in result["clusters"]]
    steps = [result["start"], *(entry["centroids"] for entry in result["history"])]
    for (before, after), entry in zip(pairwise(steps), result["history"], strict=True):
        moved = np.linalg.norm(np.array(after) - before, axis=1).sum()
        assert entry["moved"] == pytest.approx(moved, abs=1e-3)
        assert sum(entry["counts"]) == result["pixels"]
    assert result["converged"] == (result["history"][-1]["moved"] == 0)


def test_transparent_pixels_take_no_part_and_stay(make, tmp_path):
    pixels = np.dstack([patches(FLAT[:3], 3), np.full((120, 160), 255, np.uint8)])
    pixels[:30, :30] = (255, 0, 255, 0)
    pixels[30:60, :30, 3] = 77
    path = saved(Image.fromarray(pixels), tmp_path / "a.png")
    result = make(path, "--k", "3")
    after = np.asarray(Image.open(tmp_path / "made/a_colours.png"))
    assert np.array_equal(after[..., 3], pixels[..., 3])
    assert np.array_equal(after[:30, :30], pixels[:30, :30])
    assert result["hidden_pixels"] == 900
    assert (
        max(
            abs(a - b)
            for entry, flat in zip(result["clusters"], FLAT[[0, 1, 2]], strict=True)
            for a, b in zip(entry["colour"], flat, strict=True)
        )
        <= 1
    )


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpg", "png", "tif"])
def test_pictures_are_turned_upright(make, tmp_path, orientation, kind):
    pixels = patches(FLAT[:4], 5, 40, 60)
    pixels[:12, :30] = (200, 20, 120)
    image = Image.fromarray(pixels)
    exif = image.getexif()
    exif[274] = orientation
    path = saved(image, tmp_path / f"a.{kind}", exif=exif, **({"quality": 95} if kind == "jpg" else {}))
    result = make(path, "--k", "5")
    upright = np.asarray(ImageOps.exif_transpose(Image.open(path)), dtype=float)
    after = np.asarray(Image.open(tmp_path / "made" / result["files"][0]).convert("RGB"), dtype=float)
    assert after.shape == upright.shape
    assert np.abs(after - upright).mean() < 9


def test_only_the_first_frame_is_taken_and_it_is_said(make, tmp_path):
    path = with_frames(tmp_path / "a.png", "PNG")
    result = make(path)
    assert result["notes"] == ["it holds 3 pictures, and the first is taken"]
    after = np.asarray(Image.open(tmp_path / "made/a_colours.png").convert("RGB"), dtype=float)
    assert np.abs(after - np.asarray(photo(), dtype=float)).mean() < 15


@pytest.mark.parametrize("how", ["nodata", "alpha", "mask"])
def test_place_and_what_is_not_seen_are_kept(make, tmp_path, how):
    pixels, _ = lake()
    hidden = np.zeros(pixels.shape[1:], dtype=bool)
    hidden[:, :17] = True
    pixels[:, hidden] = 0
    options = {"nodata": {"nodata": 0}, "mask": {"mask": ~hidden}, "alpha": {}}[how]
    if how == "alpha":
        pixels = np.concatenate([pixels, 255 * ~hidden[None]]).astype(np.uint8)
        options = {"colorinterp": [ColorInterp[name] for name in ("red", "green", "blue", "alpha")]}
    path = write(tmp_path / "a.tif", pixels, **UTM, **options)
    result = make(path, "--k", "2")
    assert result["hidden_pixels"] == hidden.sum()
    with rasterio.open(path) as before, rasterio.open(tmp_path / "made/a_colours.tif") as after:
        assert (after.crs, after.transform, after.shape) == (before.crs, before.transform, before.shape)
        assert (after.nodata, after.count, after.dtypes) == (before.nodata, before.count, before.dtypes)
        assert after.colorinterp == before.colorinterp
        assert np.array_equal(after.dataset_mask() == 0, hidden)
        assert len(np.unique(after.read([1, 2, 3])[:, ~hidden], axis=1).T) == 2


def test_a_colour_is_never_nodata(make, tmp_path):
    pixels = (np.indices((1, 20, 20)).sum(axis=0) % 2 * 8 + 1).astype(np.uint8)
    pixels[..., :8] = 200
    path = write(tmp_path / "a.tif", pixels, nodata=5, **UTM)
    result = make(path, "--k", "2")
    with rasterio.open(tmp_path / "made/a_colours.tif") as after:
        assert (after.read_masks(1) == 0).sum() == result["hidden_pixels"] == 0
        assert np.unique(after.read(1)).tolist() == [6, 200]


def test_sixteen_bits_stay_sixteen(make, tmp_path):
    for path in (write(tmp_path / "a.tif", WIDE, **UTM), write(tmp_path / "b.png", WIDE, driver="PNG", crs=None)):
        result = make(path, "--k", "5")
        shutil.move(tmp_path / "made", tmp_path / f"made-{path.stem}")
        with rasterio.open(tmp_path / f"made-{path.stem}" / result["files"][0]) as after:
            colours = np.unique(after.read().reshape(3, -1), axis=1).T
            assert after.dtypes == ("uint16",) * 3
        assert sorted(colours.tolist()) == sorted(entry["colour"] for entry in result["clusters"])
        assert np.abs(np.sort(colours, axis=0) - np.sort(FLAT * 150 + 300, axis=0)).max() < 300
        assert any("shown from black to white" in note for note in result["notes"])


def test_a_lake_has_its_true_area(make, tmp_path):
    pixels, wet = lake()
    path = write(tmp_path / "lake.tif", pixels, **UTM)
    result = make(path, "--k", "2", "--pick", "#182860")
    assert result["pick"]["hex"] == result["clusters"][0]["hex"]
    assert result["pick"]["pixels"] == wet.sum()
    assert result["pick"]["share_percent"] == pytest.approx(100 * wet.mean(), abs=0.006)
    with rasterio.open(tmp_path / "made/lake_pick.tif") as mask:
        assert np.array_equal(mask.read(1), 255 * wet)
        assert (mask.crs, mask.transform) == (pyproj.CRS(32633), UTM["transform"])
    frame = pyogrio.read_dataframe(tmp_path / "made/lake_pick.gpkg")
    assert frame.crs == "EPSG:32633"
    assert frame.columns.tolist() == ["area_m2", "area_km2", "perim_m", "n_px", "id", "geometry"]
    assert len(frame) == result["pick"]["n_polygons"] == 1
    drawn = rasterize(frame.geometry, wet.shape, transform=UTM["transform"])
    assert np.array_equal(drawn == 1, wet)
    dense = shapely.segmentize(frame.geometry.union_all(), 50)
    to_degrees = pyproj.Transformer.from_crs(32633, 4326, always_xy=True)
    ring = np.array(to_degrees.transform(*dense.exterior.coords.xy))
    geodesic_m2 = abs(pyproj.Geod(ellps="WGS84").polygon_area_perimeter(*ring)[0])
    assert result["pick"]["area_km2"] * 1e6 == pytest.approx(geodesic_m2, rel=1e-6)
    assert abs(result["pick"]["area_km2"] / (wet.sum() * 400 / 1e6) - 1) > 1e-4, "map area is not true area"


def test_without_a_place_there_is_no_area(icepipe, make, tmp_path):
    for path in (
        saved(Image.fromarray(lake()[0].transpose(1, 2, 0)), tmp_path / "a.tif"),
        saved(photo(), tmp_path / "b.jpg"),
    ):
        result = make(path, "--pick", "1")
        assert "area_km2" not in json.dumps(result)
        assert not [name for name in result["files"] if name.endswith(".gpkg")]
        shutil.rmtree(tmp_path / "made")
        done = icepipe("picture", path, "--pick", "1", cwd=tmp_path)
        assert "; no km2: " in done.stdout
        assert len(re.findall("km2", done.stdout)) == 1


def test_a_georeference_off_the_earth_is_refused(icepipe, tmp_path):
    path = write(tmp_path / "a.tif", lake()[0], crs="EPSG:4326", transform=Affine(1, 0, 0, 0, -1, 300))
    done = icepipe("picture", path, "--k", "2", "--pick", "1", cwd=tmp_path)
    assert done.returncode == 3
    assert "Earth" in done.stderr


@pytest.mark.parametrize("method", ["lloyd", "minibatch", "article"])
def test_the_same_bytes_twice(icepipe, tmp_path, method):
    path = write(tmp_path / "lake.tif", lake()[0], **UTM)
    for name in ("one", "two"):
        options = ("--k", "3", "--elbow", "--space", "--sweep", "2,3", "--pick", "1", "--method", method)
        done = icepipe(
            "picture",
            path,
            *options,
            "--out",
            name,
            cwd=tmp_path,
            env={"PATH": "/usr/bin", "TZ": f"UTC{name == 'one':+d}"},
        )
        assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(names) == 9
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_a_large_photo_takes_under_three_seconds(started, tmp_path):
    image = Image.fromarray(load_sample_image("china.jpg")).resize((3456, 2003), Image.Resampling.LANCZOS)
    path, took = saved(image, tmp_path / "a.jpg", quality=90), []
    for _ in range(3):
        began = time.perf_counter()
        assert started("picture", path, "--k", "7", cwd=tmp_path).returncode == 0
        took.append(time.perf_counter() - began)
    assert min(took) < 3


def test_the_page_shows_what_the_commands_print(icepipe, tmp_path):
    shutil.copytree(ROOT / "data", tmp_path / "data")
    blocks = list(BLOCK.finditer(PAGE.read_text()))
    assert len(blocks) >= 2
    for block in blocks:
        done = icepipe(*shlex.split(block["command"]), cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == block["output"], block["command"]
